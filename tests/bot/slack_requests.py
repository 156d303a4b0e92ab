"""Hand-made requests in every state, with a real plan; ``NASTY`` is the worst text from outside."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from actions.kit.loop import StepState
from actions.kit.plan import Cost, Plan, Rejected, Risk, SettingChange
from actions.kit.settlement import Question
from actions.kit.steps import CatchUp, Demote, Fence
from actions.kit.topology import Address
from bot.ledger.records import Decision, Person, Request, RequestState, Review, Run, RunState, StepRecord, Verdict
from tests.builders import node_at

NASTY = "<!channel> *bold* `code` ```pre``` _it_ ~no~ :fire: <@U0VICTIM> &lt; \x1b[31m \u202e " + "x" * 10_000
AT = datetime(2025, 1, 1, 12, tzinfo=UTC)
ONCALL, LEAD = Person("U0ONCALL", "oncall"), Person("U0LEAD", "lead")


def plan(text: str = "It is the best.", steps: int = 3, rejected: int = 1) -> Plan:
    fence = Fence(node_at(1), 1_500, (SettingChange(node_at(1), "min-replicas-to-write", "1000000", "0"),))
    some = (fence, CatchUp(node_at(1), node_at(2), 1_500), Demote(node_at(1), node_at(2)))
    return Plan(
        target="orders",
        action="failover",
        risk=Risk.DESTRUCTIVE,
        because=text,
        cost=Cost(loss_bytes=None, loss_keys=2, pause_ms=1_500, notes=(text,)),
        steps=tuple(some[index % 3] for index in range(steps)),
        seen=(text,),
        candidate=node_at(2),
        rejected=tuple(Rejected(Address(f"node-{index}", 6379), text) for index in range(rejected)),
    )


def request(state: RequestState = RequestState.WAITING, text: str = "It is late.", **changes: object) -> Request:
    made = Request(
        id="R-7F3K2",
        target="orders",
        action="failover",
        options={},
        channel="C0INCIDENT",
        requester=ONCALL,
        reason=text,
        plan=plan(text),
        created_at=AT,
        expires_at=AT + timedelta(minutes=15),
        approvals_needed=1,
        state=state,
        why=text,
    )
    return replace(made, **changes)


def decision(verdict: Verdict, text: str = "") -> Decision:
    return Decision(LEAD, verdict, text, AT + timedelta(minutes=1))


def withdrawn() -> Request:
    taken = Decision(ONCALL, Verdict.WITHDRAW, "", AT + timedelta(minutes=1))
    return request(RequestState.WITHDRAWN, decisions=(taken,))


def approved(text: str = "It is late.") -> Request:
    return request(RequestState.APPROVED, text, decisions=(decision(Verdict.APPROVE),))


def asking(moved: bool | None = None, text: str = "It hangs.") -> Request:
    """A run that was cut off and waits for a person."""
    made = running(1, text=text)
    run = replace(made.run, state=RunState.ASKING, question=Question((text,), moved), asked_at=AT)
    return replace(made, run=run)


def running(upto: int, state: RunState = RunState.RUNNING, text: str = "seen", steps: int = 4) -> Request:
    """A run whose first ``upto`` steps are done and whose next one runs, unless the run has ended."""
    records = []
    for index in range(steps):
        begun = (index <= upto and state is RunState.RUNNING) or index < upto
        word = StepState.DONE if index < upto else StepState.RUNNING if begun else StepState.WAITING
        at = AT + timedelta(seconds=index)
        records.append(
            StepRecord(
                index, f"Step {text}", f"PING {text}", word, at if begun else None, at if index < upto else None, text
            )
        )
    over = state is not RunState.RUNNING
    run = Run("R-7F3K2", state, tuple(records), AT, AT + timedelta(seconds=9) if over else None)
    run = replace(run, failures=(text,) if state in {RunState.UNDONE, RunState.INCOMPLETE} else ())
    return replace(approved(text), state=RequestState.ENDED if over else RequestState.RUNNING, run=run)


def unapproved(text: str = "It is late.", signed_by: Person | None = None) -> Request:
    """What ran without approval, with its review."""
    at = None if signed_by is None else AT + timedelta(hours=1)
    review = Review(AT, signed_by, at, text if signed_by else "")
    ran = running(4, RunState.DONE, text)
    return replace(ran, decisions=(), break_glass=True, approvals_needed=0, review=review)
