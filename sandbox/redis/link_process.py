"""The proxies of one topology: forwards, delays, cuts or holds connections by the rules that come on standard input.

The first line names the proxies, each later one gives the rules of one of them, or the server that it now leads to;
each is answered by "ok".
"""

import asyncio
import collections
import contextlib
import json
import sys
from typing import Any, cast

from sandbox.redis.link import Flow, Rules
from sandbox.redis.link_classify import Classifier


class Proxy:
    """Listens for one data node."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.rules = Rules()
        self.pairs: set[Pair] = set()

    def accept(self) -> "Side":
        """The protocol for a connection that comes in."""
        return Pair(self).incoming

    def change(self, rules: Rules) -> None:
        """Apply new rules, also to the connections that are open."""
        self.rules = rules
        for pair in tuple(self.pairs):
            pair.apply()


class Pair:
    """A connection that came in and its counterpart to the server."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.opening = Classifier()
        self.held = False
        self.incoming = Side(self, is_incoming=True)
        self.outgoing = Side(self, is_incoming=False)
        self.incoming.peer, self.outgoing.peer = self.outgoing, self.incoming
        self._connecting: asyncio.Task[None] | None = None

    def accepted(self) -> None:
        """Connect on; nothing is read from the one who came before that has succeeded."""
        self.proxy.pairs.add(self)
        self.apply()
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def apply(self) -> None:
        """Do what the rules say about this kind of connection."""
        flow = self._flow()
        self.held = flow == "hold"
        if flow == "cut":
            self.abort()
        replica = self.opening.kind == "replica"
        self.outgoing.delay_s = self.proxy.rules.delay_s if replica else 0.0
        self.incoming.delay_s = self.proxy.rules.delay_back_s if replica else 0.0
        for side in (self.incoming, self.outgoing):
            side.pump()

    def abort(self) -> None:
        """Reset both sides."""
        self.proxy.pairs.discard(self)
        for side in (self.incoming, self.outgoing):
            if side.transport:
                side.transport.abort()

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.outgoing, *self.proxy.server)
        except OSError:
            self.abort()
            return
        if self not in self.proxy.pairs:
            self.abort()
        self.incoming.pump()

    def _flow(self) -> Flow:
        rules, kind = self.proxy.rules, self.opening.kind
        if kind == "unknown":
            # Whoever it is going to be: one rule for all can be applied before the first word.
            return rules.client if rules.replica == rules.sentinel == rules.client else "pass"
        if kind == "replica" and self.opening.replica_address in rules.cut_replicas:
            return "cut"
        return {"replica": rules.replica, "sentinel": rules.sentinel, "client": rules.client}[kind]


class Side(asyncio.Protocol):
    """One end of a pair: what it receives goes to its peer, at once or from a queue that keeps the order."""

    peer: "Side"

    def __init__(self, pair: Pair, *, is_incoming: bool) -> None:
        self.transport: asyncio.Transport | None = None
        self.delay_s = 0.0
        self._pair = pair
        self._is_incoming = is_incoming
        self.writable = True
        self._queue: collections.deque[tuple[float, bytes]] = collections.deque()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self.transport = cast("asyncio.Transport", transport)
        if self._is_incoming:
            self._pair.accepted()
        self.pump()

    def data_received(self, data: bytes) -> None:
        """Called by the event loop; classify while it is not clear who speaks, then forward."""
        if self._is_incoming and self._pair.opening.kind == "unknown" and self._pair.opening.feed(data) != "unknown":
            self._pair.apply()
        if self._queue or self.delay_s or self._pair.held or self.peer.transport is None:
            self._queue.append((asyncio.get_running_loop().time() + self.delay_s, data))
            self.pump()
        elif not self.peer.transport.is_closing():
            self.peer.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio gives it)
        """Called by the event loop; the peer's connection ends after what was still under way."""
        self._pair.proxy.pairs.discard(self._pair)
        # An empty piece stands for the end.
        self._queue.append((asyncio.get_running_loop().time() + self.delay_s, b""))
        self.pump()

    def pause_writing(self) -> None:
        """Called by the event loop when this end does not take more: stop reading at the other."""
        self.writable = False
        self.peer.pump()

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self.writable = True
        self.peer.pump()

    def pump(self) -> None:
        """Forward what is due, see to the rest later, and read on or stop reading."""
        loop = asyncio.get_running_loop()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        target = self.peer.transport
        if target and target.is_closing():
            # Whoever this was for has gone.
            self._queue.clear()
        while target and self._queue and not self._pair.held and self._queue[0][0] <= loop.time():
            data = self._queue.popleft()[1]
            target.write(data) if data else target.close()
        if self._queue and target and not self._pair.held:
            self._timer = loop.call_at(self._queue[0][0], self.pump)
        self._read(on=target is not None and not self._pair.held and self.peer.writable)

    def _read(self, *, on: bool) -> None:
        if self.transport is None or self.transport.is_closing() or self.transport.is_reading() == on:
            return
        if on:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()


async def _listen(described: dict[str, Any]) -> dict[str, Proxy]:
    proxies = {}
    loop = asyncio.get_running_loop()
    for name, ((host, port), server) in described.items():
        proxies[name] = Proxy(tuple(server))
        await loop.create_server(proxies[name].accept, host, port, backlog=511)
    return proxies


async def main() -> None:
    """Serve until standard input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    proxies: dict[str, Proxy] = {}
    while line := await reader.readline():
        message = json.loads(line)
        if "server" in message:
            proxies[message["link"]].server = tuple(message["server"])
        elif "link" in message:
            rules = message["rules"]
            proxies[message["link"]].change(Rules(**{**rules, "cut_replicas": tuple(rules["cut_replicas"])}))
        else:
            proxies = await _listen(message)
        sys.stdout.write("ok\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
