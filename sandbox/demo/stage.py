"""What stands on the demo's stage: a deployment of one kind, under write load, that a person can break and mend."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from sandbox.monitoring import Watched
from sandbox.slack import DemoButton

WRITES_A_SECOND = 100.0
NAME = "orders"
LIMITS = {"cooldown_s": 0}
LIMITED = {"maxmemory": "512mb"}
"""Of each node: without a limit an alert says that none can tell when the memory ends."""

Press = Callable[[], Awaitable[str]]


class Load(Protocol):
    """Who writes to it. See ``sandbox.redis.WriteLoad``."""

    @property
    def acked(self) -> int:
        """How many writes were acknowledged so far."""

    def longest_gap_ms(self, since: float | None = None) -> float:
        """The longest time without an acknowledged write since then, in milliseconds."""


class Stage(Protocol):
    """One deployment; the demo and its bot know of it only this."""

    @property
    def load(self) -> Load:
        """The writers, at work."""

    @property
    def target(self) -> Mapping[str, object]:
        """How targets.yaml describes it: its kind and where it is."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that the bot needs for it beside its own."""

    @property
    def places(self) -> Sequence[tuple[str, str]]:
        """What a person may want to connect to: a word and addresses."""

    @property
    def watched(self) -> Watched | None:
        """What Prometheus scrapes of it; ``None`` where it cannot."""

    @property
    def buttons(self) -> Sequence[DemoButton]:
        """What can be broken and mended."""

    async def masters(self) -> str:
        """Who takes writes now, in a few words.

        Raises:
            OSError: it could not be asked.
        """


def targets(target: Mapping[str, object]) -> dict[str, object]:
    """The whole targets.yaml around one target."""
    around: dict[str, Any] = {"environment": "production", "channels": ["C0INCIDENT"], "limits": dict(LIMITS)}
    people = {"approvers": {"usergroup": "S0REDISOPS"}, "break_glass": {"users": ["U0ONCALL"]}}
    return {**people, "targets": {NAME: {**around, **target}}}


def pressed(act: Press) -> Press:
    """A button's act; one that does not work says so on the page."""

    async def press() -> str:
        try:
            return await act()
        except (LookupError, TimeoutError, OSError) as error:
            return f"That did not work: {error}"

    return press


def counts(lost: Press) -> DemoButton:
    """The button by which a person counts the acknowledged writes that are missing."""
    return DemoButton("lost", "Count lost writes", "look for every acknowledged key", pressed(lost), "Look")


async def state(stage: Stage, began: float) -> str:
    """A line each: who takes writes, how many were acknowledged, the longest gap in the last 30 s."""
    try:
        masters = await stage.masters() or "none"
    except OSError as error:
        masters = str(error)
    recent = stage.load.longest_gap_ms(max(began, time.monotonic() - 30))
    return f"Master: {masters}\nWrites acknowledged: {stage.load.acked:,}\nLongest gap in 30 s: {recent:,.0f} ms"
