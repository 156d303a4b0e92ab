"""``flush``: all keys of a database, or of all, go at once, after a verified copy of every master. No I/O here."""

from __future__ import annotations

from actions.kit.action import ChangeAction, Option, Options
from actions.kit.diagnosis import diagnose
from actions.kit.errors import UsageError
from actions.kit.findings import Severity
from actions.kit.flushing.look import look
from actions.kit.flushing.masters import flushed
from actions.kit.flushing.planned import planned
from actions.kit.flushing.refusals import why_not
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.snapshot import Snapshot

NAME = "flush"
DATABASE = "db"


def plan(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """Plan it, or say every reason why not.

    Args:
        snapshot: as ``look`` sees it.
        options: ``db``: the number of the one database that is flushed; without it all that have keys.

    Raises:
        UsageError: ``db`` is no number.
    """
    database = _number(options[DATABASE]) if options.get(DATABASE) else None
    reasons = why_not(snapshot, database)
    if not reasons:
        return planned(snapshot, NAME, flushed(snapshot, database))
    found = tuple(one for one in diagnose(snapshot).findings if one.severity > Severity.OK)
    return Refusal(snapshot.target, NAME, reasons, found)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise UsageError(f"--db {text[:40]!r} is no database: it is a number, such as 0.")
    return int(text)


ACTION = ChangeAction(
    name=NAME,
    summary="Last resort: delete all keys of one database, or of all, after a verified copy of them.",
    risk=Risk.IRREVERSIBLE,
    plan=plan,
    options=(Option(DATABASE, "N", "Only the database of this number; without it all that have keys."),),
    look=look,
)
