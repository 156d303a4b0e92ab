"""Every target that Tandem looks after, in which channels, and whose approval it takes. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from actions.kit.errors import UsageError
from actions.kit.plan import Risk
from actions.kit.topology import Target
from bot.render.words import listed, nearest, quoted

PRODUCTION = "production"
FREEZE, THAW = "freeze", "thaw"
"""Rules can name these as actions too; both are reversible."""
ALWAYS_APPROVED = (Risk.DESTRUCTIVE, Risk.IRREVERSIBLE)
"""What takes a second human, whatever the settings say."""


@dataclass(frozen=True, slots=True)
class People:
    """A Slack user group, single Slack users, or both; a person who is in both is one person."""

    usergroup: str | None = None
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules go by: what is to be done to which target, and in which channel it was said; ``None``: nowhere."""

    target: str
    action: str
    risk: Risk
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One of ``rules``. What it does not name it does not ask for; what it does not grant is left to the next one."""

    targets: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    risks: tuple[Risk, ...] = ()
    channels: tuple[str, ...] = ()
    requesters: People | None = None
    approvers: People | None = None
    break_glass: People | None = None
    approvals: int | None = None


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything in ``targets.yaml``.

    ``channels``: channel id to the names of the targets bound to it. ``notes``: what is accepted but does nothing,
    or is unwise; a sentence each. ``rules``: for each grant the first one that fits a case counts, before what is
    named for the target.
    """

    targets: Mapping[str, Target]
    channels: Mapping[str, tuple[str, ...]]
    approvers: Mapping[str, People]
    """By target; one without an entry has nobody who may approve."""
    requesters: Mapping[str, People]
    """By target: who may ask for changes."""
    notes: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    break_glass: Mapping[str, People] = field(default_factory=dict)
    """By target: who may go without approval in an emergency."""
    alerts_channel: str | None = None
    """Where alerts are told that fit no target, or one that is bound to no channel."""
    alert_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By target: an alert with all of these labels is about it."""
    alert_links: tuple[tuple[str, str], ...] = ()
    """Links that every incident shows: a word and a template each; see ``bot.alerts.links``."""
    target_links: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """By target: its own, which go before those."""

    def approvers_of(self, case: Case) -> People | None:
        """Who may approve; ``None`` is nobody."""
        return next((rule.approvers for rule in self._fitting(case) if rule.approvers), self.approvers.get(case.target))

    def requesters_of(self, case: Case) -> People | None:
        """Who may ask for it; ``None`` is nobody."""
        ruled = (rule.requesters for rule in self._fitting(case) if rule.requesters)
        return next(ruled, self.requesters.get(case.target))

    def break_glass_of(self, case: Case) -> People | None:
        """Who of the requesters may go without approval; ``None`` is nobody."""
        ruled = (rule.break_glass for rule in self._fitting(case) if rule.break_glass)
        return next(ruled, self.break_glass.get(case.target))

    def approvals_needed(self, case: Case) -> int:
        """How many second people have to agree. For what destroys it is at least one, whatever a rule says."""
        if case.risk is Risk.READ:
            return 0
        target = self.targets.get(case.target)
        free = case.risk is Risk.REVERSIBLE and target is not None and target.environment != PRODUCTION
        ruled = next((rule.approvals for rule in self._fitting(case) if rule.approvals is not None), 0 if free else 1)
        return max(ruled, 1) if case.risk in ALWAYS_APPROVED else ruled

    def _fitting(self, case: Case) -> Iterator[Rule]:
        target = self.targets.get(case.target)
        places = (case.channel,) if case.channel else self.channels_of(case.target)
        for rule in self.rules:
            asked: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
                (rule.targets, (case.target,)),
                (rule.environments, (target.environment,) if target else ()),
                (rule.actions, (case.action,)),
                (rule.risks, (case.risk,)),
                (rule.channels, places),
            )
            if all(not wanted or set(wanted) & set(given) for wanted, given in asked):
                yield rule

    def target(self, name: str) -> Target:
        """The target of this name.

        Raises:
            UsageError: there is none; names the nearest.
        """
        found = self.targets.get(name)
        if found is None:
            near = nearest(name, self.targets)
            are = "is" if len(self.targets) == 1 else "are"
            hint = f"did you mean {near}?" if near else f"there {are} {listed(self.targets)}."
            raise UsageError(f"There is no target {quoted(name)}; {hint}")
        return found

    def channels_of(self, target: str) -> tuple[str, ...]:
        """The ids of the channels that a target is bound to; with ``*``, those of all targets."""
        return tuple(channel for channel, names in self.channels.items() if target == "*" or target in names)

    @property
    def everybody(self) -> tuple[People, ...]:
        """Whoever is named anywhere."""
        ruled = (people for rule in self.rules for people in (rule.requesters, rule.approvers, rule.break_glass))
        named = (*self.approvers.values(), *self.requesters.values(), *self.break_glass.values())
        return (*named, *(people for people in ruled if people is not None))

    def seen_from(self, channel: str | None) -> tuple[str, ...]:
        """The names of the targets that can be spoken of in a channel; ``None`` is the terminal, which sees all.

        A channel that targets are bound to sees those only; any other sees the targets that are bound nowhere.
        """
        if channel is None:
            return tuple(self.targets)
        bound = {name for names in self.channels.values() for name in names}
        return self.channels.get(channel) or tuple(name for name in self.targets if name not in bound)
