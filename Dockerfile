# A small image: `docker run … okr-sync` runs the schedule and serves health and metrics, `docker run … okr-sync sync`
# runs one sync and exits. See docs/deploy.md. Runs as 10001 with a read-only root; /data and /tmp alone are written.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock requirements-dev.lock deploy/extra.sh ./
RUN python -m venv /opt/okr-sync \
    && /opt/okr-sync/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
    && sh extra.sh requirements-dev.lock > extra.lock \
    && /opt/okr-sync/bin/pip install --no-cache-dir --require-hashes --no-deps -r extra.lock \
    && python -m venv /opt/tools \
    && /opt/tools/bin/pip install --no-cache-dir --require-hashes -r requirements-dev.lock
COPY pyproject.toml README.md LICENSE ./
COPY okr_sync okr_sync
COPY connectors connectors
COPY config config
RUN /opt/tools/bin/python -m hatchling build -t wheel \
    && /opt/okr-sync/bin/pip install --no-cache-dir --no-deps dist/*.whl \
    && /opt/okr-sync/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home okr-sync
COPY --from=build /opt/okr-sync /opt/okr-sync
USER 10001
WORKDIR /data
ENV PATH=/opt/okr-sync/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OKR_SYNC_CONFIG=/config \
    OKR_SYNC_STORE=sqlite:////data/okr-sync.db
VOLUME /data
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:9464/healthz', timeout=5)"]
ENTRYPOINT ["okr-sync"]
CMD ["work"]
