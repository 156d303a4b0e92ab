"""A candidate that Sentinel has promoted takes writes once the Sentinels send clients to it, and not before.

Until then it refuses them, by its fence: one that hangs when it has just been promoted wakes up as a master while the
Sentinels name another, and whoever goes by the nodes' own word would write to it. No I/O here but through Hands.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from actions.kit.errors import ActionError, NotYet, TooLate
from actions.kit.fencing import but_scripts, takes_writes
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.roles import has_all
from actions.kit.snapshot import Role
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address
from actions.kit.votes import newest


@dataclass(frozen=True, slots=True)
class OpenNamed(Step):
    """Let the new master take writes, where the Sentinels name it and the old one takes none."""

    candidate: Address
    settings: tuple[SettingChange, ...]
    master: Address
    """The old one."""
    replid: str = ""
    """The history that it was promoted from, as ``master_to_follow`` takes it; ``offset`` likewise."""
    offset: int = 0
    within_s: int = 5
    again: bool = False
    """The old one was demoted since. What could not be done before is done now, and the file is put right."""
    scripts_pass: bool = False
    """Its fence does not stop scripts that write; see ``fencing.scripts_pass``."""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"{'See that' if self.again else 'Let'} {self.candidate} {'takes' if self.again else 'take'} writes"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = "; ".join(f"CONFIG SET {change.name} {change.old}" for change in self.settings)
        return f"{self.candidate}> {sets}{'; CONFIG REWRITE' if self.again else ''}"

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """What was owed, once it is in no file any more."""
        return self.settings if self.again else ()

    async def act(self, hands: Hands) -> str:
        """Look, and put the old values back; the first time without waiting, since the old master is to be demoted."""
        if self.again:
            return (await until(lambda: self._opened(hands), hands, self.within_s, every_s=0.1)).observation
        try:
            return (await self._opened(hands)).observation
        except ActionError as error:
            return f"not yet: {error}"

    async def _opened(self, hands: Hands) -> Held:
        standing, views, taking = await asyncio.gather(
            hands.standing(self.candidate), hands.sentinel_views(), takes_writes(self.master, hands)
        )
        if standing.role is Role.MASTER:
            closed = f"{self.candidate} stays closed{but_scripts(self.scripts_pass)}"
            if not await has_all(self.candidate, standing, hands, self.replid, self.offset):
                raise TooLate(f"{closed}: it was restarted, and nothing proves that it has the data")
            if (latest := newest(views)).named != {self.candidate}:
                raise NotYet(f"{closed}: the Sentinels name {latest}")
            if taking:
                raise NotYet(f"{closed}: {self.master} takes writes too")
        wanted = as_settings(self.settings, old=True)
        await hands.change_settings(self.candidate, wanted, rewrite=self.again)
        seen = await hands.settings(self.candidate, tuple(wanted))
        return Held(seen == wanted, ", ".join(f"{name} {value}" for name, value in seen.items()))
