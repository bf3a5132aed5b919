# Same libraries as `make setup`, by the same lock file. At run time only /var/lib/lokbot and /tmp need to be writable.
FROM python:3.13-slim

# A number needs no entry in /etc/passwd and lets Kubernetes see that it is not root.
RUN install -d -o 10001 -g 10001 -m 0750 /var/lib/lokbot

WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    LOKBOT_VAR_DIR=/var/lib/lokbot \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

COPY requirements/run.lock requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv .venv \
 && pip install --quiet --require-hashes --no-deps --only-binary :all: -r requirements/run.lock

COPY pyproject.toml README.md ./
COPY lokbot/ lokbot/
COPY knowledge/ knowledge/
COPY intents/ intents/
# The root will be read-only: compile now, and let everyone read what a careful umask hid.
RUN pip install --quiet --no-deps --no-build-isolation --editable . \
 && python -m compileall -q lokbot \
 && chmod -R a+rX lokbot knowledge intents

USER 10001:10001
ENV HOME=/var/lib/lokbot
VOLUME /var/lib/lokbot
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["lokbot", "health"]
CMD ["lokbot", "run"]
