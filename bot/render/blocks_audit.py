"""Shows in Slack what the audit tells: one request's time line, and whether all of it is in order. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ledger.chain import AuditCheck, AuditRow
from bot.ledger.records import Request
from bot.render import timeline as words
from bot.render.audit import check_text
from bot.render.blocks import File, Message, Screen, context, fit, header, preformatted, section
from bot.render.blocks_request import outcome, who
from bot.render.words import code, counted, mrkdwn, plain


def timeline(request: Request, rows: Sequence[AuditRow], check: AuditCheck) -> Screen:
    """How the request stands, and all of it as a Markdown file in the thread.

    Args:
        request: which one.
        rows: of the request and of its target meanwhile, the oldest first; at least one.
        check: what the verification of the whole audit found.
    """
    word = f"{request.action} {request.target}: time line"
    head = [
        header(f":scroll: {word}"),
        section(f"{code(request.id)}, asked for by {who(request.requester)}: *{request.standing}*"),
        *([section(said)] if (said := outcome(request)) else []),
    ]
    held = f":warning: The audit is not in order: {mrkdwn(check.problem, 500)}" if check.problem else "in order"
    tail = [context(f"{counted(len(rows), 'row')} of the audit, {held}; the file for the post-mortem is in the thread")]
    file = File(
        f"{request.id}.md",
        words.markdown(request.id, rows, check).encode(),
        f"{request.id}: {plain(f'{request.action} {request.target}', 100)}",
    )
    return Screen(fit(f":scroll: {mrkdwn(word, 200)}, {code(request.id)}", head, (), tail), files=(file,))


def audited(check: AuditCheck) -> Message:
    """The problem, or that there is none; how far it goes, and the hash to note."""
    said, *more = check_text(check).splitlines()
    sign = ":rotating_light:" if check.problem else ":white_check_mark:"
    return fit(f"{sign} {mrkdwn(said, 1_000)}", [section(f"{sign} {mrkdwn(said, 1_000)}")], preformatted(more))
