"""Plans as data: why, what it costs, the steps, a fingerprint of what was seen. No I/O here.

A plan is made from a snapshot by one pure function, shown, approved, made again, compared, and only then
carried out by ``actions.kit.loop``. The fingerprint covers who is master, run ids, replids, config-epochs, the
candidate and the steps; not the offsets, which move every second.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol

from actions.kit.topology import Address, Place

if TYPE_CHECKING:
    from actions.kit.elasticache.views import GroupView
    from actions.kit.findings import Finding
    from actions.kit.kubernetes.view import KubernetesView
    from actions.kit.ports import Hands
    from actions.kit.snapshot import Snapshot


class Risk(StrEnum):
    """What an action can do to the data."""

    READ = "read"
    REVERSIBLE = "reversible"
    DESTRUCTIVE = "destructive"
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a plan can cost. ``None`` is unknown, and is shown as unknown; 0 is a promise."""

    loss_bytes: int | None = 0
    loss_keys: int | None = 0
    pause_ms: int = 0
    notes: tuple[str, ...] = ()
    copied: bool = False
    """What is lost to the service is in a verified copy before."""
    settings_only: bool = False
    """Settings change and no role moves: what is lost are keys that are evicted at once."""
    roles_stay: bool = False
    """No role moves, and writes are refused meanwhile instead of waiting."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A node that could have been chosen and was not; every reason, as sentences."""

    node: Address
    why: str


NAMING = "monitor"
"""The setting of a Sentinel which says whom it names as master, as host:port."""


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting of a node, of a Sentinel for its master, or of a resource around them, that a step changes.

    Somebody has to put it back. Values as CONFIG GET and SENTINEL MASTER print them.
    """

    node: Place
    name: str
    new: str
    old: str

    @property
    def is_naming(self) -> bool:
        """It is not put back but brought about: that a Sentinel names another master. A later one replaces it."""
        return self.name == NAMING

    @property
    def server(self) -> Address:
        """The node, of a setting that only a server can have.

        Raises:
            TypeError: it is a resource's.
        """
        if isinstance(self.node, Address):
            return self.node
        raise TypeError(f"{self.name} of {self.node} is no server's setting.")


@dataclass(frozen=True, slots=True)
class Held:
    """Whether what a step brings about is so already, and what was seen."""

    yes: bool
    observation: str


class Debts(Protocol):
    """What a run owes. A step says here what only its act finds out that it changes, before it does."""

    async def owes(self, change: SettingChange) -> None:
        """This setting is going to be changed, and is owed until it is repaid."""

    async def repaid(self, change: SettingChange) -> None:
        """This setting is back as it was; nothing happens where it is not owed."""


class Step(ABC):
    """One step of a plan. Implementations are frozen dataclasses of plain values: a step survives the process.

    ``act`` raises an ``ActionError`` unless what it does was seen to be done; ``undo`` likewise. Both can be called
    again after a crash, whatever was done before it.
    """

    __slots__ = ()

    point_of_no_return: ClassVar[bool] = False
    """From here on a failure is no reason to go back: the roles have moved, or may have."""
    begins_stage: ClassVar[bool] = False
    """It and what follows are a whole of their own, with a point of no return of their own.

    A stage is not begun once something has failed, and one that goes back leaves the stages before it as they are.
    """

    @property
    def only_looks(self) -> bool:
        """Whether it changes nothing: what it finds to be so at once it has seen, and nothing was so *already*."""
        return False

    @property
    def promotes(self) -> Address | None:
        """Who becomes master by this step, where a plan has several such steps."""
        return None

    @property
    @abstractmethod
    def title(self) -> str:
        """What the step does, a few words."""

    @property
    @abstractmethod
    def command(self) -> str:
        """The equivalent for a person at a terminal."""

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """The settings that this step changes, to be journalled before it acts."""
        return ()

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """The settings, changed by an earlier step, that this step puts back."""
        return ()

    @property
    def undoing_changes(self) -> tuple[SettingChange, ...]:
        """The settings that undoing this step changes for a moment, to be journalled before it is undone."""
        return ()

    async def destroys(self, hands: Hands) -> str | None:
        """What it would still do that cannot be taken back, in a few words; by default nothing.

        Asked of the steps behind the point of no return, where a run that was cut off is to go on.

        Raises:
            TooLate: the roles have moved again since: it would be another plan.
        """
        _ = hands
        return None

    async def holds(self, hands: Hands) -> Held:
        """Whether it is so already: then nothing needs doing. By default it is never taken for granted."""
        _ = hands
        return Held(yes=False, observation="")

    def looks_again_at(self, earlier: Step) -> bool:
        """Whether this step proves all that an earlier one was to prove: then what that one missed is over."""
        _ = earlier
        return False

    @abstractmethod
    async def act(self, hands: Hands) -> str:
        """Do it, see that it is done, and say what was seen."""

    async def perform(self, hands: Hands, debts: Debts) -> str:
        """As ``act``, which it is by default; for a step that learns only while it acts which settings it changes."""
        _ = debts
        return await self.act(hands)

    async def undo(self, hands: Hands) -> str:
        """Put back what it did and say what was seen; by default there is nothing, and nothing is said."""
        _ = hands
        return ""


def turning(steps: Sequence[Step], start: int = 0) -> int:
    """The index of the first step from ``start`` on that cannot be undone; the number of steps where there is none."""
    return next((index for index in range(start, len(steps)) if steps[index].point_of_no_return), len(steps))


def stage_of(steps: Sequence[Step], index: int) -> int:
    """The index of the first step of the stage that this step is in."""
    return next((first for first in range(index, 0, -1) if steps[first].begins_stage), 0)


def turns_after(steps: Sequence[Step], index: int) -> tuple[Step, ...]:
    """The point of no return of each stage behind this step."""
    stages = (first for first in range(index + 1, len(steps)) if steps[first].begins_stage)
    return tuple(steps[turning(steps, first)] for first in stages)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, why, and what it can cost."""

    target: str
    action: str
    risk: Risk
    because: str
    cost: Cost
    steps: tuple[Step, ...]
    seen: tuple[str, ...]
    """The facts that the approval binds to, a line each; see ``facts_of``."""
    candidate: Address | None = None
    rejected: tuple[Rejected, ...] = ()

    @property
    def turning(self) -> int:
        """The index of the first step that cannot be undone; the number of steps where there is none."""
        return turning(self.steps)

    @property
    def new_masters(self) -> tuple[Address, ...]:
        """The candidate; of a plan that moves several masters each one's, in the order of the steps."""
        if self.candidate is not None:
            return (self.candidate,)
        return tuple(step.promotes for step in self.steps if step.promotes is not None)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits over what was seen, the candidate and the steps."""
        steps = [[step.title, step.command] for step in self.steps]
        essence = [self.target, self.action, str(self.candidate), self.seen, steps]
        return hashlib.sha256(json.dumps(essence).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no plan: every reason, a sentence each, and the findings behind them."""

    target: str
    action: str
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def reason(self) -> str:
        """All reasons as one text."""
        return " ".join(self.reasons)

    @property
    def instead(self) -> tuple[str, ...]:
        """Action lines to go on with: to look, then what the findings suggest; not what was just refused."""
        suggested = (line for one in self.findings for line in one.suggests)
        lines = dict.fromkeys([f"diagnose {self.target}", *suggested])
        return tuple(line for line in lines if line != f"{self.action} {self.target}")


def facts_of(snapshot: Snapshot) -> tuple[str, ...]:
    """What an approval binds to: roles, run ids, replids and config-epochs, a line each, in a fixed order."""
    nodes = [
        f"{node.address} {node.info.role} run {node.info.run_id} replid {node.info.replid}"
        if node.info
        else f"{node.address} {node.unasked.reason if node.unasked else 'no answer'}"
        for node in sorted(snapshot.nodes, key=lambda node: node.address)
    ]
    sentinels = [
        f"{view.address} says {view.master.address} epoch {view.master.config_epoch}"
        if view.master
        else f"{view.address} {view.unasked.reason if view.unasked else 'no answer'}"
        for view in sorted(snapshot.sentinels, key=lambda view: view.address)
    ]
    return (
        f"master {snapshot.agreed_master}",
        *nodes,
        *sentinels,
        *_facts_of_group(snapshot.group),
        *_facts_of_application(snapshot.kubernetes),
    )


def was_restarted(plan: Plan, node: Place, run_id: str) -> bool:
    """Whether this node was another process when it was planned; no where it was not asked then."""
    told = [fact for fact in plan.seen if fact.startswith(f"{node} ") and " run " in fact]
    return bool(told) and not any(f" run {run_id} " in fact for fact in told)


def _facts_of_group(group: GroupView | None) -> Iterator[str]:
    if group is not None:
        settings = f"automatic failover {group.automatic_failover}, Multi-AZ {group.multi_az}"
        yield f"{group.name} {group.status or 'not told'}, {settings}"
        yield from (f"{member.name} {'primary' if member.primary else 'not primary'}" for member in group.members)


def _facts_of_application(view: KubernetesView | None) -> Iterator[str]:
    """What it is set to: a step is to change that, and perhaps to put it back."""
    app = view.application if view else None
    if app is not None:
        value = app.value.words if app.value else "not told"
        yield f"deployment {app.deployment} container {app.container} {app.env}={value}"


_WAS, _IS_NOW = "was: ", "is now: "


def changed_facts(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """What differs between two lists of facts, a line each."""
    gone = (f"{_WAS}{fact}" for fact in before if fact not in after)
    return (*gone, *(f"{_IS_NOW}{fact}" for fact in after if fact not in before))


def in_short(lines: Sequence[str]) -> str:
    """A difference in one sentence: the first of what was and of what is now, and how much more there is.

    Who is master stands first of the facts. Other sentences, such as reasons, are left whole.
    """
    firsts = [next((one for one in lines if one.startswith(word)), "") for word in (_WAS, _IS_NOW)]
    shown = [one for one in firsts if one]
    if not shown:
        return " ".join(lines)
    left = len(lines) - len(shown)
    return "; ".join([*shown, *([f"{left} more line{'s' * (left > 1)} of what differs"] if left else [])]) + "."


def difference(before: Plan, after: Plan) -> tuple[str, ...]:
    """What changed between two plans for the same thing, a line each: what was approved and what is so now."""
    changed = list(changed_facts(before.seen, after.seen))
    if before.candidate != after.candidate:
        changed.append(f"candidate: was {before.candidate}, is now {after.candidate}")
    old_steps, new_steps = ([f"{step.title}: {step.command}" for step in plan.steps] for plan in (before, after))
    changed += [f"step was: {step}" for step in old_steps if step not in new_steps]
    changed += [f"step is now: {step}" for step in new_steps if step not in old_steps]
    return tuple(changed)
