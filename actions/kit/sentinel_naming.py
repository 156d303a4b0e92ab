"""Whom a Sentinel names as master, as a setting that can be brought about: it is told a newer configuration.

Sentinels tell each other theirs by a message of two lines' worth, their hello, and take over what has a higher
config-epoch. Told so, one keeps all that it is set to (its login, scripts, times), passes it on to every other, and
tells its clients of the switch. No I/O here but through Hands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actions.kit.errors import ActionError, Unreachable
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
class TellSentinel(Step):
    """Have one Sentinel name the promoted node, before it can make it a replica of the old master.

    One that is silent stays owed: whoever sees it come back tells it then.
    """

    sentinel: Address
    master_name: str
    master: Address
    instead_of: Address | None
    silent: bool = False
    again: bool = False
    """The step is there for one that was silent when its turn came first."""
    within_s: int = 3

    @property
    def title(self) -> str:
        """What the step does."""
        if self.silent:
            return f"Have Sentinel {self.sentinel} name {self.master} if it is back{' by now' if self.again else ''}"
        return f"Have Sentinel {self.sentinel} name {self.master}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        master = f"{self.master_name},{self.master.host},{self.master.port}"
        return f"{self.sentinel}> PUBLISH __sentinel__:hello IP,PORT,RUN-ID,EPOCH,{master},EPOCH"

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Owed until it names the new one. What is to come about stands as the old value: that is what is owed."""
        return (SettingChange(self.sentinel, NAMING, str(self.instead_of or ""), str(self.master)),)

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """What was owed, unless the Sentinel has yet to come back."""
        return () if self.silent else self.changes

    async def holds(self, hands: Hands) -> Held:
        """Whether it names the new one already."""
        try:
            named = (await hands.settings(self.sentinel, (NAMING,))).get(NAMING)
        except Unreachable as error:
            return Held(yes=False, observation=str(error))
        return Held(named == str(self.master), f"Sentinel {self.sentinel} names {named}")

    async def act(self, hands: Hands) -> str:
        """Tell it, and see that it took it over."""
        try:
            await hands.change_settings(self.sentinel, {NAMING: str(self.master)}, rewrite=False)
        except ActionError as error:
            if self.silent and isinstance(error, Unreachable):
                return f"it is silent ({error}); {before_it_starts(self.master_name, self.master, self.instead_of)}"
            raise
        return (await until(lambda: self.holds(hands), hands, self.within_s)).observation


def before_it_starts(master_name: str, master: Address, instead_of: Address | None) -> str:
    """What to change for a Sentinel that is down, in words for a person."""
    lines = f'"sentinel monitor {master_name} {master.host} {master.port} QUORUM"'
    old = f" in place of {instead_of}" if instead_of else ""
    known = f'"sentinel known-replica {master_name} {master.host} {master.port}"'
    return f"before it is started again write {lines}{old} into its file, and take {known} out of it"
