# The scanner with its model, on the CPU, without a network:
#
#   docker build -t clipfake .
#   docker run --rm --network none -v "$PWD:/work:ro" clipfake scan /work
#
# Decoding processes talk over pipes, so that no larger --shm-size is needed.
FROM python:3.12-slim AS build
RUN python -m venv /opt/clipfake
ENV PATH=/opt/clipfake/bin:$PATH
# the default wheels of torch for Linux carry CUDA and take 6 GB
# hadolint ignore=DL3013
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch torchvision
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY clipfake clipfake
# hadolint ignore=DL3013
RUN pip install --no-cache-dir '.[c2pa,heic]'

FROM python:3.12-slim
# git answers --changed-since and --staged, also where the files are another user's
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory /work \
    && useradd --uid 10001 --create-home clipfake
COPY --from=build /opt/clipfake /opt/clipfake
# nothing is asked of a hub: the weights are inside
ENV PATH=/opt/clipfake/bin:$PATH \
    HF_HUB_OFFLINE=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /work
ENTRYPOINT ["clipfake"]
CMD ["--help"]
