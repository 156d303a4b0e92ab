"""Shows a run: one message from its first step to its end, and the transcript for the thread. No I/O here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from actions.kit.loop import StepState
from bot.ledger.records import UNKNOWN_STEP, Request, Run, RunState, StepRecord
from bot.render.blocks import (
    Block,
    Message,
    Screen,
    actions,
    button,
    context,
    fit,
    header,
    section,
    thread_of,
)
from bot.render.blocks_request import asked, by, command_line, moment, who
from bot.render.questions import LABELS, effects, said
from bot.render.words import code, duration, mrkdwn

CANCEL, ANSWER = "cancel", "answer"
"""Action ids. Those of answers begin so; what follows the colon is the answer."""

_SIGNS = {
    StepState.WAITING: ":white_circle:",
    StepState.RUNNING: ":hourglass_flowing_sand:",
    StepState.DONE: ":white_check_mark:",
    StepState.ALREADY: ":white_check_mark:",
    StepState.FAILED: ":x:",
    StepState.UNDONE: ":leftwards_arrow_with_hook:",
    StepState.SKIPPED: ":fast_forward:",
    UNKNOWN_STEP: ":grey_question:",
}
_ENDS = {
    RunState.RUNNING: (":hourglass_flowing_sand:", "running"),
    RunState.DONE: (":white_check_mark:", "done and proven"),
    RunState.UNDONE: (":leftwards_arrow_with_hook:", "not done, and everything was put back"),
    RunState.INCOMPLETE: (":x:", "incomplete: look at what failed"),
    RunState.ASKING: (":raising_hand:", "cut off, and asks what to do"),
    RunState.UNSETTLED: (":grey_question:", "cut off, not settled yet"),
}


def progress(request: Request, run: Run, environment: str) -> Message:
    """The one message of a run: each step with its state, duration and what was seen; at the end how it ended."""
    sign, word = _ENDS[run.state]
    title = f"{request.action} {request.target}: {word}"
    nobody = "nobody: the glass was broken" if request.break_glass else "nobody: none was needed"
    approvers = ", ".join(by(one.person) for one in request.approvals) or nobody
    head = [header(f"{sign} {title}"), section(f"{asked(request, environment)} · approved by {approvers}")]
    lines = [_step(step) for step in run.steps]
    middle = [section("\n".join(lines[at : at + 4])) for at in range(0, len(lines), 4)]
    mark = ":warning:" if run.state is RunState.DONE else ":x:"  # Of one that is done, what was over later.
    failures = [section(f"{mark} {mrkdwn(failure, 1_000)}") for failure in run.failures[:8]]
    tail = [*failures, *_offers(request, run), context(_footer(request, run))]
    return fit(f"{sign} {mrkdwn(title, 200)}. {_spoken(run)}", head, middle, tail)


def transcript(request: Request, run: Run) -> Screen:
    """What goes into the thread at the end: a word to the requester, then every step as it was, in plain lines."""
    sign, word = _ENDS[run.state]
    told = f"{sign} {who(request.requester)}: {code(f'{request.action} {request.target}')} is {word}."
    lines = [f"{request.id} {request.action} {request.target}: {run.state}"]
    for step in run.steps:
        lines += [
            "",
            f"{_clock(step.started_at)} {step.index + 1}. {step.title}: {step.state} {_took(step)}".rstrip(),
            *([f"   $ {step.command}"] if step.command else []),
            *([f"   {step.note}"] if step.note else []),
        ]
    lines += ["", *run.failures] if run.failures else []
    return Screen(Message(told, (section(told),)), thread_of(f"Transcript of {code(request.id)}", lines))


def _offers(request: Request, run: Run) -> list[Block]:
    """What can be done about it now."""
    if run.state is RunState.UNDONE:
        return actions([button("Ask again with a new plan", "run:0", command_line(request))])
    if run.state is RunState.DONE and request.plan.cost.settings_only:
        return actions([button("Undo", "run:0", f"undo {request.id}")])
    if request.can_stop:
        return actions([button("Cancel", CANCEL, request.id)])
    return _question(request, run)


def _question(request: Request, run: Run) -> list[Block]:
    """What was seen, what each button does, and the buttons; they name the question that they answer."""
    if run.question is None or run.asked_at is None:
        return []
    seen = " ".join(mrkdwn(sentence, 500) for sentence in run.question.seen[:8])
    lines = [f"*{LABELS[answer]}:* {mrkdwn(effect)}" for answer, effect in effects(run.question)]
    value = f"{request.id} {run.asked_at.isoformat()}"
    buttons = [button(LABELS[one], f"{ANSWER}:{one}", value) for one in run.question.answers]
    return [section(f"*What was seen:* {seen}"), section("\n".join(lines)), *actions(buttons, "answer")]


def _step(step: StepRecord) -> str:
    note = f": {mrkdwn(step.note, 500)}" if step.note else ""
    took = f" ({_took(step)})" if _took(step) else ""
    state = "" if step.state in {StepState.DONE, StepState.WAITING} else f" _{mrkdwn(step.state, 40)}_"
    return f"{_SIGNS.get(step.state, ':grey_question:')} {step.index + 1}. {mrkdwn(step.title, 150)}{state}{took}{note}"


def _took(step: StepRecord) -> str:
    if step.started_at is None or step.ended_at is None:
        return ""
    return duration(max(step.ended_at - step.started_at, timedelta()).total_seconds())


def _spoken(run: Run) -> str:
    finished = sum(step.ended_at is not None for step in run.steps)
    return f"{finished} of {len(run.steps)} steps. {mrkdwn(' '.join(run.failures), 500)}".strip()


def _footer(request: Request, run: Run) -> str:
    begun = f"Run {code(request.id)} · began {moment(run.started_at)}"
    if run.cancelled is not None:
        begun += f" · cancelled by {who(run.cancelled.person)} {moment(run.cancelled.at)}"
    if run.answered is not None:
        begun += f" · {mrkdwn(said(run.answered), 200)}"
    if run.ended_at is None:
        return begun
    return f"{begun} · took {duration((run.ended_at - run.started_at).total_seconds())} · transcript in the thread"


def _clock(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S.%f}"[:-3] if at else "--:--:--.---"
