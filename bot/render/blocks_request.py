"""Shows a request for a change: the card to approve, what became of it, a refusal, a drift. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from actions.kit.plan import Plan, Refusal, Risk, in_short
from actions.registry import ACTIONS
from bot.ledger.records import Origin, Person, Request, RequestState
from bot.policy import Eligibility
from bot.render.blocks import (
    MAX_BUTTON,
    MAX_VALUE,
    Block,
    Message,
    Screen,
    actions,
    button,
    context,
    fields,
    fit,
    header,
    preformatted,
    section,
    spoken,
    thread_of,
)
from bot.render.words import code, counted, duration, mrkdwn, plain, size
from bot.vocabulary import typed

APPROVE, DENY, WITHDRAW, DETAILS = "approve", "deny", "withdraw", "details"
APPROVE_TYPED = "approve-typed"
"""The button that asks for the name of the target first."""

REJECTED, REASONS, STEPS, MENTIONS, INSTEAD = 6, 15, 12, 5, 5


def card(request: Request, environment: str, eligibility: Eligibility | None = None) -> Message:
    """The approval card: what, why, what it can cost, the exact steps, until when, and who can approve.

    Without ``eligibility`` it says only how many approvals are needed: then it is known from before.
    """
    waits = f":hourglass_flowing_sand: {counted(request.approvals_needed, 'approval')} needed"
    if eligibility is not None:
        mentions = " ".join(f"<@{one}>" for one in eligibility.active[:MENTIONS])
        waits += f". {spoken(eligibility.sentence)} {mentions}".rstrip()
    given = outcome(request).splitlines() if request.approvals else []
    undoable = request.plan.risk is not Risk.IRREVERSIBLE
    if not undoable:
        waits += "\n:warning: It cannot be undone: whoever approves types the name of the target."
    buttons = [
        button("Approve" if undoable else "Approve …", APPROVE if undoable else APPROVE_TYPED, request.id, "primary"),
        button("Deny", DENY, request.id, "danger"),
        button("Withdraw", WITHDRAW, request.id),
        button("Details", DETAILS, request.id),
    ]
    return _card(request, environment, "\n".join(given or [waits]), actions(buttons, "decide"))


def decided_card(request: Request, environment: str, eligibility: Eligibility | None = None) -> Message:
    """The same card once nobody can decide any more: who, what and when stand where the buttons were.

    Where it goes without approval, ``eligibility`` says who is told.
    """
    told = [_told(eligibility)] if request.break_glass and eligibility is not None else []
    state = "\n".join([outcome(request), *told])
    return _card(request, environment, state, actions([button("Details", DETAILS, request.id)]))


def outcome(request: Request) -> str:
    """Who decided what and when, as markup; one line a person."""
    lines = [f":white_check_mark: Approved by {by(one.person)} {moment(one.at)}" for one in request.approvals]
    if request.denial is not None:
        reason = mrkdwn(request.denial.reason, 500) or "no reason given"
        lines.append(f":no_entry: Denied by {by(request.denial.person)} {moment(request.denial.at)}: {reason}")
    lines += [*_without_approval(request), *_without_decision(request)]
    if request.state is RequestState.WAITING:
        missing = request.approvals_needed - len(request.approvals)
        lines.append(
            f":hourglass_flowing_sand: {counted(missing, 'more approval')} needed until {moment(request.expires_at)}"
        )
    return "\n".join(lines)


def _without_approval(request: Request) -> list[str]:
    """What everybody has to know of a request that goes without, and how its review stands."""
    if not request.break_glass:
        return []
    lines = [f":rotating_light: *Nobody has approved this.* {who(request.requester)} broke the glass."]
    review = request.review
    if review is not None and review.signed_by is not None and review.signed_at is not None:
        note = mrkdwn(review.note, 500)
        lines.append(f":memo: Reviewed by {who(review.signed_by)} {moment(review.signed_at)}: {note}")
    elif review is not None or request.state is RequestState.APPROVED:
        lines.append(":memo: A second person has to review it afterwards.")
    return lines


def _told(eligibility: Eligibility) -> str:
    """Which approvers are told directly."""
    if not eligibility.active:
        return f":warning: No approver could be told. {spoken(' '.join(eligibility.why_not))}".rstrip()
    mentions = " ".join(f"<@{one}>" for one in eligibility.active[:MENTIONS])
    more = f" and {len(eligibility.active) - MENTIONS} more" if len(eligibility.active) > MENTIONS else ""
    return f":loudspeaker: Told directly: {mentions}{more}"


def _without_decision(request: Request) -> list[str]:
    begins = request.state in (RequestState.APPROVED, RequestState.RUNNING, RequestState.ENDED)
    if begins and not request.approvals_needed and not request.break_glass:
        return [":white_check_mark: It takes no approval here."]
    if request.state is RequestState.EXPIRED:
        return [f":stopwatch: Expired {moment(request.expires_at)}: nothing was done. Ask again to get a new plan."]
    if request.withdrawal is not None:
        taken = request.withdrawal
        return [f":no_entry_sign: Withdrawn by {by(taken.person)} {moment(taken.at)}: nothing was done."]
    if request.state is RequestState.VOID:
        return [f":no_entry_sign: Void, nothing was done: {mrkdwn(request.why, 800)}"]
    if request.state is RequestState.REFUSED:
        return [f":no_entry_sign: Refused, nothing was done: {mrkdwn(request.why, 800)}"]
    return []


def refused(refusal: Refusal, asked_by: str) -> Screen:
    """Why there is no plan: every reason; suggestions of the findings behind them as buttons."""
    word = f"{refusal.action} {refusal.target}: refused"
    head = [header(f":no_entry: {word}"), section("Nothing was changed. Why not:")]
    reasons = [section(f"• {mrkdwn(reason, 1_500)}") for reason in refusal.reasons[:REASONS]]
    left = len(refusal.reasons) - REASONS
    if left > 0:
        reasons.append(context(f"… {left} more in the thread"))
    lines = enumerate(refusal.instead[:INSTEAD])
    instead = [button(plain(line, MAX_BUTTON), f"run:{index}", line[:MAX_VALUE]) for index, line in lines]
    text = f":no_entry: {mrkdwn(word, 200)}. {mrkdwn(' '.join(refusal.reasons), 1_500)}"
    message = fit(text, head, reasons, [*actions(instead), context(f"Asked by {asked_by}")])
    return Screen(message, thread_of("Every reason", refusal.reasons) if left > 0 else ())


def drifted(request: Request, difference: Sequence[str]) -> Screen:
    """What is no longer as it was approved, and a button that asks anew."""
    line = command_line(request)
    word = f"{request.action} {request.target}: the approval is void"
    head = [
        header(f":no_entry_sign: {word}"),
        section(
            f"{mrkdwn(request.target, 80)} is no longer as it was when {code(request.id)} was approved, "
            "so the approval is void and nothing was done:"
        ),
    ]
    shown = preformatted(difference[:40])
    tail = [*actions([button("Ask again with a new plan", "run:0", line)]), context(f"{code(request.id)}")]
    text = f":no_entry_sign: {mrkdwn(word, 200)}. {mrkdwn(in_short(difference), 1_000)}"
    return Screen(
        fit(text, head, shown, tail), thread_of("What is different", difference) if len(difference) > 40 else ()
    )


def command_line(request: Request) -> str:
    """The words that ask for the same again: ``failover orders --to 10.0.0.2:6379``."""
    options = typed(next((one for one in ACTIONS if one.name == request.action), None), request.options)
    if request.reason:
        said = request.reason.replace('"', "'")
        options += f' --reason "{said}"'
    return f"{request.action} {request.target}{options}"[:2_000]


def plan_lines(plan: Plan) -> list[str]:
    """The whole plan as plain lines: steps with their commands, who was not chosen, what the approval binds to."""
    lines = [
        f"{plan.action} {plan.target} ({plan.risk})",
        f"why: {plan.because}",
        f"fingerprint: {plan.fingerprint}",
        "",
    ]
    for number, step in enumerate(plan.steps, 1):
        lines += [f"{number}. {step.title}", f"   {step.command}"]
    if plan.rejected:
        lines += ["", "not chosen:", *(f"  {one.node}: {one.why}" for one in plan.rejected)]
    return [*lines, "", "the approval binds to:", *(f"  {fact}" for fact in plan.seen)]


def who(person: Person) -> str:
    """A mention for people in Slack, the name for all others."""
    return f"<@{person.id}>" if person.id[:1] in {"U", "W"} and person.id.isalnum() else mrkdwn(person.name, 80)


def by(person: Person) -> str:
    """Who did something, and from where, if that was not Slack."""
    return who(person) + (" in a terminal" if person.origin is Origin.TERMINAL else "")


def moment(at: datetime) -> str:
    """A time in the reader's own zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time_secs}}|{at:%Y-%m-%d %H:%M:%S} UTC>"


def asked(request: Request, environment: str) -> str:
    """Where and by whom, as markup: what every message about a request begins with."""
    return f"{mrkdwn(environment, 80)} · asked for by {by(request.requester)} · {code(request.id)}"


def _card(request: Request, environment: str, state: str, buttons: list[Block]) -> Message:
    """What has to be decided comes first, with the buttons; the reasons and the commands follow."""
    plan = request.plan
    word = f"{plan.action} {plan.target}"
    head = [
        header(f":rotating_light: {word}: {plan.risk}"),
        section(asked(request, environment)),
        *fields(_facts(request)),
    ]
    if request.reason:
        head.append(section(f"*Reason given:* {mrkdwn(request.reason, 1_000)}"))
    head += [*_notes(plan), section(state), *buttons]
    middle = [section("\n".join(_choice(plan))), *_steps(plan)]
    text = f"{mrkdwn(word, 200)} ({plan.risk}), asked for by {by(request.requester)}. {state}"
    return fit(text, head, middle, [context(f"The approval binds to fingerprint {code(plan.fingerprint)}")])


def _facts(request: Request) -> list[tuple[str, str]]:
    plan, cost = request.plan, request.plan.cost
    if cost.settings_only:
        gone = "nothing" if cost.loss_bytes == 0 else f"about {_loss(cost.loss_bytes, cost.loss_keys)}"
        return [("Evicted at once", gone), ("Valid until", moment(request.expires_at))]
    if cost.roles_stay:
        return [
            ("Leaves the service, copied first", _loss(cost.loss_bytes, cost.loss_keys)),
            ("Valid until", moment(request.expires_at)),
        ]
    return [
        _new_masters(plan),
        ("Valid until", moment(request.expires_at)),
        (
            "Leaves the service, copied first" if cost.copied else "Writes that can be lost",
            _loss(cost.loss_bytes, cost.loss_keys),
        ),
        (
            "Writes to the master that is kept wait at most" if cost.copied else "Writes wait at most",
            duration(cost.pause_ms / 1_000) if cost.pause_ms else "not at all",
        ),
    ]


def _new_masters(plan: Plan) -> tuple[str, str]:
    names = [code(str(address)) for address in plan.new_masters]
    more = f" and {len(names) - 5} more" if names[5:] else ""
    one = "Stays master" if plan.cost.copied else "New master"
    return ("New masters" if names[1:] else one, ", ".join(names[:5]) + more or "not known beforehand")


def _loss(count: int | None, keys: int | None) -> str:
    if count == 0 and keys == 0:
        return "none that was acknowledged"
    parts = [size(count) if count is not None else "an unknown number of bytes"]
    parts.append(counted(keys, "key") if keys is not None else "an unknown number of keys")
    return ", ".join(parts)


def _notes(plan: Plan) -> list[Block]:
    if not plan.cost.notes:
        return []
    lines = [f"• {mrkdwn(note, 700)}" for note in plan.cost.notes]
    return [section("\n".join(["*What it costs besides*", *lines]))]


def _choice(plan: Plan) -> list[str]:
    """Why this, and why none of the others."""
    lines = [f"*Why so:* {mrkdwn(plan.because, 1_500)}"]
    lines += [f"*Not chosen* {code(str(one.node))}: {mrkdwn(one.why, 300)}" for one in plan.rejected[:REJECTED]]
    if len(plan.rejected) > REJECTED:
        lines.append(f"… {len(plan.rejected) - REJECTED} more under Details")
    return lines


def _steps(plan: Plan) -> list[Block]:
    lines = []
    for number, step in enumerate(plan.steps[:STEPS], 1):
        lines.append(f"{number}. {step.title}")
        lines += [f"   {step.command}"] if step.command else []
    if len(plan.steps) > STEPS:
        lines.append(f"… {len(plan.steps) - STEPS} more under Details")
    return [section("*Exactly these steps*"), *preformatted(lines)]
