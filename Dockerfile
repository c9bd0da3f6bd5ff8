# authserver, as one image: serves, migrates, rotates keys. Configuration and secrets are mounted.
#   docker build --tag authserver .
#   docker run --read-only --mount type=bind,src=/etc/authserver,dst=/etc/authserver,readonly …

FROM python:3.13-slim AS build
# Extras of pyproject.toml, separated by commas.
ARG EXTRAS=postgres
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY authserver authserver
COPY migrations migrations
COPY templates templates
RUN python -m venv /opt/authserver \
    && /opt/authserver/bin/pip install --no-cache-dir --disable-pip-version-check ".[${EXTRAS}]" \
    && /opt/authserver/bin/pip uninstall --quiet --yes pip

FROM python:3.13-slim
RUN groupadd --gid 10001 authserver \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent authserver \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/authserver
COPY --from=build /opt/authserver /opt/authserver
# gunicorn's heartbeat files are the only ones written: in memory, so that --read-only works.
ENV PATH=/opt/authserver/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/dev/shm \
    AUTHSERVER_CONFIG=/etc/authserver/authserver.toml \
    AUTHSERVER_HEALTH_URL=http://127.0.0.1:8000/health
USER 10001:10001
EXPOSE 8000
# Where the issuer has a path, /health lies below it: set AUTHSERVER_HEALTH_URL.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open(os.environ['AUTHSERVER_HEALTH_URL'], timeout=4)"]
ENTRYPOINT ["authserver"]
CMD ["serve", "--bind", "0.0.0.0:8000"]
