"""One deployment of the chain with a channel of its own, in which one fault after the other becomes a message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select, update

from bot.ledger import Ledger
from bot.ledger.sorting import REOPENS
from bot.ledger.tables import incidents
from sandbox.monitoring import Monitoring, Watched
from sandbox.redis import Cluster, Topology
from sandbox.slack import LocalSlack, Message

WITHIN_S = 150.0
"""For the slowest of it on a busy machine: what is awaited comes within seconds, or half a minute."""


LIMITS = {"cooldown_s": 0, "timeout_ms": 5_000}
"""One answer that is late is no reason to end a run incomplete; a look at who hangs has to fit into an incident's."""


@dataclass(frozen=True)
class Fault:
    """What is broken, what comes of it, and how it is mended.

    Args:
        alerts: the rules that fire at once because of it.
        sees: what Tandem finds, as its message calls it.
        breaks: does it.
        mends: undoes it, where nothing that Tandem can do would; with a button, what people do while its run goes on.
        button: words of what Tandem offers, a person asks for, and another one approves.
        later: the rules that fire because of how it is mended.
    """

    alerts: frozenset[str]
    sees: str
    breaks: Callable[[], Awaitable[object]]
    mends: Callable[[], Awaitable[object]]
    button: str = ""
    later: frozenset[str] = frozenset()


@dataclass
class Lane:
    """A target, who watches it, and where it is spoken of.

    ``before``: the messages of earlier faults; ``more``: what targets.yaml says of it beside its place.
    """

    name: str
    topology: Topology | Cluster
    before: set[str] = field(default_factory=set)
    more: dict[str, object] = field(default_factory=dict)

    @property
    def channel(self) -> str:
        return f"C0{self.name.upper()}"

    @property
    def watched(self) -> Watched:
        sentinels = self.topology.sentinel_addresses if isinstance(self.topology, Topology) else ()
        return Watched(self.name, self.topology.node_addresses, sentinels)

    @property
    def target(self) -> dict[str, object]:
        """As targets.yaml describes it."""
        kind: dict[str, object] = {"kind": "cluster" if isinstance(self.topology, Cluster) else "replication"}
        if self.watched.sentinels:
            sentinels = list(self.watched.sentinels)
            kind = {"kind": "sentinel", "master_name": self.topology.settings.master_name, "sentinels": sentinels}
        around = {"channels": [self.channel], "limits": LIMITS, **self.more}
        return {**kind, "nodes": list(self.watched.nodes), **around}


@dataclass(frozen=True)
class Stand:
    """What all lanes share."""

    slack: LocalSlack
    monitoring: Monitoring
    ledger: Ledger

    async def play(self, lane: Lane, faults: Sequence[Fault]) -> None:
        """One fault after the other, each from its break to its end."""
        for fault in faults:
            await self._one(lane, fault)
            await self._quiet(lane)
            await self._long_ago(lane)

    async def _one(self, lane: Lane, fault: Fault) -> None:
        prompt = await self.prompted(lane, fault)
        if fault.button:
            await self._asks(lane, prompt, fault.button)
        await fault.mends()
        if fault.button:
            await self.waits(lane, lambda: self.saying(lane, "done and proven"), "the end of the run")
        if fault.later:
            await self.waits(lane, lambda: self._naming(lane, fault.later), f"a message with {sorted(fault.later)}")
        await self.over(lane, prompt)

    async def prompted(self, lane: Lane, fault: Fault) -> Message:
        """Break it; the one message that comes of it, with everything that fires, what Tandem sees, and buttons."""
        await fault.breaks()
        prompt = await self.waits(lane, lambda: self._prompt(lane, fault), f"a message with {sorted(fault.alerts)}")
        offered = {name for _, name, _ in prompt.buttons()}
        assert {"run:0", "incident_acknowledge"} <= offered
        return prompt

    async def over(self, lane: Lane, prompt: Message) -> Message:
        """The same message says that it is over, and has nothing to press."""
        ended = await self.waits(lane, lambda: self._over(lane), "the end of it")
        assert (ended.ts, ended.buttons()) == (prompt.ts, [])
        return ended

    async def waits(self, lane: Lane, found: Callable[[], Message | None], what: str) -> Message:
        try:
            return await self.slack.waits_for(found, within=WITHIN_S)
        except AssertionError:
            shown = "\n---\n".join(one.plain() for one in self.slack.messages(lane.channel))
            fires = [one for one in await self.monitoring.alerts() if one.group == lane.name]
            raise AssertionError(f"{lane.name}: {what} did not come.\nPrometheus: {fires}\n{shown}") from None

    async def still_open(self, lane: Lane) -> bool:
        """Whether its incident is, once Tandem has looked at Redis once more."""
        columns = (incidents.c.look_at, incidents.c.looking_until, incidents.c.closed_at)
        query = select(*columns).where(incidents.c.scope == lane.name).order_by(incidents.c.opened_at.desc())
        since = None
        async with asyncio.timeout(WITHIN_S):
            while True:
                async with self.ledger._database.reading() as tx:
                    row = (await tx.connection.execute(query)).mappings().first()
                    since = since or tx.now
                if row is not None and row["look_at"] > since and row["looking_until"] is None:
                    return row["closed_at"] is None
                await asyncio.sleep(0.1)

    def saying(self, lane: Lane, text: str) -> Message | None:
        """The newest message of its channel that says this."""
        return next((one for one in reversed(self.slack.messages(lane.channel)) if text in one.plain()), None)

    def told(self, lane: Lane) -> Message | None:
        """The message of the incident, of which there is never a second one."""
        said = [one for one in self.slack.messages(lane.channel) if " opened " in one.plain() and "I-" in one.plain()]
        new = [one for one in said if one.ts not in lane.before]
        assert len(new) < 2, [one.plain() for one in new]
        return new[0] if new else None

    def _prompt(self, lane: Lane, fault: Fault) -> Message | None:
        found = self._naming(lane, fault.alerts)
        return found if found and "What Tandem sees" in found.plain() and fault.sees in found.plain() else None

    def _naming(self, lane: Lane, alerts: frozenset[str]) -> Message | None:
        found = self.told(lane)
        return found if found and all(f"*{alert}* " in found.plain() for alert in alerts) else None

    def _over(self, lane: Lane) -> Message | None:
        found = self.told(lane)
        return found if found and "over after" in found.plain() else None

    async def _asks(self, lane: Lane, prompt: Message, button: str) -> None:
        """Who is on call presses it, and somebody else approves."""
        pressed = await self.waits(lane, lambda: self._offering(lane, button), f"the button {button!r}")
        (does,) = (one[1:] for one in pressed.buttons() if button in one[2])
        await self.slack.person("U0ONCALL").clicks(prompt, *does)
        card = await self.waits(lane, lambda: self.saying(lane, "[Approve"), "the request")
        await self.slack.person("U0LEAD").clicks(card, "approve")

    def _offering(self, lane: Lane, button: str) -> Message | None:
        found = self.told(lane)
        return found if found and any(button in value for *_, value in found.buttons()) else None

    async def _quiet(self, lane: Lane) -> None:
        """Prometheus has nothing to say of it any more, and its message is over still, or again."""
        async with asyncio.timeout(WITHIN_S):
            while [one for one in await self.monitoring.alerts() if one.group == lane.name] or not self._over(lane):
                await asyncio.sleep(0.2)

    async def _long_ago(self, lane: Lane) -> None:
        """Let time go by, so that what comes next is not the same once more."""
        if found := self.told(lane):
            lane.before.add(found.ts)
        async with self.ledger._database.writing() as tx:
            before = tx.now - REOPENS - timedelta(minutes=1)
            await tx.connection.execute(
                update(incidents).where(incidents.c.scope == lane.name).values(closed_at=before)
            )
