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

.PHONY: setup slurm chromium demo test lint

setup:
	@tools/setup/setup.sh $(STACK) $(VENV)

slurm:
	@tools/setup/slurm.sh

chromium:
	@tools/setup/chromium.sh

demo: setup
	@echo "[demo] a search over 4 rounds to 80 % sparsity with a small Mask R-CNN: about 4 minutes on 2 cores"
	@$(BIN)/python tools/dataset_converters/shapes.py work_dirs/data/shapes
	@PATH="$(abspath $(BIN)):$$PATH" mim train $(MIM_NAME) configs/lth/mask_rcnn_tiny_shapes_imp.py \
		--work-dir work_dirs/demo --resume

test: setup slurm chromium lint
	@echo "[test] the tests take about 22 minutes on 2 cores"
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --dist loadfile $(if $(MARKS),-m '$(MARKS)')

lint: setup
	@$(BIN)/ruff check mmlth mmlth_cli mmlth_common tests tools configs benchmarks
	@$(BIN)/ruff format --check mmlth mmlth_cli mmlth_common tests tools benchmarks
	@$(BIN)/mypy mmlth mmlth_cli mmlth_common
