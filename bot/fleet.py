"""Every target that Tandem looks after, in which channels, and whose approval it takes. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actions.kit.errors import Refused, UsageError
from actions.kit.topology import Kind, Target
from bot.render.words import listed, nearest, quoted

NOT_COVERED = frozenset({Kind.CLUSTER, Kind.ELASTICACHE})
"""Kinds that the file may hold and that this version does not look at."""


@dataclass(frozen=True, slots=True)
class People:
    """A Slack user group, single Slack users, or both; a person who is in both is one person."""

    usergroup: str | None = None
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything in ``targets.yaml``.

    ``channels``: channel id to the names of the targets bound to it. ``notes``: what is accepted but does nothing,
    or is unwise; a sentence each.
    """

    targets: Mapping[str, Target]
    channels: Mapping[str, tuple[str, ...]]
    approvers: Mapping[str, People]
    """By target; one without an entry has nobody who may approve."""
    requesters: Mapping[str, People]
    """By target: who may ask for changes."""
    notes: tuple[str, ...] = ()

    def target(self, name: str) -> Target:
        """The target of this name.

        Raises:
            UsageError: there is none; names the nearest.
        """
        found = self.targets.get(name)
        if found is None:
            near = nearest(name, self.targets)
            hint = f"did you mean {near}?" if near else f"there are {listed(self.targets)}."
            raise UsageError(f"There is no target {quoted(name)}; {hint}")
        return found

    def usable(self, name: str) -> Target:
        """The target of this name, where this version can look at it.

        Raises:
            UsageError: there is none.
            Refused: its kind is not covered.
        """
        target = self.target(name)
        if target.kind in NOT_COVERED:
            raise Refused(not_covered(target))
        return target

    def channels_of(self, name: str) -> tuple[str, ...]:
        """The channels that a target is bound to."""
        return tuple(channel for channel, names in self.channels.items() if name in names)

    @property
    def everybody(self) -> tuple[People, ...]:
        """Whoever is named anywhere."""
        return (*self.approvers.values(), *self.requesters.values())

    def seen_from(self, channel: str | None) -> tuple[str, ...]:
        """The names of the targets that can be spoken of in a channel; ``None`` is the terminal, which sees all.

        A channel that targets are bound to sees those only; any other sees the targets that are bound nowhere.
        """
        if channel is None:
            return tuple(self.targets)
        bound = {name for names in self.channels.values() for name in names}
        return self.channels.get(channel) or tuple(name for name in self.targets if name not in bound)


def not_covered(target: Target) -> str:
    """What to say of a target of a kind that is accepted in the file and no more."""
    return f"{target.name} is of kind {target.kind}, which this version of Tandem does not cover; nothing was asked."
