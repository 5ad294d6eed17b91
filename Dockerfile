# A small image that runs one sync and exits: docker run --rm -v okr-sync:/data -v ./config:/config:ro --env-file .env okr-sync
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock requirements-dev.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/okr-sync && /opt/okr-sync/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
RUN python -m venv /opt/tools && /opt/tools/bin/pip install --no-cache-dir --require-hashes -r requirements-dev.lock
COPY okr_sync okr_sync
COPY connectors connectors
COPY config config
RUN /opt/tools/bin/python -m hatchling build -t wheel && /opt/okr-sync/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home okr-sync
COPY --from=build /opt/okr-sync /opt/okr-sync
USER 10001
WORKDIR /data
ENV PATH=/opt/okr-sync/bin:$PATH OKR_SYNC_CONFIG=/config OKR_SYNC_STORE=sqlite:////data/okr-sync.db
VOLUME /data
ENTRYPOINT ["okr-sync"]
CMD ["sync", "--once"]
