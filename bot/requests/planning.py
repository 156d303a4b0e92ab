"""The one evaluator of preview, request and execution: freeze, cooldown, observation, plan, what is still owed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actions.kit.action import Action, ChangeAction, Options, ReadAction
from actions.kit.errors import UsageError
from actions.kit.plan import Plan, Refusal, Risk, difference
from actions.kit.topology import Target
from bot.ledger import Ledger, Request
from bot.requests.ports import Connection

RESTS = (Risk.DESTRUCTIVE, Risk.IRREVERSIBLE)
"""After an action of these risks the target rests from it."""
_NO_LONGER = "It can no longer be done:"


class Connections:
    """The targets, and one connection to each, opened when it is first needed and kept."""

    def __init__(self, targets: Mapping[str, Target], connect: Callable[[Target], Connection]) -> None:
        self._targets = targets
        self._connect = connect
        self._open: dict[str, Connection] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Every target's name."""
        return tuple(self._targets)

    def target(self, name: str) -> Target:
        """The target of this name.

        Raises:
            UsageError: there is none.
        """
        if name not in self._targets:
            known = ", ".join(sorted(self._targets)) or "none"
            raise UsageError(f"There is no target {name[:80]!r}; there are: {known}.")
        return self._targets[name]

    def hands(self, name: str) -> Connection:
        """The hands on a target.

        Raises:
            UsageError: there is no such target.
        """
        if name not in self._open:
            self._open[name] = self._connect(self.target(name))
        return self._open[name]

    async def aclose(self) -> None:
        """Close them all."""
        while self._open:
            await self._open.popitem()[1].aclose()


class Planner:
    """Plans changes on live targets."""

    def __init__(
        self, ledger: Ledger, connections: Connections, by_name: Callable[[str], Action], settings: Mapping[str, str]
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._connections = connections
        self._by_name = by_name

    def reading(self, name: str) -> ReadAction:
        """An action that only looks.

        Raises:
            UsageError: there is none of this name, or it changes something.
        """
        action = self._by_name(name)
        if isinstance(action, ChangeAction):
            raise UsageError(f"{name} changes something: it has to be requested.")
        return action

    async def plan(self, name: str, target: str, options: Options) -> Plan | Refusal:
        """Observe and plan, now.

        Raises:
            UsageError: the words are wrong.
            LedgerError: the ledger cannot say whether the target may be changed.
        """
        action = self._changing(name)
        reasons = await self._noes(target, await self._ledger.busy(target))
        return Refusal(target, name, reasons) if reasons else await self._plan(action, target, options)

    async def _noes(self, target: str, *more: str | None) -> tuple[str, ...]:
        """Why nothing may begin now, whatever the servers show."""
        frozen = await self._ledger.freezes.why_not(target)
        return tuple(no for no in (frozen, *more, await self._ledger.replicas.differing(self._settings)) if no)

    async def _plan(self, action: ChangeAction, target: str, options: Options) -> Plan | Refusal:
        """Plan, whoever holds the target: the run itself does when it looks for drift."""
        name = action.name
        resting = await self._resting(action, target)
        if resting:
            return Refusal(target, name, (resting,))
        planned = action.plan(await action.look(self._connections.hands(target)), options)
        if isinstance(planned, Refusal):
            return planned
        owing = await self._owing(planned)
        return Refusal(target, name, owing) if owing else planned

    async def drift(self, request: Request) -> tuple[str, ...]:
        """What is no longer as it was approved, a line each; nothing where all is as it was.

        Where it can no longer be done at all the first line says so, and the others why.
        """
        noes = await self._noes(request.target)
        if noes:
            return (_NO_LONGER, *noes)
        try:
            now = await self._plan(self._changing(request.action), request.target, request.options)
        except UsageError as error:  # The target or the action has gone from the settings meanwhile.
            return (_NO_LONGER, str(error))
        if isinstance(now, Refusal):
            return (_NO_LONGER, *now.reasons)
        if now.fingerprint == request.plan.fingerprint:
            return ()
        return difference(request.plan, now) or ("The order of the steps has changed.",)

    def _changing(self, name: str) -> ChangeAction:
        action = self._by_name(name)
        if isinstance(action, ReadAction):
            raise UsageError(f"{name} changes nothing: there is nothing to plan.")
        return action

    async def _resting(self, action: ChangeAction, target: str) -> str | None:
        limit = self._connections.target(target).limits.cooldown_s
        until = await self._ledger.cooldown(target, action.name, limit) if action.risk in RESTS else None
        if until is None:
            return None
        return (
            f"The last {action.name} of {target} is less than {limit} s ago; wait until {until:%H:%M:%S} UTC. "
            f'An approver can end that earlier with "thaw {target}".'
        )

    async def _owing(self, plan: Plan) -> tuple[str, ...]:
        """A setting that an earlier run left changed would be taken for the old one, and put back as such.

        A plan that puts the same value back may begin: what is owed is paid by it.
        """
        changes = (change for step in plan.steps for change in step.changes if not change.is_naming)
        touched = {(change.node, change.name): change.old for change in changes}
        return tuple(
            f"{debt.change.name} of {debt.change.node} is still as {debt.run_id} left it ({debt.change.new}); "
            f"it is put back to {debt.change.old} as soon as that can be done safely."
            for debt in await self._ledger.owed(plan.target)
            if touched.get((debt.change.node, debt.change.name), debt.change.old) != debt.change.old
        )
