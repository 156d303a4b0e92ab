"""An application that uses Redis, as it runs in pods: it writes now and then, logs what fails, and tells its health.

It finds Redis by REDIS_HOST, REDIS_PORT and REDIS_PASSWORD, a name being looked up as pods do.
"""

import itertools
import json
import logging
import os
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import redis
from redis.exceptions import RedisError

EVERY_S = 0.1
KEPT_S = 60

_log = logging.getLogger("orders-api")


class Writer:
    """Writes a key of its own again and again; `problem` is what was wrong the last time, empty where nothing was."""

    def __init__(self) -> None:
        self.problem = "no write was tried yet"
        self.written = 0

    def run(self) -> None:
        """Write for ever."""
        pod = os.environ["HOSTNAME"]
        client: redis.Redis | None = None
        for number in itertools.count():
            try:
                client = client or _connected()
                client.set(f"{pod}:heartbeat", number, ex=KEPT_S)
            except (RedisError, OSError) as error:
                # As such applications log it: the error's kind says what redis-py leaves out of its text.
                _log.exception("Could not write to Redis at %s", os.environ.get("REDIS_HOST"))
                self.problem, client = f"{type(error).__name__}: {error}", None
                time.sleep(10 * EVERY_S)
            else:
                if self.problem:
                    _log.info("Writing to Redis at %s", os.environ.get("REDIS_HOST"))
                self.problem = ""
                self.written += 1
            time.sleep(EVERY_S)


class Health(BaseHTTPRequestHandler):
    """Answers GET with 200 or 503 and what is wrong."""

    writer: Writer

    def do_GET(self) -> None:
        """Tell the application's health, whatever the path."""
        body = json.dumps({"redis": self.writer.problem or "ok", "written": self.writer.written}).encode()
        self.send_response(HTTPStatus.SERVICE_UNAVAILABLE if self.writer.problem else HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library asks for
        """Probes are not worth a line."""


def _connected() -> redis.Redis:
    host, _, port = os.environ.get("REDIS_HOST", "localhost").partition(":")
    return redis.Redis(
        host=_address(host),
        port=int(port or os.environ.get("REDIS_PORT", "6379")),
        password=os.environ.get("REDIS_PASSWORD"),
        socket_timeout=1.0,
        socket_connect_timeout=1.0,
    )


def _address(name: str) -> str:
    """As pods look names up; what is not known is left to the resolver."""
    for line in Path(os.environ["SANDBOX_HOSTS"]).read_text().splitlines():
        address, *names = line.split()
        if name in names:
            return address
    return name


def main() -> None:
    """Serve until it is stopped."""
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(message)s")
    writer = Writer()
    threading.Thread(target=writer.run, daemon=True).start()
    Health.writer = writer
    ThreadingHTTPServer((os.environ["SANDBOX_POD_IP"], int(os.environ.get("PORT", "8080"))), Health).serve_forever()


if __name__ == "__main__":
    main()
