"""``Hands`` on real servers: what steps do to one target, each call bounded in time.

What only some steps do is imported where they do it: a terminal that looks from cold would load it first.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from actions.adapters.redis.connection import Command, CommandFailed, Node, Reply
from actions.adapters.redis.failures import as_error
from actions.adapters.redis.observe import Observer
from actions.adapters.redis.reach import Reach, by_map
from actions.adapters.redis.recalling import named, recall
from actions.kit.errors import ActionError, CommandRefused, Garbled, NotYet, Permanent
from actions.kit.node_info import parse_standing
from actions.kit.plan import NAMING
from actions.kit.ports import Flush, Holdings, Keyspace, ProbeResult, Standing, Takeover
from actions.kit.replies import parse_address, parse_fields
from actions.kit.topology import Address, Place, Target

if TYPE_CHECKING:
    from actions.kit.comparison import Bounds, Comparison
    from actions.kit.rights import Rights
    from actions.kit.snapshot import SentinelView, Snapshot

PROBE_TTL_S = 30
COMPARE_TIMEOUT_S = 10.0
"""Some hundred values are no answer in a moment; a server that is silent for so long is one that is gone."""
WAIT_MS = 800

_NO_FILE_TO_WRITE = (
    "without a config file",
    os.strerror(errno.EROFS),
    os.strerror(errno.EACCES),
    os.strerror(errno.EBUSY),
)
"""How CONFIG REWRITE ends where the server could never write its file, and so cannot have for Sentinel either.

A file from a ConfigMap is read-only; one that is mounted by itself is busy when it is to be replaced.
"""


class RedisHands:
    """Warm connections to the nodes and Sentinels of one target. Close with ``aclose``."""

    def __init__(self, target: Target, reach: Reach | None = None) -> None:
        self.target = target
        self._reach = reach or by_map(target.address_map)
        self._observer = Observer(target, self._reach)
        self._sentinels: dict[Address, Node] = {}
        self._comparing = asyncio.Lock()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._observer.aclose()
        await asyncio.gather(*(sentinel.aclose() for sentinel in self._sentinels.values()))

    async def observe(self) -> Snapshot:
        """See ``Hands.observe``."""
        return await self._observer.observe()

    async def observe_servers(self) -> Snapshot:
        """See ``Hands.observe_servers``."""
        return await self._observer.observe()

    async def sentinel_views(self) -> tuple[SentinelView, ...]:
        """See ``Hands.sentinel_views``."""
        return await self._observer.sentinel_views()

    async def standing(self, node: Address) -> Standing:
        """See ``Hands.standing``."""
        return parse_standing(_text((await self._all(self._node(node), ("INFO", "replication"), repeatable=True))[0]))

    async def holdings(self, node: Address) -> Holdings:
        """See ``Hands.holdings``."""
        from actions.kit.tuning.holdings import parse_holdings  # noqa: PLC0415 -- See the module.

        questions = (("INFO", "memory"), ("INFO", "keyspace"))  # Before 7.0 INFO takes only one section.
        return parse_holdings(*await self._all(self._node(node), *questions, repeatable=True))

    async def keyspace(self, node: Address) -> Keyspace:
        """See ``Hands.keyspace``."""
        from actions.kit.flushing.keyspace import parse_keyspace  # noqa: PLC0415 -- See the module.

        questions = (("INFO", "keyspace"), ("INFO", "persistence"))
        return parse_keyspace(*await self._all(self._node(node), *questions, repeatable=True))

    async def why_not_flush(self, node: Address) -> str:
        """See ``Hands.why_not_flush``."""
        from actions.adapters.redis.flushing import why_not  # noqa: PLC0415 -- See the module.

        return await why_not(self._node(node))

    async def flush(
        self, node: Address, wanted: Flush, settings: Mapping[str, str]
    ) -> tuple[Keyspace, Keyspace] | None:
        """See ``Hands.flush``."""
        from actions.adapters.redis.flushing import flush  # noqa: PLC0415 -- See the module.

        return await flush(self._node(node), wanted, _config_set(settings))

    async def flush_mark(self, node: Address, mark: str, database: int, *, remove: bool = False) -> bool:
        """See ``Hands.flush_mark``."""
        # A replica of a cluster sends whoever has not said READONLY to its master.
        readonly = (("READONLY",),) if self._observer.in_cluster and not remove else ()
        ask = ("DEL" if remove else "GET", mark)
        answers = await self._all(self._node(node), *readonly, ("SELECT", database), ask, ("SELECT", 0))
        return answers[-2] not in {None, 0}

    async def rights(self, server: Address) -> Rights:
        """What our user may do at a node or a Sentinel; nothing is done there.

        Raises:
            ActionError: it gave no answer.
        """
        from actions.adapters.redis.rights import rights  # noqa: PLC0415 -- See the module.
        from actions.kit.rights import needed  # noqa: PLC0415

        sentinel = server in self._observer.sentinels()
        asked = self._sentinel(server) if sentinel else self._node(server)
        return await rights(asked, needed(self.target.kind, sentinel=sentinel))

    async def renew(self, node: Address) -> None:
        """See ``Hands.renew``."""
        await self._node(node).aclose()

    async def fence(self, node: Address, pause_ms: int, settings: Mapping[str, str]) -> int:
        """See ``Hands.fence``."""
        server = self._node(node)
        pause = ("CLIENT", "PAUSE", pause_ms, "WRITE")
        await self._together(server, pause, *_config_set(settings), *await named(server))
        return (await self.standing(node)).offset

    async def unfence(self, node: Address, settings: Mapping[str, str]) -> None:
        """See ``Hands.unfence``."""
        server = self._node(node)
        await self._together(server, *_config_set(settings), ("CLIENT", "UNPAUSE"), *await named(server))

    async def settings(self, node: Place, names: tuple[str, ...]) -> Mapping[str, str]:
        """See ``Hands.settings``."""
        node = _server(node)
        if node in self._observer.sentinels():
            fields = parse_fields(
                await self._one(self._sentinel(node), ("SENTINEL", "MASTER", self.target.master_name))
            )
            named = parse_address(fields.get("ip", ""), fields.get("port", ""))
            fields |= {NAMING: str(named)} if named else {}
            return {name: fields[name] for name in names if name in fields}
        questions = (("CONFIG", "GET", name) for name in names)
        replies = await self._all(self._node(node), *questions, repeatable=True)
        return {_text(reply[0]): _text(reply[1]) for reply in replies if isinstance(reply, list) and len(reply) == 2}

    async def change_settings(self, node: Place, settings: Mapping[str, str], *, rewrite: bool) -> None:
        """See ``Hands.change_settings``."""
        node = _server(node)
        if node in self._observer.sentinels():
            await self._change_sentinel(self._sentinel(node), dict(settings))
            return
        server = self._node(node)
        await self._all(server, *_config_set(settings), *await named(server))
        if rewrite:
            await self.rewrite_config(node)

    async def _change_sentinel(self, sentinel: Node, settings: dict[str, str]) -> None:
        name, master = self.target.master_name, settings.pop(NAMING, None)
        if master is not None:
            from actions.adapters.redis.naming import name_master  # noqa: PLC0415 -- See the module.

            new = Address.parse(master)
            await name_master(sentinel, name, new, await self.standing(new), await self.sentinel_views())
        if settings:
            sets = (("SENTINEL", "SET", name, *pair) for pair in settings.items())
            await self._all(sentinel, *sets, *await named(sentinel))

    async def rewrite_config(self, node: Address) -> str | None:
        """See ``Hands.rewrite_config``."""
        (answer,) = await self._node(node).ask(("CONFIG", "REWRITE"), repeatable=True)
        if not isinstance(answer, CommandFailed):
            return None
        if not answer.text.endswith(_NO_FILE_TO_WRITE):
            raise CommandRefused(f"{node} CONFIG REWRITE: {answer.text}")
        return answer.text

    async def cluster_failover(self, replica: Address, mode: Takeover | None = None) -> None:
        """See ``Hands.cluster_failover``."""
        server = self._node(replica)
        await self._all(server, ("CLUSTER", "FAILOVER", *([mode.value] if mode else ())), *await named(server))

    async def demote(self, node: Address, master: Address) -> None:
        """See ``Hands.demote``."""
        server = self._node(node)
        replicaof = ("REPLICAOF", master.host, master.port)
        await self._together(server, ("CLIENT", "UNPAUSE"), replicaof, *await named(server))

    async def promote(self, node: Address) -> None:
        """See ``Hands.promote``."""
        server = self._node(node)
        await self._all(server, ("REPLICAOF", "NO", "ONE"), *await named(server))

    async def recall(self, node: Place) -> None:
        """See ``Hands.recall``."""
        node = _server(node)
        await recall(self._sentinel(node) if node in self._observer.sentinels() else self._node(node))

    async def disconnect_clients(self, node: Address) -> None:
        """See ``Hands.disconnect_clients``."""
        await self._one(self._node(node), ("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))

    async def sentinel_failover(self, sentinel: Address, *, coordinated: bool) -> None:
        """See ``Hands.sentinel_failover``."""
        how, server = ("COORDINATED",) if coordinated else (), self._sentinel(sentinel)
        unname = await named(server)
        await self._one(server, ("SENTINEL", "FAILOVER", self.target.master_name, *how))
        if unname:
            with contextlib.suppress(ActionError):
                await server.ask(*unname)

    async def stop_sentinel_failover(self, sentinel: Address, timeout_ms: int) -> str:
        """See ``Hands.stop_sentinel_failover``."""
        server, name = self._sentinel(sentinel), self.target.master_name
        with contextlib.suppress(Permanent):  # Without the right to it nothing can be called back, and that is all.
            await recall(server)
        try:
            if not await self._failing_over(server):
                return f"Sentinel {sentinel} has no failover in progress"
            await self._change_sentinel(server, {"failover-timeout": "1"})
            deadline = self.now() + 5
            while await self._failing_over(server):
                if self.now() > deadline:
                    raise NotYet(f"Sentinel {sentinel} did not give its failover up within 5 s")
                await self.sleep(0.05)
            return f"Sentinel {sentinel} gave its failover up"
        finally:
            with contextlib.suppress(Permanent):
                await recall(server)
            await self._one(server, ("SENTINEL", "SET", name, "failover-timeout", timeout_ms))

    async def abort_failover(self, node: Address) -> None:
        """See ``Hands.abort_failover``."""
        (answer,) = await self._node(node).ask(("FAILOVER", "ABORT"))
        if isinstance(answer, CommandFailed) and "No failover in progress" not in answer.text:
            raise CommandRefused(f"{node} FAILOVER ABORT: {answer.text}")

    async def named_master(self, sentinel: Address) -> Address | None:
        """See ``Hands.named_master``."""
        question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.target.master_name)
        answer = await self._one(self._sentinel(sentinel), question)
        if answer is None:
            return None
        if not isinstance(answer, list) or len(answer) != 2:
            raise Garbled(f"Sentinel {sentinel} answered GET-MASTER-ADDR-BY-NAME with something else")
        return Address(_text(answer[0]), int(_text(answer[1])))

    async def write_probe(self, master: Address, replicas: tuple[Address, ...], token: str) -> ProbeResult:
        """See ``Hands.write_probe``."""
        key, value = f"tandem:probe:{token}:{os.urandom(16).hex()}", os.urandom(16).hex()
        wait_ms = min(WAIT_MS, self.target.timeout_ms * 8 // 10)
        server = self._node(master)
        set_it = ("SET", key, value, "NX", "EX", PROBE_TTL_S)
        try:
            stored, acked = await self._all(server, set_it, ("WAIT", len(replicas), wait_ms))
            reads = await asyncio.gather(*(self._probe_read(one, key, value) for one in replicas))
            await self._all(server, ("DEL", key))
        except ActionError as error:
            return ProbeResult(ok=False, observations=(str(error),))
        written = _text(stored) == "OK"
        seen = (
            f"{master} {'took' if written else 'did not take'} the write, {acked} of {len(replicas)} replicas acked",
        )
        return ProbeResult(written and all(ok for ok, _ in reads), seen + tuple(text for _, text in reads))

    async def compare_keys(self, first: Address, second: Address, bounds: Bounds) -> Comparison:
        """See ``Hands.compare_keys``; over connections of its own, so that nobody waits for it, one at a time."""
        from actions.adapters.redis.comparing import compare  # noqa: PLC0415 -- See the module.

        async with self._comparing:
            one, other = (self._observer.connection(address, COMPARE_TIMEOUT_S) for address in (first, second))
            try:
                return await compare(one, other, bounds)
            finally:
                await asyncio.gather(one.aclose(), other.aclose())

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    async def _probe_read(self, replica: Address, key: str, value: str) -> tuple[bool, str]:
        """Read the probe on one replica; it may take a moment beyond WAIT."""
        deadline = self.now() + self.target.timeout_ms / 1000
        # A replica of a cluster sends whoever has not said READONLY to its master.
        readonly = (("READONLY",),) if self._observer.in_cluster else ()
        while True:
            try:
                *_, answer = await self._all(self._node(replica), *readonly, ("GET", key))
                if _text(answer) == value:
                    return True, f"{replica} has it"
                why = "does not have it"
            except ActionError as error:
                why = str(error)
            if self.now() > deadline:
                return False, f"{replica}: {why}"
            await self.sleep(0.02)

    async def _failing_over(self, sentinel: Node) -> bool:
        answer = await self._one(sentinel, ("SENTINEL", "MASTER", self.target.master_name))
        return "failover_in_progress" in parse_fields(answer).get("flags", "").split(",")

    async def _one(self, server: Node, command: Command) -> Reply:
        return (await self._all(server, command))[0]

    async def _all(self, server: Node, *commands: Command, repeatable: bool = False) -> list[Reply]:
        """Ask in one round trip; the first error reply is raised, in the server's own words.

        ``repeatable``: again where the connection broke. A Sentinel that moves a role closes those of all clients.
        """
        replies = await server.ask(*commands, repeatable=repeatable)
        for command, reply in zip(commands, replies, strict=True):
            if isinstance(reply, CommandFailed):
                raise as_error(f"{server.name} {' '.join(map(str, command[:2]))}", reply)
        return replies

    async def _together(self, server: Node, *commands: Command) -> None:
        """In one transaction. A server that has no memory left queues nothing; it gets them in one packet."""
        try:
            await server.transaction(*commands)
        except CommandRefused as error:
            if ": OOM " not in str(error):
                raise
            await self._all(server, *commands)

    def _node(self, address: Address) -> Node:
        return self._observer.node(address)

    def _sentinel(self, address: Address) -> Node:
        if address not in self._sentinels:
            target, timeout_s, name = self.target, self.target.timeout_ms / 1000, f"Sentinel {address}"
            self._sentinels[address] = Node(
                address, target.sentinel_auth, target.sentinel_tls, timeout_s, name=name, reach=self._reach
            )
        return self._sentinels[address]


def _server(place: Place) -> Address:
    if isinstance(place, Address):
        return place
    raise CommandRefused(f"{place} is no Redis server, and nothing here knows its settings.")


def _config_set(settings: Mapping[str, str]) -> list[tuple[str, ...]]:
    """One CONFIG SET a setting: before 7.0 it takes only one pair."""
    return [("CONFIG", "SET", name, value) for name, value in settings.items()]


def _text(reply: Reply) -> str:
    return reply.decode(errors="replace") if isinstance(reply, bytes) else str(reply)
