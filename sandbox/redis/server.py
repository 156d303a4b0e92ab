"""Runs one server process, a data node or a Sentinel, and does to it what operators and accidents do."""

import asyncio
import atexit
import contextlib
import functools
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sandbox.redis.builds import Build
from sandbox.redis.managed import PROVIDER

POLL_S = 0.02
START_S = 90.0
STOP_S = 10.0
ANSWER_S = 30.0
"""On a busy machine; whoever has it hang says so with ``hang``, and is not waited for."""

_LOOKS = frozenset({"PING", "ROLE", "INFO", "CONFIG GET", "GET", "EXISTS", "DBSIZE"})

_alive: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """How to log in: `username` is None for the default user, `password` None where none is set."""

    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None

    def client_options(self) -> dict[str, Any]:
        """As keyword arguments of redis-py's client."""
        tls = {"ssl": True, "ssl_ca_certs": str(self.ca_file)} if self.ca_file else {}
        return {"username": self.username, "password": self.password, **tls}


def provider(customer: Credentials, password: str | None) -> Credentials:
    """Of who runs a managed service, beside those of its customer."""
    return Credentials(username=PROVIDER, password=password, ca_file=customer.ca_file)


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a server is started with; `config` holds directives in order, values in the syntax of redis.conf.

    `renamed` gives for a command in capitals the name under which the administrator alone knows it.
    """

    name: str
    build: Build
    is_sentinel: bool
    bind: tuple[str, int]
    announced: tuple[str, int]
    directory: Path
    config: tuple[tuple[str, str], ...]
    config_file: bool
    admin: Credentials
    renamed: Mapping[str, str] = field(default_factory=dict)


class Server:
    """A data node or Sentinel as a process of this machine, dead at the latest when this process is."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.name = spec.name
        self.address = "{}:{}".format(*spec.announced)
        self.direct_address = "{}:{}".format(*spec.bind)
        self.hung = False
        self._directory = spec.directory / spec.name
        self._directory.mkdir()
        self._log = spec.directory / f"{spec.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.config_path = self._write_config()

    def __repr__(self) -> str:
        return f"<Server {self.name} {self.address} {'running' if self.running else 'dead'}>"

    @property
    def running(self) -> bool:
        """Whether the process exists, hung or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the last start, also when that process is gone."""
        if self._process is None:
            raise LookupError(f"{self.name} was never started.")
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until it answers; RuntimeError with the end of its log if it does not."""
        self.hung = False
        with self._log.open("ab") as log:
            # A moment of blocking, for a process that outlives any one event loop.
            self._process = subprocess.Popen(  # noqa: ASYNC220
                [*die_with_parent(), str(self.spec.build.server_path), *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                start_new_session=True,
            )
        _alive.add(self._process)
        await self._answers()

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, and wait until it is gone; SIGKILL if it takes longer than ten seconds."""
        await self.resume()
        await self._end(signal.SIGTERM)

    async def hang(self) -> None:
        """SIGSTOP: connections stay open, nothing is answered."""
        if self.running:
            os.kill(self.pid, signal.SIGSTOP)
            self.hung = True

    async def resume(self) -> None:
        """SIGCONT; nothing where it does not hang."""
        if self.hung and self.running:
            os.kill(self.pid, signal.SIGCONT)
        self.hung = False

    async def restart(self) -> None:
        """Stop it if it runs, and start it with its config file as it is now."""
        if self.running:
            await self.stop()
        await self.start()

    async def command(self, *arguments: str | float | bytes, timeout_s: float = ANSWER_S) -> Any:
        """Send one command as administrator past any link, on a connection of its own; redis-py's errors pass through.

        The reply is redis-py's for RESP2 with decoded strings; INFO comes parsed. What only looks is asked once more
        where the connection breaks: a Sentinel ends those of all clients when it changes a node's role.
        """
        looks = {str(arguments[0]).upper(), " ".join(map(str, arguments[:2])).upper()} & _LOOKS
        try:
            return await self._once(*arguments, timeout_s=timeout_s)
        except redis.exceptions.ConnectionError as error:
            if not looks or type(error) is not redis.exceptions.ConnectionError:  # Its kinds say why they are refused.
                raise
        return await self._once(*arguments, timeout_s=timeout_s)

    async def _once(self, *arguments: str | float | bytes, timeout_s: float) -> Any:
        client = redis.asyncio.Redis(
            host=self.spec.bind[0],
            port=self.spec.bind[1],
            **self.spec.admin.client_options(),
            protocol=2,
            decode_responses=True,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
        )
        async with client:
            execute: Callable[..., Awaitable[Any]] = client.execute_command
            name, *rest = arguments
            return await execute(self.spec.renamed.get(str(name).upper(), name), *rest)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that it wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:]) if self._log.exists() else ""

    def _write_config(self) -> Path | None:
        if not self.spec.config_file:
            return None
        path = self._directory / ("sentinel.conf" if self.spec.is_sentinel else "redis.conf")
        path.write_text("".join(f"{name} {value}\n" for name, value in self.spec.config))
        return path

    def _arguments(self) -> list[str]:
        if self.config_path is None:
            return [word for name, value in self.spec.config for word in (f"--{name}", *shlex.split(value))]
        return [str(self.config_path), *(["--sentinel"] if self.spec.is_sentinel else [])]

    async def _answers(self) -> None:
        def failure() -> RuntimeError:
            return RuntimeError(f"{self.name} ({self.spec.build.name}) did not start:\n{self.log_tail()}")

        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if not self.running:
                raise failure()
            with contextlib.suppress(RedisError, OSError):
                await self.command("PING")
                return
            await asyncio.sleep(POLL_S)
        raise failure()

    async def _end(self, sign: signal.Signals) -> None:
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(sign)
        if not await until(lambda: not self.running, STOP_S):
            self._process.kill()
            await until(lambda: not self.running, STOP_S)
        self.hung = False
        _alive.discard(self._process)


async def role_of(node: Server) -> str | None:
    """What it says of itself, "master" or "slave"; None where it does not answer."""
    if not node.running or node.hung:
        return None
    try:
        return str((await node.command("ROLE"))[0])
    except (RedisError, OSError):
        return None


async def until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Poll every 20 ms; whether it came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


@functools.cache
def die_with_parent() -> tuple[str, ...]:
    """A prefix by which Linux kills the server when we die, however that happens; empty where there is none.

    Asking from a preexec_fn would need a plain fork, which Python 3.12 warns of in a process with threads.
    """
    # By its whole path, since what is started may have another PATH.
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    command = (setpriv, "--pdeathsig", "KILL")
    return command if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0 else ()


@atexit.register
def _kill_what_is_left() -> None:
    for process in _alive:
        process.kill()
