# mmlth with MMDetection and MMPose on NVIDIA GPUs; docs/en/install.md tells how to use it.
FROM nvidia/cuda:12.8.1-devel-ubuntu22.04 AS build
ENV PATH=/opt/mmlth/bin:$PATH PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ python3-dev python3-venv \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# PyTorch's builds for the CUDA of this image, with which the operators of mmcv are compiled, for
# these GPUs: T4, A100, RTX 30 and 40, H100, RTX 50.
ARG TORCH_CUDA_ARCH_LIST="7.5 8.0 8.6 8.9 9.0 12.0+PTX"
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cu128
RUN python3 -m venv /opt/mmlth && FORCE_CUDA=1 docker/install.sh analysis,export

FROM ubuntu:22.04
# PyTorch brings CUDA's libraries; the driver is the machine's.
ENV PATH=/opt/mmlth/bin:$PATH PYTHONDONTWRITEBYTECODE=1 \
  NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
# OpenCV links against the first two.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 python3 \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 1000 mmlth && install -d -o mmlth -g mmlth /work
COPY --from=build /opt/mmlth /opt/mmlth
# So that caches have a place and the user a name, whoever `docker run --user` says it is.
ENV HOME=/tmp USER=mmlth
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["mmlth"]
