"""What the errors of the databases mean: the rest of a sentence that begins with "The ledger …". No I/O here."""

from __future__ import annotations

import re

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

LOST = "stopped answering. Whether the last change is in it shows once it answers again: look before you repeat it"
"""Where the answer to a commit is lost, nobody here can know."""

_LOCKED = "is locked by another process, and did not come free in time. Nothing was written; try again"
_FULL = "cannot grow: the disk is full. Nothing was written; make room"
_NO_MORE = "has no connection left for Tandem. Raise its max_connections, or put PgBouncer before it"

_BY_STATE = {
    "25006": "is read-only: it is a standby, or default_transaction_read_only is on. Name the primary instead",
    "42501": "refuses this user: it has to own the tables and have CREATE on their schema, or be granted their use",
    "53100": _FULL,
    "53300": _NO_MORE,
    "55P03": _LOCKED,
    "57014": _LOCKED,
}
"""By PostgreSQL's SQLSTATE."""

_BY_TEXT = {
    "locked": _LOCKED,
    "readonly": "is read-only: let this user write the file and its folder",
    "unable to open": "cannot be opened: its folder has to be there, and this user has to be allowed to write in it",
    "not a database": "is not a ledger: the file holds something else",
    "malformed": "is damaged: the file is no longer a whole database. Restore it from a copy",
    "disk is full": _FULL,
    "authentication failed": "does not take this user with this password. Correct them in TANDEM_LEDGER_URL",
    "no password supplied": "asks for a password. Put one into TANDEM_LEDGER_URL",
    "connection refused": "cannot be reached: nothing listens there. Start PostgreSQL, or correct TANDEM_LEDGER_URL",
    "failed to resolve host": "cannot be reached: the name of its host is not known. Correct TANDEM_LEDGER_URL",
    "timeout expired": "cannot be reached: it does not answer. Look at its network, or correct TANDEM_LEDGER_URL",
    'database ".*" does not exist': "is not there. Create the database first, or correct TANDEM_LEDGER_URL",
    "session is read-only": _BY_STATE["25006"],
    "permission denied for database": _BY_STATE["42501"],
    "too many clients|too many connections|connection slots": _NO_MORE,
}
"""By what SQLite says, and PostgreSQL of somebody who is not let in: then it tells no SQLSTATE."""


def meaning(error: SQLAlchemyError) -> str:
    """What went wrong and what to do, without the full stop."""
    if not isinstance(error, DBAPIError):
        return f"failed: {error}"
    said = str(error.orig).strip()
    state = getattr(error.orig, "sqlstate", None) or ""
    if error.connection_invalidated or state.startswith(("08", "57P")):
        return LOST
    if state:  # What follows the first line quotes the statement.
        return _BY_STATE.get(state) or f"failed: {said.partition(chr(10))[0]}"
    known = (meaning for sign, meaning in _BY_TEXT.items() if re.search(sign, said, re.IGNORECASE))
    return next(known, f"failed: {' '.join(said.split()).rstrip('.')}")
