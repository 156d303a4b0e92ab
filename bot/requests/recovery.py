"""What is due without anybody asking: deadlines, approved requests that did not begin, cut-off runs, debts.

Everything here is decided by looking at the servers as they are now, never by what was last written down.
"""

from __future__ import annotations

import asyncio
import logging

from actions.kit.cluster.agreement import is_agreed
from actions.kit.cluster.shards import Shards
from actions.kit.elasticache.words import AVAILABLE
from actions.kit.errors import ActionError, NotYet, TandemError
from actions.kit.holding import is_hold, readable
from actions.kit.late import called_back
from actions.kit.plan import Plan, stage_of, was_restarted
from actions.kit.promotion import Promote
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address, Kind, Place, Resource
from bot import logs
from bot.ledger import Debt, Ledger, Request, RequestState
from bot.requests.execution import Runner
from bot.requests.planning import Connections
from bot.requests.ports import Connection
from bot.requests.reviews import ReviewDesk

log = logging.getLogger(__name__)


class Recovery:
    """Goes over the ledger again and again."""

    def __init__(self, ledger: Ledger, connections: Connections, runner: Runner, reviews: ReviewDesk) -> None:
        self._ledger = ledger
        self._connections = connections
        self._runner = runner
        self._reviews = reviews
        self._standing = logs.Standing(log)  # A pass comes every few seconds.

    async def once(self) -> None:
        """One pass. What takes long goes on in the background; what cannot be done yet is left for the next pass."""
        await self._ledger.expire_due()
        for request in await self._ledger.runs(limit=100, states=(RequestState.APPROVED,)):
            self._runner.start(request.id)
        for request in await self._ledger.unsettled():
            await self.settle(request)
        await self._reviews.ask_for_due()
        debts = [debt for debt in await self._ledger.owed() if debt.at_rest]
        targets = {debt.target: [one for one in debts if one.target == debt.target] for debt in debts}
        await asyncio.gather(*(self._pay_target(target, owed) for target, owed in targets.items()))

    async def settle(self, request: Request) -> None:
        """Have a run that was cut off settled, in the background, if its target can be seen."""
        with logs.about(request=request.id):
            if await self._answers(request.target):
                self._runner.take_over(request.id)

    async def _answers(self, target: str) -> bool:
        """Whether a look at the target can settle anything now.

        A Sentinel failover in progress is no reason to wait: it may be the run's own, and is stopped or followed.
        """
        try:
            snapshot = await self._connections.hands(target).observe()
        except TandemError as error:
            self._standing.tell(target, logging.WARNING, "%s cannot be settled: %s", target, error)
            return False
        self._standing.over(target)
        told = snapshot.group is not None and snapshot.group.unasked is None
        return told or any(node.info for node in snapshot.nodes)

    async def _pay_target(self, target: str, debts: list[Debt]) -> None:
        """Pay what can be paid; one who answers a run that asks must not have it go on in the middle of that."""
        try:
            hands = self._connections.hands(target)
            snapshot = await hands.observe()
            self._standing.over(("owed", target))
            if not_quiet(snapshot) or all(not_payable(snapshot, debt.change.node) for debt in debts):
                return
            holder = await self._ledger.holder(target)
            if holder is None:
                await self._pay_all(debts, hands)
                return
            lease = await self._ledger.questions.tend(holder)
            if lease is None:
                return
            try:
                async with self._ledger.kept(lease):
                    await self._pay_all(debts, hands)
            finally:
                await self._ledger.questions.release(lease)
        except TandemError as error:
            self._standing.tell(
                ("owed", target), logging.WARNING, "What is owed on %s cannot be put back: %s", target, error
            )

    async def _pay_all(self, debts: list[Debt], hands: Connection) -> None:
        # A node that has just come back may answer last, beside answers that are older than what happened while it
        # was away. This picture is begun after all that, and is the one that counts.
        snapshot = await hands.observe()
        if not_quiet(snapshot):
            return
        for debt in debts:
            with logs.about(request=debt.run_id):
                await self._pay(debt, snapshot, hands)

    async def _pay(self, debt: Debt, snapshot: Snapshot, hands: Connection) -> None:
        why = not_payable(snapshot, debt.change.node)
        if why:
            stays = "%s of %s stays as it is: %s"
            self._standing.tell(debt.id, logging.INFO, stays, debt.change.name, debt.change.node, why)
            return
        request = await self._ledger.request(debt.run_id)
        try:
            await _nothing_under_way(request, snapshot, debt, hands)
            if debt.id not in {one.id for one in await self._ledger.owed(debt.target)}:
                return  # A run that has begun since this pass did owes it now, and may have just changed it again.
            note = await self._put_back(debt, snapshot, hands, request.plan)
        except ActionError as error:
            failed = "%s of %s could not be put back: %s"
            self._standing.tell(debt.id, logging.WARNING, failed, debt.change.name, debt.change.node, error)
            return
        await self._ledger.pay(debt, note)
        self._standing.over(debt.id)

    async def _put_back(self, debt: Debt, snapshot: Snapshot, hands: Connection, plan: Plan) -> str:
        """Give the setting its old value, unless somebody has changed it since; says what was done."""
        change = debt.change
        doubt = await called_back(change.node, hands)
        value = (await hands.settings(change.node, (change.name,))).get(change.name)
        if value not in (change.new, change.old):
            now = readable(change.name, value)
            return f"{change.name} of {change.node} is {now}: somebody has changed it since, and it is left so."
        if change.is_naming and _no_master_any_more(snapshot, Address.parse(change.old)):
            return f"{change.node} is not told of {change.old} any more, which is a replica by now."
        view = snapshot.node(change.node)
        if is_hold(change) and value == change.new and view is not None and view.is_replica:
            raise NotYet(f"the data that only {change.node} has would be thrown away: repair {debt.target} copies it")
        # Sentinel rewrites the file of every node whose role it changes, and so with the value that has to go. One
        # that was started since has it from its file.
        info = view.info if view else None
        restarted = info is not None and value == change.new and was_restarted(plan, change.node, info.run_id)
        rewrite = plan.candidate == change.node or (view is not None and view.is_replica) or restarted
        await hands.change_settings(change.node, {change.name: change.old}, rewrite=rewrite)
        if change.is_naming:
            return f"Sentinel {change.node} was told: it names {change.old} as master now."
        return f"{change.name} of {change.node} is back at {change.old}{doubt}."


def _no_master_any_more(snapshot: Snapshot, node: Address) -> bool:
    view = snapshot.node(node)
    return view is not None and view.is_replica


async def _nothing_under_way(request: Request, snapshot: Snapshot, debt: Debt, hands: Connection) -> None:
    """Make sure that a failover which the run has asked for can no longer replace this master, nor has made a second.

    Raises:
        ActionError: it may, or has.
    """
    view = snapshot.node(debt.change.node)
    steps = request.plan.steps
    reached = request.run.reached if request.run else -1
    stages = {stage_of(steps, index) for index, step in enumerate(steps) if debt.change in step.changes}
    for index, step in enumerate(steps[: reached + 1]):
        if stages and stage_of(steps, index) not in stages:
            continue
        if isinstance(step, Promote) and view is not None and view.is_master and step.candidate == view.address:
            _predecessor_is_seen(step, snapshot)
        if step.point_of_no_return and view is not None and view.is_master and request.plan.candidate != view.address:
            log.info("%s: before %s gets its writes back, step %d is seen to be over", request.id, view.address, index)
            await step.undo(hands)


def _predecessor_is_seen(step: Promote, snapshot: Snapshot) -> None:
    """A run that was given up has left its master the writes: being silent for a moment it is still the one."""
    old = snapshot.node(step.master)
    if step.master is not None and (old is None or old.info is None):
        raise NotYet(f"{step.master}, which it was promoted instead of, does not answer and may take writes")


def not_quiet(snapshot: Snapshot) -> str | None:
    """Why nothing can be settled by this picture: what it shows is about to change, or it shows nothing."""
    for view in snapshot.sentinels:
        if view.master is not None and "failover_in_progress" in view.master.flags:
            return f"Sentinel {view.address} has a failover in progress."
    group = snapshot.group
    if group is not None and group.status not in (AVAILABLE, ""):
        return f"AWS is at work on {group.name}: its status is {group.status}."
    if not any(node.info for node in snapshot.nodes) and (group is None or group.unasked is not None):
        return "No node answers."
    return None


def not_payable(snapshot: Snapshot, node: Place) -> str | None:
    """Why a setting of this node cannot be put back now.

    A node that says it is a master while it is not the agreed one may only take writes that would be lost: it keeps
    its fence until it follows.
    """
    if isinstance(node, Resource):
        return None  # Whoever keeps its settings refuses by himself what cannot be changed now.
    if any(one.address == node and one.master is not None for one in snapshot.sentinels):
        return None
    view = snapshot.node(node)
    if view is None or view.info is None:
        return "The node does not answer."
    return _stale_master(snapshot, view) if view.is_master else None


def _stale_master(snapshot: Snapshot, view: NodeView) -> str | None:
    if snapshot.kind is Kind.CLUSTER:
        if is_agreed(Shards(snapshot), view.address):
            return None
        return "It says that it is a master, but a majority of the masters does not say so of its slots."
    if snapshot.agreed_master != view.address:
        return f"It says that it is a master, but {snapshot.agreed_master or 'no node'} is the agreed one."
    return None
