"""What a plan, a request and the latest runs show to a person in a terminal. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from actions.kit.plan import Cost, Plan, Refusal
from actions.kit.settlement import Answer
from bot.render.questions import effects
from bot.render.suggested import suggestion
from bot.render.words import counted, duration, listed, plain, size

if TYPE_CHECKING:  # It brings the database's library, which a plan does without.
    from bot.directory import Human
    from bot.ledger.records import Person, Request, Run, StepRecord
    from bot.ledger.tokens import Token

_TIME = "%Y-%m-%d %H:%M:%S"
_DECIDED = {"approve": "approved", "deny": "denied", "withdraw": "withdrawn"}
_COMMANDS = {Answer.RESUME: "resume", Answer.ROLL_BACK: "rollback", Answer.ABANDON: "abandon"}
_INSTEAD = 5
_GOOD = {"done", "already", "approved", "ended"}
_BAD = {"failed", "incomplete", "unsettled", "unknown", "denied", "void", "refused", "expired"}


def plan(shown: Plan, approvals_needed: int) -> RenderableType:
    """Why, what it can cost, the candidate and the others, the steps, and whose approval it takes."""
    head = Text.assemble(
        Text(f"{shown.action} {shown.target}", style="bold"), f"  {shown.risk.value}\n", plain(shown.because)
    )
    steps = _grid()
    for number, step in enumerate(shown.steps, 1):
        steps.add_row(f"{number}.", Text(plain(step.title, 200)))
        if step.command:
            steps.add_row("", Text(plain(step.command), style="dim"))
    approval = "No approval is needed." if not approvals_needed else f"It needs {counted(approvals_needed, 'approval')}"
    others = "somebody else" if approvals_needed == 1 else "as many other people"
    by_whom = f" by {others}." if approvals_needed else ""
    return Group(
        head,
        *_cost(shown.cost),
        *_choice(shown),
        steps,
        Text(f"{approval}{by_whom} Fingerprint {shown.fingerprint}. Nothing was changed."),
    )


def filed(shown: Request, approvers: Sequence[Human]) -> RenderableType:
    """A request that was just filed: its plan, its id, until when it waits, and who can approve it."""
    people = listed((f"{plain(one.name, 60)} ({one.id})" for one in approvers), "or")
    line = (
        f"{shown.id} waits until {_moment(shown.expires_at)} for {counted(shown.approvals_needed, 'approval')}: by "
        f"{people}, in Slack or with tandem approve {shown.id}"
    )
    return Group(plan(shown.plan, shown.approvals_needed), Text(line, style="bold"))


def to_approve(shown: Request) -> RenderableType:
    """A request as its approver has to see it: who asked for it and why, and the whole plan."""
    return Group(request(shown), plan(shown.plan, shown.approvals_needed))


def tokens(shown: Sequence[Token]) -> RenderableType:
    """A line for each token."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("token", "issued", "first used", "good until"):
        table.add_column(heading, no_wrap=True)
    for one in shown:
        used = _moment(one.used_at) if one.used_at else "never"
        table.add_row(one.id, _moment(one.issued_at), used, _moment(one.expires_at))
    return table


def refusal(shown: Refusal) -> RenderableType:
    """Every reason why there is no plan, and what to do instead."""
    head = Text(f"{shown.action} {shown.target}: refused", style="bold red")
    reasons = (Text(f"- {plain(reason)}") for reason in shown.reasons)
    return Group(head, *reasons, Text("To go on:"), *map(suggestion, shown.instead[:_INSTEAD]))


def request(shown: Request, now: datetime | None = None) -> RenderableType:
    """One request: who, what, when, the decisions, and the run step by step; with ``now``, how long a step has run."""
    lines = [
        Text.assemble(Text(f"{shown.id}  {shown.action} {shown.target}  ", style="bold"), _state(shown.standing.value)),
        Text(f"asked for by {_person(shown.requester)} at {_moment(shown.created_at)}"),
    ]
    if shown.reason:
        lines.append(Text(f"reason: {plain(shown.reason)}"))
    lines += [
        Text(f"{_DECIDED[one.verdict.value]} by {_person(one.person)} at {_moment(one.at)}{': ' if one.reason else ''}")
        + Text(plain(one.reason))
        for one in shown.decisions
    ]
    if shown.state.value == "waiting":
        lines.append(Text(f"waits for {counted(shown.approvals_needed, 'approval')} until {_moment(shown.expires_at)}"))
    lines += _glass(shown)
    if shown.why:
        lines.append(Text(plain(shown.why), style="yellow"))
    return Group(*lines, *_run(shown, now))


def _glass(shown: Request) -> Iterator[Text]:
    """That nobody had approved it, and how its review stands."""
    if not shown.break_glass:
        return
    yield Text("nobody approved it: the glass was broken", style="bold red")
    review = shown.review
    if review is not None and review.signed_by is not None and review.signed_at is not None:
        signed = f"reviewed by {_person(review.signed_by)} at {_moment(review.signed_at)}: {plain(review.note)}"
        yield Text(signed)
    elif review is not None:
        yield Text(f"its review is open: tandem sign {shown.id} --note …", style="yellow")


def requests(shown: Sequence[Request]) -> RenderableType:
    """A line for each request, the newest first."""
    if not shown:
        return Text("Nothing has been asked for yet.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("id", "when (UTC)", "action", "target", "by", "state", "took"):
        table.add_column(heading, no_wrap=heading not in {"target", "by"}, overflow="fold")
    for one in shown:
        run = one.run
        took = duration((run.ended_at - run.started_at).total_seconds()) if run and run.ended_at else ""
        words = (one.id, f"{_utc(one.created_at):{_TIME}}", one.action, one.target, plain(one.requester.name, 60))
        table.add_row(*map(Text, words), _state(one.standing.value), took)
    return Group(table, *(_unapproved(one) for one in shown if one.break_glass))


def _unapproved(shown: Request) -> Text:
    """A line below the list for what nobody had approved."""
    signed = shown.review is not None and shown.review.signed_at is not None
    debt = "reviewed" if signed else "nothing was done" if shown.review is None else "its review is open"
    return Text(f"{shown.id}: nobody approved it; {debt}", style="" if signed or shown.review is None else "yellow")


def _cost(cost: Cost) -> Iterator[Text]:
    much = f"{size(cost.loss_bytes)}, keys: {'unknown' if cost.loss_keys is None else f'{cost.loss_keys:,}'}"
    if cost.settings_only:
        keys = "" if cost.loss_keys is None else f", some {counted(cost.loss_keys, 'key')}"
        gone = "nothing at once" if cost.loss_bytes == 0 else f"about {size(cost.loss_bytes)} at once{keys}"
        yield Text(f"It evicts {gone}.", style="bold")
        yield from (Text(f"- {plain(note)}") for note in cost.notes)
        return
    lost = "can lose nothing" if cost.loss_bytes == 0 == cost.loss_keys else f"can lose {much}"
    if cost.copied:
        lost = f"takes out of the service, and copies first: {much}"
    waits = (
        "writes are refused meanwhile" if cost.roles_stay else f"writes wait at most {duration(cost.pause_ms / 1000)}"
    )
    yield Text(f"It {lost}; {waits}.", style="bold")
    for note in cost.notes:
        yield Text(f"- {plain(note)}")


def _choice(shown: Plan) -> Iterator[Text]:
    if shown.new_masters:
        names = ", ".join(plain(str(address), 80) for address in shown.new_masters)
        yield Text.assemble("Candidates " if shown.new_masters[1:] else "Candidate ", Text(names, style="green"))
    for one in shown.rejected:
        yield Text(f"not {plain(str(one.node), 80)}: {plain(one.why)}")


def _run(shown: Request, now: datetime | None) -> Iterator[RenderableType]:
    if shown.run is None:
        return
    yield Text.assemble(f"run began at {_moment(shown.run.started_at)}: ", _state(shown.run.state.value))
    steps = _grid()
    for one in shown.run.steps:
        steps.add_row(_state(one.state), Text(plain(one.title, 200)), _took(one, now))
        if one.note:
            steps.add_row("", Text(plain(one.note), style="dim"))
    yield steps
    if shown.run.cancelled is not None:
        by = shown.run.cancelled
        yield Text(f"cancelled by {_person(by.person)} at {_moment(by.at)}", style="yellow")
    yield from _question(shown.run)
    style = "yellow" if shown.run.state.value == "done" else "red"  # Of one that is done, what was over later.
    for failure in _beside_cancelling(shown.run):
        yield Text(f"- {plain(failure)}", style=style)


def _beside_cancelling(run: Run) -> Iterator[str]:
    """What else went wrong: who cancelled it is said with the time."""
    said = f"{run.cancelled.person.name} cancelled it." if run.cancelled is not None else None
    return (failure for failure in run.failures if failure != said)


def _question(run: Run) -> Iterator[Text]:
    if run.question is None:
        return
    yield Text(plain(f"It asks what to do. {' '.join(run.question.seen)}", 1_500), style="yellow")
    for answer, effect in effects(run.question):
        yield Text(f"- tandem {_COMMANDS[answer]} {run.id}: {effect}")


def _took(step: StepRecord, now: datetime | None) -> str:
    end = step.ended_at or now
    if step.started_at is None or end is None:
        return ""
    return duration(max((end - step.started_at).total_seconds(), 0))


def _state(word: str) -> Text:
    return Text(word, style="green" if word in _GOOD else "bold red" if word in _BAD else "yellow")


def _person(person: Person) -> str:
    where = " in a terminal" if person.origin.value == "terminal" else ""
    return f"{plain(person.name, 60)} ({plain(person.id, 60)}){where}"


def _moment(moment: datetime) -> str:
    return f"{_utc(moment):{_TIME}} UTC"


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _grid() -> Table:
    """Three columns; what is longer than a line goes on in the next: a path or a hash is never cut."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    for _ in range(3):
        table.add_column(overflow="fold")
    return table
