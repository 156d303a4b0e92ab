"""Whom a Sentinel names as master, as a setting that can be brought about: it is told a newer configuration.

Sentinels tell each other theirs by a message of two lines' worth, their hello, and take over what has a higher
config-epoch. Told so, one keeps all that it is set to (its login, scripts, times), passes it on to every other, and
tells its clients of the switch. No I/O here but through Hands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from actions.kit.errors import ActionError, NotYet, Unreachable
from actions.kit.plan import NAMING, Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.snapshot import SentinelView
from actions.kit.steps import until
from actions.kit.topology import Address


def newer_epoch(views: Sequence[SentinelView]) -> int:
    """The config-epoch that wins over whatever a Sentinel that answers goes by."""
    return 1 + max((view.master.config_epoch for view in views if view.master is not None), default=0)


def why_not_told(views: Sequence[SentinelView], sentinel: Address, master: Address) -> str | None:
    """Why this Sentinel is not to be told that this node is master; ``None`` where it is.

    The others may have failed over since: a third name in one of them is newer than what was to be told.
    """
    named = next((view.master.address for view in views if view.address == sentinel and view.master), None)
    third = [view for view in views if view.master and view.master.address not in {named, master}]
    if named is None:
        return f"Sentinel {sentinel} does not say whom it names"
    if third:
        return f"Sentinel {third[0].address} names another one, {third[0].master.address if third[0].master else '?'}"
    return None


@dataclass(frozen=True, slots=True)
class TellSentinels(Step):
    """Have Sentinels name the promoted node, before they can make it a replica of the old master.

    Those that are silent stay owed: whoever sees one come back tells it then.
    """

    sentinels: tuple[Address, ...]
    master_name: str
    master: Address
    instead_of: Address | None
    silent: bool = False
    again: bool = False
    """The step is there for those that were silent when their turn came first."""
    within_s: int = 3

    @property
    def title(self) -> str:
        """What the step does."""
        who = f"Sentinel{'s' if self.sentinels[1:] else ''} {', '.join(map(str, self.sentinels))}"
        if not self.silent:
            return f"Have {who} name {self.master}"
        back = "it is back" if len(self.sentinels) == 1 else "they are back"
        return f"Have {who} name {self.master} if {back}{' by now' if self.again else ''}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return (
            f"{', '.join(map(str, self.sentinels))}> PUBLISH __sentinel__:hello IP,PORT,RUN-ID,EPOCH,"
            f"{self.master_name},{self.master.host},{self.master.port},EPOCH (as of another Sentinel that it knows, "
            "EPOCH above its config-epoch)"
        )

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Owed until they name the new one. What is to come about stands as the old value: that is what is owed."""
        old = str(self.instead_of or "")
        return tuple(SettingChange(sentinel, NAMING, old, str(self.master)) for sentinel in self.sentinels)

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """What was owed, unless they have yet to come back."""
        return () if self.silent else self.changes

    async def act(self, hands: Hands) -> str:
        """Tell each, and see that it took it over.

        Raises:
            ActionError: one did not; the others did all the same.
        """
        answers = await asyncio.gather(*(self._told(one, hands) for one in self.sentinels), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, ActionError):
                raise answer
        failed = [answer for answer in answers if isinstance(answer, ActionError)]
        away = [error for error in failed if isinstance(error, Unreachable)]
        if failed and not (self.silent and len(away) == len(failed)):
            raise NotYet("; ".join(map(str, failed)))
        told = [answer for answer in answers if isinstance(answer, str)]
        if away:
            mend = before_it_starts(self.master_name, self.master, self.instead_of)
            told.append(f"{len(away)} silent ({'; '.join(map(str, away))}): {mend}")
        return "; ".join(told)

    async def _told(self, sentinel: Address, hands: Hands) -> str:
        await hands.change_settings(sentinel, {NAMING: str(self.master)}, rewrite=False)

        async def look() -> Held:
            named = (await hands.settings(sentinel, (NAMING,))).get(NAMING)
            return Held(named == str(self.master), f"Sentinel {sentinel} names {named}")

        return (await until(look, hands, self.within_s)).observation


def before_it_starts(master_name: str, master: Address, instead_of: Address | None) -> str:
    """What to change for a Sentinel that is down, in words for a person.

    It has to know the old master as a replica: else that stays a master when it comes back, and nobody sees to it.
    """
    monitor = f'"sentinel monitor {master_name} {master.host} {master.port} QUORUM"'
    if instead_of is None:
        return f"before it is started again write {monitor} into its file, and take its known-replica line of it out"
    replica = f'"sentinel known-replica {master_name} {instead_of.host} {instead_of.port}"'
    return f"before it is started again swap the two in its file: {monitor} and {replica}"
