"""The Compose file: the real parser takes it, what it names is there, and its servers find each other when started."""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from actions.kit.topology import Kind
from bot.targets import load_targets
from sandbox.redis import builds

ROOT = Path(__file__).parents[1]
NETWORK = "172.30.70."
READY_S = 60.0

Json = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> Json:
    """The file as Compose understands it; no Docker is needed for that."""
    parser = Path(sys.executable).with_name("docker-compose")
    words = (parser, "--project-directory", ROOT, "--file", ROOT / "docker-compose.yml", "config", "--format", "json")
    read = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    parsed: Json = json.loads(read.stdout)
    return parsed


def addresses(compose: Json, kind: str) -> set[str]:
    networks = {name: service["networks"] for name, service in compose["services"].items() if name.startswith(kind)}
    return {network["redis"]["ipv4_address"] for network in networks.values()}


def test_everything_that_it_mounts_is_there_and_readable(compose: Json) -> None:
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", ())]
    files = [Path(mount["source"]) for mount in mounts if mount["type"] == "bind"]
    files += [Path(secret["file"]) for secret in compose["secrets"].values()]
    assert [path for path in files if not path.exists()] == []
    assert all(mount.get("read_only") for mount in mounts if mount["type"] == "bind")
    # The containers' users are others than the one who checked this out.
    assert [path for path in files if path.stat().st_mode & 0o004 == 0] == []
    assert {mount["source"] for mount in mounts if mount["type"] == "volume"} == set(compose["volumes"])


def test_every_container_is_locked_down(compose: Json) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["healthcheck"]["test"], name
        assert not service.get("privileged"), name


def test_only_the_page_is_published_and_only_on_this_machine(compose: Json) -> None:
    published = [(name, port) for name, one in compose["services"].items() for port in one.get("ports", ())]
    assert [(name, port["host_ip"], port["published"]) for name, port in published] == [("slack", "127.0.0.1", "8070")]
    assert compose["networks"]["redis"]["internal"] is True


def test_no_secret_is_in_a_variable(compose: Json) -> None:
    for name, service in compose["services"].items():
        for variable in service.get("environment", {}):
            assert variable.endswith(("_FILE", "_URL")), (name, variable)


def test_the_targets_are_the_containers(compose: Json) -> None:
    fleet = load_targets(ROOT / "deploy/compose/targets.yaml")
    orders = fleet.targets["orders"]
    assert orders.kind is Kind.SENTINEL
    assert {node.host for node in orders.nodes} == addresses(compose, "valkey-")
    assert {sentinel.host for sentinel in orders.sentinels} == addresses(compose, "sentinel-")
    assert fleet.notes == ()


def test_a_container_that_comes_back_keeps_what_its_server_wrote(tmp_path: Path) -> None:
    (tmp_path / "valkey-server").write_text('#!/bin/sh\ncat "$1"\n')
    (tmp_path / "valkey-server").chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    words = ("sh", ROOT / "deploy/compose/valkey/start.sh", "valkey.conf", "10.0.0.2", "10.0.0.1")

    def start() -> str:
        return subprocess.run(words, env=path, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert start().endswith("replicaof 10.0.0.1 6379\n")
    (tmp_path / "server.conf").write_text("replicaof 10.0.0.3 6379\n")
    assert start() == "replicaof 10.0.0.3 6379\n"


@pytest.fixture
def network() -> str:
    """Loopback addresses in place of those of the Compose network, as many as there are containers."""
    network = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}."
    try:
        for port in (6379, 26379):
            with socket.socket() as probe:
                probe.bind((f"{network}11", port))
    except OSError as error:
        pytest.skip(f"These addresses cannot be used on this machine: {error}.")
    return network


class Containers:
    """Starts services as processes, with the same commands, files and variables."""

    def __init__(self, compose: Json, network: str, folder: Path) -> None:
        self.folder, self._compose = folder, compose
        with socket.socket() as slack, socket.socket() as bot:
            slack.bind(("127.0.0.1", 0))
            bot.bind(("127.0.0.1", 0))
            slack_port, self.bot_port = str(slack.getsockname()[1]), str(bot.getsockname()[1])
        self._replaced = {
            NETWORK: network,
            "/etc/valkey": str(ROOT / "deploy/compose/valkey"),
            "slack:8070": f"127.0.0.1:{slack_port}",
            "8070": slack_port,
            "0.0.0.0": "127.0.0.1",
            **{f"/run/secrets/{name}": secret["file"] for name, secret in compose["secrets"].items()},
        }
        self.targets = folder / "targets.yaml"
        self.targets.write_text(self.here((ROOT / "deploy/compose/targets.yaml").read_text("utf-8")), "utf-8")

    def here(self, text: str) -> str:
        """The text with what differs outside of a container."""
        for name, instead in self._replaced.items():
            text = text.replace(name, instead)
        return text

    def environment(self, name: str = "bot") -> dict[str, str]:
        """The variables of a service."""
        given = self._compose["services"][name].get("environment", {})
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")},
            **{variable: self.here(value) for variable, value in given.items()},
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "TANDEM_TARGETS_FILE": str(self.targets),
            "TANDEM_LEDGER_URL": f"sqlite+aiosqlite:///{self.folder}/tandem.db",
            "TANDEM_HTTP_PORT": self.bot_port,
        }

    @asynccontextmanager
    async def running(self, name: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """One service, in a directory of its own; terminated at the end."""
        service = self._compose["services"][name]
        image = [sys.executable, "-m", "bot", "serve"] if name == "bot" else []
        words = image or [self.here(word) for word in [*(service.get("entrypoint") or ()), *service["command"]]]
        if words[0] == "python":
            words[0] = sys.executable
        own = self.folder / name
        own.mkdir()
        with (own / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *words, env=self.environment(name), cwd=own, stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.wait(), 30)

    async def ready(self) -> bool:
        """What the bot's own check asks."""
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.bot_port}/readyz") as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def healthy(self) -> bool:
        """Whether the bot's terminal finds nothing wrong."""
        look = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "health", "orders", "--json"),
            env=self.environment(),
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
        )
        self.seen, _ = await look.communicate()
        return look.returncode == 0

    async def becomes(self, what: str) -> None:
        """Wait until one of the two above holds."""
        try:
            async with asyncio.timeout(READY_S):
                while not await getattr(self, what)():
                    await asyncio.sleep(0.2)
        except TimeoutError:
            logs = "\n".join(f"{log}:\n{log.read_text()[-1500:]}" for log in self.folder.glob("*/log"))
            raise AssertionError(f"It does not become {what}.\n{logs}") from None


async def linked(network: str) -> None:
    """Wait until both replicas follow; a Sentinel that comes sooner does not look for them again for ten seconds."""
    async with asyncio.timeout(READY_S), Redis(host=f"{network}11") as master:
        while True:
            try:
                if (await master.info("replication")).get("connected_slaves") == 2:
                    return
            except RedisError:
                pass
            await asyncio.sleep(0.1)


@pytest.mark.servers
async def test_what_it_starts_finds_each_other(compose: Json, network: str, tmp_path: Path) -> None:
    valkey = next((build for build in builds() if build.is_valkey), None)
    if valkey is None:
        pytest.skip("There is no Valkey on this machine.")
    (tmp_path / "valkey-server").symlink_to(valkey.server_path)
    containers = Containers(compose, network, tmp_path)
    async with AsyncExitStack() as stack:
        for name in sorted(compose["services"], key=lambda name: len(compose["services"][name].get("depends_on", ()))):
            if name.startswith("sentinel-"):
                await linked(network)
            await stack.enter_async_context(containers.running(name))
        await containers.becomes("healthy")
        await containers.becomes("ready")
        # Sentinel writes what it learns into the file that the container keeps.
        kept = (tmp_path / "sentinel-1/server.conf").read_text("utf-8")
        assert f"known-replica orders {network}12 6379" in kept
        assert kept.count("known-sentinel orders") == 2
