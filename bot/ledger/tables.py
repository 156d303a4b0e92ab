"""The tables of the ledger, as the newest migration leaves them. No I/O here.

A table that changes here needs a revision in ``migrations/versions``; a test compares the two.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    false,
    text,
)

from bot.ledger.columns import Text, UtcDateTime
from bot.ledger.records import RequestState, Verdict


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


_FLAGS = ("is_bot", "is_guest", "is_external", "is_deleted")

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "ck": "%(table_name)s_%(constraint_name)s_known",
        "uq": "%(table_name)s_%(column_0_name)s_unique",
    }
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("target", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("channel", Text),
    Column("requester_id", Text, nullable=False),
    Column("requester_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("approvals_needed", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("origin", Text, nullable=False, server_default="slack"),
    Column("break_glass", Boolean, nullable=False, server_default=false()),
    _one_of("state", RequestState),
)
Index("requests_by_state", requests.c.state)
Index("requests_by_time", requests.c.created_at)

approvals = Table(
    "approvals",
    metadata,
    Column("request_id", Text, ForeignKey("requests.id"), primary_key=True),
    Column("person_id", Text, primary_key=True),
    Column("person_name", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("origin", Text, nullable=False, server_default="slack"),
    _one_of("verdict", Verdict),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, ForeignKey("requests.id"), primary_key=True),
    Column("target", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("leased_until", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("outcome", Text),
    Column("failures", Text, nullable=False, server_default="[]"),
    Column("cut_off", Integer, nullable=False, server_default="0"),
    Column("question", Text),
    Column("asked_at", UtcDateTime),
    Column("answer", Text),
    Column("answered_by_id", Text),
    Column("answered_by_name", Text),
    Column("answered_from", Text),
    Column("answered_at", UtcDateTime),
    Column("cancelled_by_id", Text),
    Column("cancelled_by_name", Text),
    Column("cancelled_from", Text),
    Column("cancelled_at", UtcDateTime),
)
# The lock: a second run on the same target cannot be inserted while one has not ended.
Index(
    "runs_one_on_each_target",
    runs.c.target,
    unique=True,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)

steps = Table(
    "steps",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("note", Text, nullable=False, server_default=""),
    Column("results", Text, nullable=False, server_default="{}"),
)

debts = Table(
    "debts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False),
    Column("target", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("new", Text, nullable=False),
    Column("old", Text, nullable=False),
    Column("owed_at", UtcDateTime, nullable=False),
    Column("paid_at", UtcDateTime),
    Column("note", Text, nullable=False, server_default=""),
)
# A setting is owed once: a second run would take the first one's value for the old one, and put that back.
Index(
    "debts_one_for_each_setting",
    *(debts.c[name] for name in ("target", "host", "port", "name")),
    unique=True,
    sqlite_where=text("paid_at IS NULL"),
    postgresql_where=text("paid_at IS NULL"),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("who_id", Text, nullable=False),
    Column("who_name", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

# One row: where the chain begins, once its oldest rows were pruned, and where it ends. Without it a removed last row
# would not show.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("first_number", Integer, nullable=False, server_default="1"),
    Column("first_previous", Text, nullable=False, server_default="0" * 64),
)

# What Slack is to show: each message is posted once, and updated whenever more is ``wanted`` than was ``shown``.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("request_id", Text, ForeignKey("requests.id")),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("under", Text),
    Column("body", Text),
    Column("wanted", Integer, nullable=False, server_default="1"),
    Column("shown", Integer, nullable=False, server_default="0"),
    Column("place", Text),
    Column("ts", Text),
    Column("posts", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("claimed_by", Text),
    Column("claimed_until", UtcDateTime),
    Column("gone", Text),
    UniqueConstraint("key"),
)
_PENDING = text("shown < wanted AND gone IS NULL")
Index("outbox_pending", outbox.c.id, sqlite_where=_PENDING, postgresql_where=_PENDING)

# One row: until when any replica is known to have heard Slack. No row where none ever has.
hearing = Table(
    "hearing",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("until", UtcDateTime, nullable=False),
)


def _named(table: str) -> Table:
    """What one person has set for a target, or for all of them (``*``)."""
    return Table(
        table,
        metadata,
        Column("target", Text, primary_key=True),
        Column("by_id", Text, nullable=False),
        Column("by_name", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", UtcDateTime, nullable=False),
    )


freezes = _named("freezes")
lifts = _named("lifts")

reviews = Table(
    "reviews",
    metadata,
    Column("request_id", Text, ForeignKey("requests.id"), primary_key=True),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("remind_at", UtcDateTime, nullable=False),
    Column("signed_by_id", Text),
    Column("signed_by_name", Text),
    Column("signed_at", UtcDateTime),
    Column("note", Text, nullable=False, server_default=""),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("person_name", Text, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("revoked_why", Text, nullable=False, server_default=""),
    UniqueConstraint("hash"),
)

# What Slack said of people and user groups, and when: terminals go by it while Slack cannot be asked.
people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    *(Column(name, Boolean, nullable=False, server_default=false()) for name in _FLAGS),
    Column("seen_at", UtcDateTime, nullable=False),
)
usergroups = Table(
    "usergroups",
    metadata,
    Column("id", Text, primary_key=True),
    Column("members", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

# The processes that work on this ledger, and a hash of the settings that each of them goes by.
replicas = Table(
    "replicas",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("settings", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

# What one message tells: alerts about one target, or about what fits none. ``channels`` and ``sights`` are JSON.
incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("channels", Text, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("look_at", UtcDateTime, nullable=False),
    Column("looking_until", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("sights", Text, nullable=False, server_default="[]"),
    Column("acknowledged_by", Text),
    Column("assigned_to", Text),
    Column("muted_by", Text),
    Column("muted_until", UtcDateTime),
)
_OPEN = text("closed_at IS NULL")
Index("incidents_open", incidents.c.scope, sqlite_where=_OPEN, postgresql_where=_OPEN)

# One row for each alert of an incident, however often it comes and goes. ``labels`` and ``links`` are JSON.
alerts = Table(
    "alerts",
    metadata,
    Column("incident_id", Text, ForeignKey("incidents.id"), primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("target", Text),
    Column("labels", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("links", Text, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("own", Boolean, nullable=False, server_default=false()),
)
Index("alerts_by_fingerprint", alerts.c.fingerprint)
