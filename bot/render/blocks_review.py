"""Shows the review of what ran without approval: the message in the channel, its reminder, its form. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.ledger.records import Request, Review
from bot.render.blocks import Block, Message, actions, button, context, fit, header, notice, section
from bot.render.blocks_menu import View, modal, text_input
from bot.render.blocks_request import DETAILS, asked, by, command_line, moment, who
from bot.render.words import code, mrkdwn

SIGN, SIGNED, NOTE_BLOCK, NOTE = "sign", "signed", "note", "note"
MENTIONS = 10


def review(request: Request, found: Review, environment: str, people: Iterable[str] = ()) -> Message:
    """The message that stays until somebody signs, and then says who did.

    Args:
        request: what ran.
        found: its review.
        environment: of its target.
        people: the ids of those who can sign it.
    """
    what = f"{request.action} {request.target}"
    signed = signature(found)
    word = f"review signed: {what}" if signed else f"review to be signed: {what}"
    lines = [f"*Nobody had approved this.* {who(request.requester)} broke the glass: {mrkdwn(request.reason, 1_000)}"]
    lines.append(f"It ended as *{request.standing}*. {signed or _open(found, people)}")
    sign = [] if signed else [button("Sign …", SIGN, request.id, "primary")]
    head = [header(f"{':white_check_mark:' if signed else ':memo:'} {word}"), section(asked(request, environment))]
    buttons = actions([*sign, button("Details", DETAILS, request.id)])
    text = f"{word}. {lines[1]}"
    return fit(text, [*head, *map(section, lines), *buttons, context(code(command_line(request), 300))])


def glass(request: Request) -> Message:
    """What every approver is told directly."""
    reason = mrkdwn(request.reason, 500)
    return notice(
        f":rotating_light: {who(request.requester)} broke the glass: {code(command_line(request), 300)} goes without "
        f"anybody's approval ({code(request.id)}), with the reason: {reason}. "
        "Once it has ended, its review has to be signed, by you or another approver."
    )


def reminder(request: Request, found: Review, people: Sequence[str]) -> Message | None:
    """That it is still open, for those who can close it; nothing once it is signed."""
    if found.signed_at is not None:
        return None
    return notice(
        f":bell: {_mentions(people)} The review of {code(request.id)} ({code(f'{request.action} {request.target}')}) "
        f"is open since {moment(found.opened_at)}. Press *Sign …*, or type {code(_typed(request), 80)}."
    )


def signature(found: Review) -> str:
    """Who signed, when, and the note, as markup; empty while nobody has."""
    if found.signed_by is None or found.signed_at is None:
        return ""
    return f"Signed by {by(found.signed_by)} {moment(found.signed_at)}: {mrkdwn(found.note, 1_000)}"


def review_form(request_id: str) -> View:
    """The modal that asks what was found."""
    blocks = [
        section(f"By signing you say that you looked at what {code(request_id)} did, and why it could not wait."),
        text_input(NOTE_BLOCK, NOTE, "What did you find?", "It stays in the audit.", multiline=True),
    ]
    return modal("Sign the review", blocks, callback_id=SIGNED, submit="Sign", private_metadata=request_id)


def review_lines(requests: Sequence[Request]) -> list[Block]:
    """The reviews that are open, a line and a button each."""
    return [
        section(
            f"{code(request.id)} {code(command_line(request), 120)} by {who(request.requester)}: nobody approved it.",
            button("Sign …", SIGN, request.id),
        )
        for request in requests
    ]


def _open(found: Review, people: Iterable[str]) -> str:
    mentions = _mentions(people)
    return (
        f"Its review is open since {moment(found.opened_at)}: a second person who may approve such a change has to "
        f"look at what was done, and sign. {mentions}"
    ).rstrip()


def _mentions(people: Iterable[str]) -> str:
    return " ".join([f"<@{one}>" for one in people][:MENTIONS])


def _typed(request: Request) -> str:
    return f'/redis sign {request.id} --note "…"'
