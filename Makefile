# `make demo` and `make test` set everything up on a fresh machine, then run the main job or the tests.
# STACK=onedl chooses the second stack (see tools/setup/).

STACK ?= openmmlab
ifeq ($(STACK),openmmlab)
VENV ?= .venv
MIM_NAME := mmdet
else
VENV ?= .venv-$(STACK)
MIM_NAME := mmdetection
endif
BIN := $(VENV)/bin

# Tests that draw at random have fixed seeds: tests/seeds.py. For the slow ones another is drawn.
ifeq ($(MARKS),slow)
ifndef SEED
SEED := $(shell od -An -N2 -tu2 /dev/urandom | tr -d ' ')
endif
endif
ifdef SEED
export SEED
DRAWN := --hypothesis-seed=$(SEED)
endif

.PHONY: setup slurm chromium demo test pytest lint site linkcheck

setup:
	@tools/setup/setup.sh $(STACK) $(VENV)

slurm:
	@tools/setup/slurm.sh

chromium:
	@tools/setup/chromium.sh

demo: setup
	@echo "[demo] a search over 4 rounds to 80 % sparsity with a small Mask R-CNN: about 4 minutes on 2 cores"
	@$(BIN)/python tools/dataset_converters/shapes.py work_dirs/data/shapes
	@PATH="$(abspath $(BIN)):$$PATH" mim train $(MIM_NAME) configs/lth/mask_rcnn/mask_rcnn_tiny_shapes_imp.py \
		--work-dir work_dirs/demo --resume --cfg-options lottery.progress=True

test: lint pytest

# TESTS are files and folders, all by default; MARKS an expression of pytest's marks.
pytest: setup slurm chromium
	@echo "[test] all tests take about 15 minutes on 2 cores"
	@$(if $(SEED),echo '[test] the drawn seed is $(SEED): SEED=$(SEED) runs the same again')
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder \
		$(if $(MARKS),-m '$(MARKS)') $(DRAWN) $(TESTS)

lint: setup site
	@$(BIN)/ruff check mmlth mmlth_cli mmlth_common tests tools configs benchmarks docs/*.py docs/*/conf.py
	@$(BIN)/ruff format --check mmlth mmlth_cli mmlth_common tests tools benchmarks docs/*.py docs/*/conf.py
	@$(BIN)/mypy mmlth mmlth_cli mmlth_common
	@$(BIN)/hadolint docker/Dockerfile docker/cuda.Dockerfile

# The site needs neither torch nor OpenMMLab, for its reference pages are written and checked by tests.
SPHINX := .venv-docs/bin/python -m sphinx -q -E --nitpicky --fail-on-warning --keep-going

site:
	@tools/setup/site.sh .venv-docs
	@$(SPHINX) docs/en work_dirs/site
	@$(SPHINX) docs/zh_cn work_dirs/site/zh_cn
	@echo '[site] work_dirs/site/index.html'

# Asks whether the addresses outside the site answer, which CI does not.
linkcheck:
	@tools/setup/site.sh .venv-docs
	@$(SPHINX) -b linkcheck docs/en work_dirs/linkcheck
	@$(SPHINX) -b linkcheck docs/zh_cn work_dirs/linkcheck/zh_cn
