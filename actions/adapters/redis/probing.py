"""Asks many nodes one small question each second, over a warm connection to each, and tells who answers.

There is neither a task nor a timer to a node that answers: those of one turn share a deadline. A connection that breaks
is noticed at once, and its node asked again; once a round, for a server may answer and hang up each time.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from actions.adapters.redis.connection import Answer, Command, CommandFailed, ExchangeError, Node, Reply, Request
from actions.adapters.redis.deadline import Deadline
from actions.adapters.redis.reach import by_map
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, Target

TURNS = 20
"""The nodes are asked in so many parts: all at once would keep everything else waiting."""
AT_ONCE = 32
"""So many connections are made at a time: a thousand at once would keep each other waiting for too long."""
PATIENCE, SELDOM = 20, 15
"""After so many questions without an answer a node is asked in one round of so many only."""
SOON_S = 0.3
"""After a first sign a node is asked again so soon."""
_SILENCE = frozenset({Reason.REFUSED, Reason.CLOSED, Reason.TIMED_OUT, Reason.UNRESOLVED})
"""Whoever refuses to let us in is there."""
_DENIALS = frozenset({Reason.NOAUTH, Reason.WRONGPASS, Reason.NOPERM, Reason.DENIED, Reason.TLS})
_INFO = ("INFO", "replication")
_ASKED = Request.of(_INFO)
_ASKED_OF_CLUSTER = Request.of(_INFO, ("CLUSTER", "INFO"))


class Beat(NamedTuple):
    """One question to one node. ``why``: why there was no answer; empty where there was one.

    ``refused``: it is there and does not let us in, or ask; in its own words. ``cluster``: CLUSTER INFO, of a node that
    is asked for it.
    """

    target: str
    address: Address
    info: bytes = b""
    cluster: bytes = b""
    why: str = ""
    refused: str = ""


class _Probed:
    """A node that is asked."""

    __slots__ = ("address", "asking", "failures", "lost_at", "node", "request", "target")

    def __init__(self, target: str, address: Address, node: Node) -> None:
        self.target, self.address, self.node = target, address, node
        self.request = _ASKED
        self.asking = False
        self.failures = 0
        self.lost_at = -math.inf


class Prober:
    """Asks whoever it is told to follow. Close with ``aclose``.

    Args:
        every_s: how often a node is asked.
        timeout_s: how long it has to answer.
        told: is given every beat; must not raise, nor take long.
    """

    def __init__(self, every_s: float, timeout_s: float, told: Callable[[Beat], None]) -> None:
        self._every_s, self._timeout_s, self._told = every_s, timeout_s, told
        self._probed: dict[tuple[str, Address], _Probed] = {}
        self._parts: list[dict[tuple[str, Address], _Probed]] = [{} for _ in range(TURNS)]
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._opening = asyncio.Semaphore(AT_ONCE)
        self._rounds = 0
        self._closed = False

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stop, and close every connection."""
        self._closed = True
        tasks = [task for task in (self._loop, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(one.node.aclose() for one in self._probed.values()))

    def follow(self, target: Target, address: Address) -> None:
        """Ask this node from now on."""
        key = (target.name, address)
        if key in self._probed or self._closed:
            return
        node = Node(address, target.auth, target.tls, self._timeout_s, reach=by_map(target.address_map))
        probed = self._probed[key] = _Probed(target.name, address, node)
        node.when_lost = lambda: self._lost(probed)
        min(self._parts, key=len)[key] = probed
        self._ask_in_task(probed)

    def leave(self, target: str, address: Address) -> None:
        """Ask it no longer."""
        probed = self._probed.pop((target, address), None)
        for part in self._parts:
            part.pop((target, address), None)
        if probed is not None:
            probed.node.when_lost = None
            self._start(probed.node.aclose())

    def tell_of_cluster(self, target: str, tellers: Iterable[Address]) -> None:
        """Ask these nodes of a target, and none of its others, for CLUSTER INFO too."""
        chosen = set(tellers)
        for (name, address), probed in self._probed.items():
            if name == target:
                probed.request = _ASKED_OF_CLUSTER if address in chosen else _ASKED

    def ask_now(self, target: str, addresses: Iterable[Address]) -> None:
        """Ask these nodes of a target once more, at once."""
        for address in addresses:
            if (probed := self._probed.get((target, address))) is not None:
                self._ask_in_task(probed)

    async def ask(self, target: str, address: Address, *command: str) -> Reply | None:
        """Ask one node something else; ``None`` where it gives no answer."""
        probed = self._probed.get((target, address))
        question: Command = command
        try:
            return None if probed is None else (await probed.node.ask(question, repeatable=True))[0]
        except ExchangeError:
            return None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            self._rounds += 1
            for part in self._parts:
                if part:
                    self._ask_part(list(part.values()))
                next_at = max(next_at + self._every_s / TURNS, loop.time())
                await asyncio.sleep(next_at - loop.time())

    def _ask_part(self, part: list[_Probed]) -> None:
        deadline = Deadline(self._timeout_s)
        for probed in part:
            if probed.asking:
                continue
            answer = probed.node.begin(probed.request, deadline)
            if answer is None:
                if probed.failures < PATIENCE or self._rounds % SELDOM == 0:
                    self._ask_in_task(probed)
            else:
                probed.asking = True
                answer.add_done_callback(lambda done, probed=probed: self._answered(probed, done))  # type: ignore[misc]  # It cannot infer it.

    def _answered(self, probed: _Probed, answer: Answer) -> None:
        probed.asking = False
        if answer.cancelled() or self._closed:
            return
        try:
            replies = probed.node.end(answer)
        except ExchangeError as error:
            self._failed(probed, error)
            return
        self._heard(probed, replies)

    def _lost(self, probed: _Probed) -> None:
        now = asyncio.get_running_loop().time()
        if not probed.asking and now - probed.lost_at >= self._every_s:
            probed.lost_at = now
            self._ask_in_task(probed)

    def _ask_in_task(self, probed: _Probed) -> None:
        if not probed.asking and not self._closed:
            probed.asking = True
            self._start(self._asked(probed))

    async def _asked(self, probed: _Probed, after_s: float = 0.0) -> None:
        outcome: list[Reply] | ExchangeError
        try:
            await asyncio.sleep(after_s)
            async with self._opening:
                outcome = await probed.node.put(probed.request, repeatable=True)
        except ExchangeError as error:
            outcome = error
        finally:
            probed.asking = False  # Before anybody is told, who may want it asked again.
        if isinstance(outcome, ExchangeError):
            self._failed(probed, outcome)
        else:
            self._heard(probed, outcome)

    def _failed(self, probed: _Probed, error: ExchangeError) -> None:
        probed.failures += 1
        if error.reason in _SILENCE and (probed.target, probed.address) in self._probed:
            self._told(Beat(probed.target, probed.address, why=error.failure.text))
        self._refused(probed, error.failure)

    def _heard(self, probed: _Probed, replies: list[Reply]) -> None:
        if isinstance(replies[0], CommandFailed):
            probed.failures += 1  # It is there, but has not said how it is.
            self._refused(probed, replies[0])
        elif (probed.target, probed.address) in self._probed:
            probed.failures = 0
            info, *cluster = (reply if isinstance(reply, bytes) else b"" for reply in replies)
            self._told(Beat(probed.target, probed.address, info, b"".join(cluster)))

    def _refused(self, probed: _Probed, failure: CommandFailed) -> None:
        if failure.reason in _DENIALS and (probed.target, probed.address) in self._probed:
            self._told(Beat(probed.target, probed.address, refused=failure.text))

    def ask_soon(self, target: str, address: Address) -> None:
        """Ask this node once more in a moment."""
        probed = self._probed.get((target, address))
        if probed is not None and not probed.asking and not self._closed:
            probed.asking = True
            self._start(self._asked(probed, SOON_S))

    def _start(self, doing: object) -> None:
        task = asyncio.ensure_future(doing)  # type: ignore[call-overload]  # A coroutine.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
