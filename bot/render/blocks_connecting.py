"""Shows how an application connects: what has to be known, and a snippet; the others in the thread. No I/O here."""

from __future__ import annotations

from actions.kit.action import Seen
from bot.render.blocks import Screen, context, fit, header, preformatted, section, thread_of
from bot.render.blocks_findings import sign
from bot.render.connecting import connection_lines
from bot.render.words import mrkdwn


def connected(seen: Seen, asked_by: str, note: str = "") -> Screen:
    """``connect``. ``asked_by`` is markup, such as a mention; so is ``note``, what else is to be known."""
    target, verdict = seen.snapshot.target, seen.diagnosis.verdict
    snippets, remarks = (seen.connection.snippets, seen.connection.remarks) if seen.connection else ((), ())
    word = f"How an application connects to {target}"
    lines = [note, f"{sign(verdict)} {mrkdwn(verdict.summary, 500)}", *(f"• {mrkdwn(one)}" for one in remarks)]
    head = [header(word), section("\n".join(filter(None, lines)))]
    first = [block for one in snippets[:1] for block in preformatted(one.text.splitlines())]
    others = f" · {len(snippets)} snippets in the thread" if len(snippets) > 1 else " · again in the thread"
    when = (
        f"<!date^{int(seen.snapshot.observed_at.timestamp())}^{{time_secs}}|{seen.snapshot.observed_at:%H:%M:%S} UTC>"
    )
    end = context(f"Asked by {asked_by} · seen {when}{others}")
    title = f"Connecting to {mrkdwn(target, 80)}"
    return Screen(fit(mrkdwn(word), head, first, [end]), thread_of(title, connection_lines(seen)))
