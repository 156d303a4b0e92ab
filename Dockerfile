# The bot, and with `--entrypoint python … -m sandbox.slack` the local Slack. Of Redis it has only what checks rescue copies.
# Runs as a numeric user, on a read-only root, and writes nothing but the ledger.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# pip and the build backend stay behind in a virtualenv of their own.
RUN python -m venv /opt/build && python -m venv --without-pip /opt/tandem
WORKDIR /src
COPY requirements/build.txt requirements/bot.txt requirements/
# Wheels alone: nothing is compiled, so that no compiler is ever needed.
RUN /opt/build/bin/pip install --require-hashes --only-binary :all: -r requirements/build.txt \
 && /opt/build/bin/pip --python /opt/tandem/bin/python install \
      --require-hashes --only-binary :all: -r requirements/bot.txt
COPY pyproject.toml README.md LICENSE manifest.yml ./
COPY actions actions
COPY bot bot
COPY sandbox sandbox
RUN /opt/build/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /opt/build/wheel . \
 && /opt/build/bin/pip --python /opt/tandem/bin/python install --no-deps --no-index /opt/build/wheel/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="Tandem" org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 tandem \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/tandem --shell /usr/sbin/nologin tandem \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/tandem
COPY --from=build /opt/tandem /opt/tandem
ENV PATH=/opt/tandem/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TANDEM_HTTP_HOST=0.0.0.0 \
    TANDEM_LEDGER_URL=sqlite+aiosqlite:////var/lib/tandem/tandem.db \
    TANDEM_TARGETS_FILE=/etc/tandem/targets.yaml
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/tandem
VOLUME /var/lib/tandem
EXPOSE 8080
# Without a proxy, whatever the environment names for the way to Slack; its own certificate need not be for this address.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import os, ssl; from urllib.request import HTTPSHandler, ProxyHandler, build_opener; any_of_ours = HTTPSHandler(context=ssl._create_unverified_context()); build_opener(ProxyHandler({}), any_of_ours).open(('https' if os.environ.get('TANDEM_HTTP_TLS_CERT_FILE') else 'http') + '://127.0.0.1:' + os.environ.get('TANDEM_HTTP_PORT', '8080') + '/healthz', timeout=4)"]
ENTRYPOINT ["tandem"]
CMD ["serve"]
