"""Takes a snapshot of one target: asks every node and every Sentinel at once, and says what could not be asked.

A node that somebody names is asked at once, whoever else is still silent: a hung server costs one time-out in all.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from actions.adapters.redis.connection import Answer, Node
from actions.adapters.redis.deadline import Deadline
from actions.adapters.redis.hearsay import heard_of_silent
from actions.adapters.redis.questions import NodeQuestions, ask_sentinel
from actions.adapters.redis.reach import Reach, by_map
from actions.kit.closer import Closer
from actions.kit.closer_replies import wants_closer
from actions.kit.identity import one_sentinel_each, one_view_each
from actions.kit.snapshot import NodeView, SentinelView, Snapshot
from actions.kit.strangers import without_strangers
from actions.kit.topology import Address, Kind, Target

FORGET_S = 3_600
"""A node that nobody has named and that has not answered for so long is no longer asked."""

MOST_CLIENTS = 500
"""So many are some 150 kB of CLIENT LIST."""

SETTINGS = "settings"
EARLIER = "seen earlier"

Naming = Callable[[], Awaitable[Iterable[Address]]]
NamedBy = Mapping[str, Naming]
"""Who else is asked meanwhile and names nodes, by the name under which that is shown; it never raises."""


class Observer:
    """Looks at one target over warm connections, and remembers the nodes that it saw. Close with ``aclose``.

    Belongs to one event loop; several observations at a time take turns at each server.
    """

    def __init__(self, target: Target, reach: Reach | None = None) -> None:
        self.target = target
        self._reach = reach or by_map(target.address_map)
        self._nodes: dict[Address, NodeQuestions] = {}
        self._sentinels = {address: self._sentinel(address) for address in target.sentinels}
        self.in_cluster = target.kind is Kind.CLUSTER
        """The servers run in cluster mode; those of AWS say so themselves."""
        self._seen: dict[Address, float] = {}

    async def observe(self, named_by: NamedBy | None = None, watched_by: Naming | None = None) -> Snapshot:
        """A picture from every node and Sentinel; never raises for one that does not answer.

        Args:
            named_by: who else names nodes.
            watched_by: names the Sentinels that there are beside those in the settings; nobody at all: as before.
        """
        started = time.perf_counter()
        observed_at = datetime.now(UTC)
        look = _Look(self)
        await look.finish(named_by or {}, watched_by)
        seen = Snapshot(
            target=self.target.name,
            kind=self.target.kind,
            observed_at=observed_at,
            nodes=look.nodes(),
            sentinels=look.sentinel_views(),
            master_name=self.target.master_name,
            limits=self.target.limits,
            clock_s=started,
            rescues_to=str(self.target.rescue or ""),
        )
        nodes = await self._with_clients(without_strangers(seen, self._seen).nodes)
        self._remember(nodes)
        self.in_cluster |= any(view.info is not None and bool(view.info.cluster_enabled) for view in nodes)
        return replace(seen, nodes=nodes, took_ms=(time.perf_counter() - started) * 1000)

    async def _with_clients(self, nodes: tuple[NodeView, ...]) -> tuple[NodeView, ...]:
        """Whom an application uses is asked where it tells most; else nobody is asked.

        That is of masters where there are several, or where somebody waits and an older server does not say for what;
        and of a replica that may be written to.
        """
        if self.target.kind not in {Kind.REPLICATION, Kind.SENTINEL}:
            return nodes
        masters = [view for view in nodes if view.is_master]
        asking = [view for view in nodes if view.is_replica and view.info and view.info.read_only is False]
        asking += masters if len(masters) > 1 else filter(_waits_for_something, masters)
        asked = await asyncio.gather(*(self.questions(view.address).ask_clients(view) for view in asking))
        known = {view.address: view for view in asked}
        return tuple(known.get(view.address, view) for view in nodes)

    async def sentinel_views(self) -> tuple[SentinelView, ...]:
        """Every Sentinel's view, asked now."""
        views = await asyncio.gather(
            *(ask_sentinel(sentinel, self.target.master_name) for sentinel in self._sentinels.values())
        )
        return tuple(sorted(views, key=lambda view: view.address))

    async def aclose(self) -> None:
        """Close every connection."""
        nodes = (questions.node for questions in self._nodes.values())
        await asyncio.gather(*(one.aclose() for one in (*nodes, *self._sentinels.values())))

    def former(self) -> tuple[Address, ...]:
        """The nodes of earlier observations."""
        return tuple(self._seen)

    def node(self, address: Address) -> Node:
        """The warm connection to a data node."""
        return self.questions(address).node

    def connection(self, address: Address, timeout_s: float) -> Node:
        """Another connection to a data node; whoever asks for it closes it."""
        return Node(address, self.target.auth, self.target.tls, timeout_s, reach=self._reach)

    def questions(self, address: Address) -> NodeQuestions:
        """What looks at a data node over its warm connection."""
        known = self._nodes.get(address)
        if known is None:
            target = self.target
            node = self.connection(address, target.timeout_ms / 1000)
            known = NodeQuestions(
                node,
                by_hand=target.kind in {Kind.REPLICATION, Kind.SENTINEL},
                in_cluster=None if target.kind is Kind.ELASTICACHE else target.kind is Kind.CLUSTER,
                has_config=target.kind is not Kind.ELASTICACHE,
            )
            self._nodes[address] = known
        return known

    def sentinels(self) -> Mapping[Address, Node]:
        """The warm connections to the Sentinels."""
        return self._sentinels

    def watched_by(self, addresses: Iterable[Address]) -> tuple[Node, ...]:
        """There are these Sentinels beside those in the settings, and no others any more; the new ones."""
        now = dict.fromkeys((*self.target.sentinels, *addresses))
        new = {address: self._sentinel(address) for address in now if address not in self._sentinels}
        self._sentinels = {address: one for address, one in self._sentinels.items() if address in now} | new
        return tuple(new.values())

    def forget(self, addresses: Iterable[Address]) -> None:
        """These nodes are gone for good: they are not asked again unless somebody names them."""
        for address in addresses:
            self._seen.pop(address, None)

    def _sentinel(self, address: Address) -> Node:
        target = self.target
        timeout_s = target.timeout_ms / 1000
        name = f"sentinel {address}"
        return Node(address, target.sentinel_auth, target.sentinel_tls, timeout_s, name=name, reach=self._reach)

    def _remember(self, nodes: tuple[NodeView, ...]) -> None:
        now = time.monotonic()
        for view in nodes:
            if view.info is not None or view.known_from != (EARLIER,):
                self._seen[view.address] = now
        self._seen = {address: at for address, at in self._seen.items() if now - at < FORGET_S}


class _Look:
    """One observation under way."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._views: dict[Address, NodeView] = {}
        self._named_by: dict[Address, set[str]] = {}
        self._closer: dict[Address, Closer | None] = {}
        self._ends = 0.0
        self._tables: set[int] = set()
        self._tasks: asyncio.TaskGroup = asyncio.TaskGroup()
        self._sentinels: list[SentinelView] = []

    async def finish(self, named_by: NamedBy, watched_by: Naming | None) -> None:
        """Ask everybody, and those whom they name, until nobody is left."""
        with contextlib.closing(Deadline(self._observer.target.timeout_ms / 1000)) as deadline:
            self._ends = deadline.at
            async with self._tasks:
                for name, naming in named_by.items():
                    self._tasks.create_task(self._hear(name, naming))
                for sentinel in self._observer.sentinels().values():
                    self._tasks.create_task(self._ask_sentinel(sentinel))
                if watched_by is not None:
                    self._tasks.create_task(self._hear_of_sentinels(watched_by))
                await self._read(self._begun(deadline))
        if self._observer.target.kind is Kind.CLUSTER:
            self._views |= await heard_of_silent(self._views, self._observer.node)

    def _begun(self, deadline: Deadline) -> dict[Answer, NodeQuestions]:
        """Ask every node that is known already; those with a warm connection at once, the others in tasks."""
        begun = {}
        for address in {*self._observer.target.nodes, *self._observer.former()}:
            questions = self._observer.questions(address)
            answer = questions.begin(deadline)
            if answer is None:
                self._tasks.create_task(self._ask_node(questions, deadline))
            else:
                begun[answer] = questions
            self._named_by[address] = set()
        for address in self._observer.target.nodes:
            self._named_by[address].add(SETTINGS)
        return begun

    async def _read(self, begun: dict[Answer, NodeQuestions]) -> None:
        """Take the answers as they come; where the connection broke ask again."""
        waiting = set(begun)
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for answer in done:
                    questions = begun[answer]
                    view = questions.end(answer)
                    if view is None:
                        self._tasks.create_task(self._ask_node(questions))
                    else:
                        self._seen(questions, view)
        finally:
            for answer in waiting:
                answer.cancel()

    def nodes(self) -> tuple[NodeView, ...]:
        """The views, each with who named the node, in the order of their addresses."""
        views = one_view_each(self._completed(address, self._views[address]) for address in sorted(self._views))
        return tuple(map(self._with_its_place, views))

    def _completed(self, address: Address, view: NodeView) -> NodeView:
        """With who named it, mostly the same as the time before, and what was asked more closely."""
        known_from, closer = tuple(sorted(self._named_by[address])) or (EARLIER,), self._closer.get(address)
        if view.known_from == known_from and view.closer is closer:
            return view
        self._observer.questions(address).known_from = known_from
        return replace(view, known_from=known_from, closer=closer)

    def _with_its_place(self, view: NodeView) -> NodeView:
        """People may call a node by where they dial it."""
        place = self._observer.target.address_map.place(view.address)
        return view if place in (view.address, *view.also) else replace(view, also=(*view.also, place))

    def sentinel_views(self) -> tuple[SentinelView, ...]:
        """The Sentinels that there are, in the order of their addresses."""
        return one_sentinel_each(view for view in self._sentinels if view.address in self._observer.sentinels())

    def _named(self, address: Address, by: str) -> None:
        if address not in self._named_by:
            self._named_by[address] = set()
            self._tasks.create_task(self._ask_node(self._observer.questions(address)))
        self._named_by[address].add(by)

    async def _hear(self, name: str, naming: Naming) -> None:
        for address in await naming():
            self._named(address, name)

    async def _hear_of_sentinels(self, naming: Naming) -> None:
        if named := tuple(await naming()):
            for sentinel in self._observer.watched_by(named):
                self._tasks.create_task(self._ask_sentinel(sentinel))

    async def _ask_node(self, questions: NodeQuestions, deadline: Deadline | None = None) -> None:
        self._seen(questions, await questions.ask(deadline))

    def _seen(self, questions: NodeQuestions, view: NodeView) -> None:
        self._views[view.address] = view
        for address in wants_closer(view):
            if address not in self._closer:
                self._closer[address] = None
                self._tasks.create_task(self._look_closer(address))
        for other in (*_named_by_node(view), *self._named_in_table(view)):
            self._named(other, questions.node.name)

    async def _look_closer(self, address: Address) -> None:
        """Ask a node more closely, in what is left of the time: what hangs is not waited for any longer for it."""
        left_s = self._ends - asyncio.get_running_loop().time()
        if left_s > 0:
            with contextlib.closing(Deadline(left_s)) as deadline:
                self._closer[address] = await self._observer.questions(address).ask_closer(deadline)

    def _named_in_table(self, view: NodeView) -> Iterator[Address]:
        """The nodes of its cluster. A table that another node has told names nobody else: it is not gone through."""
        if view.cluster is None or id(view.cluster.members) in self._tables:
            return
        self._tables.add(id(view.cluster.members))  # The views keep it alive, so that no other gets its id.
        for member in view.cluster.members:
            if member.address is not None:
                yield member.address

    async def _ask_sentinel(self, sentinel: Node) -> None:
        view = await ask_sentinel(sentinel, self._observer.target.master_name)
        self._sentinels.append(view)
        if view.master is not None:
            for address in (view.master.address, *(replica.address for replica in view.master.replicas)):
                self._named(address, sentinel.name)


def _waits_for_something(view: NodeView) -> bool:
    """Clients are blocked, and few enough are connected to ask for whom each time."""
    info = view.info
    if info is None or info.paused_ms is not None or not info.blocked_clients:
        return False
    return (info.connected_clients or 0) <= MOST_CLIENTS


def _named_by_node(view: NodeView) -> Iterator[Address]:
    if view.info is not None:
        for replica in view.info.replicas:
            yield replica.address
        if view.info.link is not None:
            yield view.info.link.master
