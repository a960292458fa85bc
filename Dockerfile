# One image for every process of the site, and for all processors of an architecture:
#
#     docker build -t kindred:local .
#
# TORCH_INDEX: where torch comes from; without a GPU 0.2 GB do. https://download.pytorch.org/whl/cu130 has CUDA's.
# TORCH: another requirement, or a wheel's web address, of the pinned version all the same.
# --build-context offline=FOLDER: wheels/ and npm/, with which the build asks no index (docs/deploy.md).
ARG BASE=debian:bookworm-slim

FROM scratch AS offline
COPY LICENSE /

FROM ${BASE} AS builder
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates g++ python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /kindred
# The packages first: a change of the code leaves their layer as it is.
COPY requirements.txt package.json package-lock.json .npmrc ./
COPY tools/torch_build.py tools/
COPY deploy/image/packages.sh deploy/image/
ARG TORCH=""
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# Code for the processor that builds may be none for the one that runs.
ENV HNSWLIB_NO_NATIVE=1
RUN --mount=type=bind,from=offline,target=/offline sh deploy/image/packages.sh "${TORCH}" "${TORCH_INDEX}"
COPY . .
# With PYTHONDONTWRITEBYTECODE each start would compile every module again.
RUN KINDRED_VAR=/tmp/var KINDRED_STATIC=/kindred/collected KINDRED_COLLECTED_STATIC=true \
    /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
 && rm -rf node_modules tools deploy/image /tmp/var \
 && /opt/venv/bin/python -m compileall -q .

FROM ${BASE}
ARG VERSION=0.2.0
ARG REVISION=""
LABEL org.opencontainers.image.title="Kindred" \
      org.opencontainers.image.description="Compares metric-learning losses and searches pictures with their models" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates libgomp1 python3 tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 kindred \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin kindred \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/kindred
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /kindred /kindred
WORKDIR /kindred
# Everything that the site writes is in KINDRED_VAR, a volume; archives are too large for a /tmp in memory.
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    TMPDIR=/var/lib/kindred/tmp \
    KINDRED_VAR=/var/lib/kindred \
    KINDRED_STATIC=/kindred/collected \
    KINDRED_COLLECTED_STATIC=true \
    KINDRED_HOST=0.0.0.0 \
    ENCODER_HOST=0.0.0.0
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s CMD ["python", "deploy/probe.py", "/livez"]
ENTRYPOINT ["tini", "--", "sh", "deploy/start.sh"]
CMD ["web"]
