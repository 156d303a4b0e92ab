"""The steps that turn automatic failover off for a while and back on. No I/O here but through Hands.

AWS takes another primary by name only while it is off.
"""

from __future__ import annotations

from dataclasses import dataclass

from actions.kit.elasticache import setting
from actions.kit.elasticache.steps import AWS_WITHIN_S
from actions.kit.plan import SettingChange, Step
from actions.kit.ports import Hands


@dataclass(frozen=True, slots=True)
class TurnFailoverOff(Step):
    """Automatic failover off, and Multi-AZ with it: a debt from before the call until it is as it was."""

    change: SettingChange
    region: str
    within_s: float = AWS_WITHIN_S

    @property
    def title(self) -> str:
        """What the step does."""
        return "Turn automatic failover off"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return _modify(self.change, self.region, self.change.new)

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Owed from before the step acts until it is undone or put back."""
        return (self.change,)

    async def act(self, hands: Hands) -> str:
        """Change it, and wait until AWS says that it is so."""
        return await setting.change(hands, self.change.new, self.within_s)

    async def undo(self, hands: Hands) -> str:
        """Put it back."""
        return await setting.change(hands, self.change.old, self.within_s)


@dataclass(frozen=True, slots=True)
class TurnFailoverOn(Step):
    """Automatic failover, and Multi-AZ, as they were before."""

    change: SettingChange
    region: str
    within_s: float = AWS_WITHIN_S

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Turn automatic failover back: {self.change.old}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return _modify(self.change, self.region, self.change.old)

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """What was owed."""
        return (self.change,)

    async def act(self, hands: Hands) -> str:
        """Change it, and wait until AWS says that it is so."""
        return await setting.change(hands, self.change.old, self.within_s)


def _modify(change: SettingChange, region: str, value: str) -> str:
    automatic = "--no-automatic-failover-enabled" if value == setting.OFF else "--automatic-failover-enabled"
    zones = "--multi-az-enabled" if value == setting.ON_MULTI_AZ else "--no-multi-az-enabled"
    group = getattr(change.node, "name", str(change.node))
    return (
        f"aws elasticache modify-replication-group --region {region} --replication-group-id {group} "
        f"{automatic} {zones} --apply-immediately"
    )
