"""The first tables: requests, approvals, messages, runs, steps, debts, and the audit with its triggers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_START = "0" * 64
_REQUEST_STATES = ["waiting", "approved", "running", "ended", "denied", "expired", "void", "withdrawn", "refused"]
_VERDICTS = ["approve", "deny", "withdraw"]

_SQLITE = [
    f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    for verb in ("UPDATE", "DELETE")
]
_POSTGRESQL = [
    """
    CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$
    """,
    """
    CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
    """,
]


def upgrade() -> None:
    """Create everything."""
    _create_requests()
    _create_runs()
    _create_debts()
    _create_audit()


def _known(table: str, column: str, values: list[str]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"{table}_{column}_known"))


def _text(name: str, default: str | None = None) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _time(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _owner(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{referred}.id"], name=op.f(f"{table}_{column}_fk"))


def _create_requests() -> None:
    op.create_table(
        "requests",
        *map(_text, ("id", "target", "action", "options")),
        sa.Column("channel", sa.Text),
        *map(_text, ("requester_id", "requester_name", "reason", "plan")),
        sa.Column("approvals_needed", sa.Integer, nullable=False),
        _time("created_at"),
        _time("expires_at"),
        _text("state"),
        _text("why", ""),
        sa.PrimaryKeyConstraint("id", name=op.f("requests_pk")),
        _known("requests", "state", _REQUEST_STATES),
    )
    op.create_index("requests_by_state", "requests", ["state"])
    op.create_index("requests_by_time", "requests", ["created_at"])
    op.create_table(
        "approvals",
        *map(_text, ("request_id", "person_id", "person_name", "verdict", "reason")),
        _time("at"),
        sa.PrimaryKeyConstraint("request_id", "person_id", name=op.f("approvals_pk")),
        _owner("approvals", "request_id", "requests"),
        _known("approvals", "verdict", _VERDICTS),
    )
    op.create_table(
        "messages",
        *map(_text, ("request_id", "channel", "ts")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("messages_pk")),
        _owner("messages", "request_id", "requests"),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        *map(_text, ("id", "target", "owner")),
        sa.Column("epoch", sa.Integer, nullable=False),
        _time("leased_until"),
        _time("started_at"),
        _time("ended_at", nullable=True),
        sa.Column("outcome", sa.Text),
        _text("failures", "[]"),
        sa.PrimaryKeyConstraint("id", name=op.f("runs_pk")),
        _owner("runs", "id", "requests"),
    )
    _create_unique_where("runs_one_on_each_target", "runs", ["target"], "ended_at IS NULL")
    op.create_table(
        "steps",
        _text("run_id"),
        sa.Column("index", sa.Integer, nullable=False),
        *map(_text, ("title", "command", "state")),
        _time("started_at", nullable=True),
        _time("ended_at", nullable=True),
        _text("note", ""),
        sa.PrimaryKeyConstraint("run_id", "index", name=op.f("steps_pk")),
        _owner("steps", "run_id", "runs"),
    )


def _create_debts() -> None:
    op.create_table(
        "debts",
        sa.Column("id", sa.Integer, nullable=False),
        *map(_text, ("run_id", "target", "host")),
        sa.Column("port", sa.Integer, nullable=False),
        *map(_text, ("name", "new", "old")),
        _time("owed_at"),
        _time("paid_at", nullable=True),
        _text("note", ""),
        sa.PrimaryKeyConstraint("id", name=op.f("debts_pk")),
        _owner("debts", "run_id", "runs"),
    )
    _create_unique_where("debts_one_for_each_setting", "debts", ["target", "host", "port", "name"], "paid_at IS NULL")


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        *map(_text, ("at", "kind", "who_id", "who_name", "what", "details", "previous", "hash")),
        sa.PrimaryKeyConstraint("number", name=op.f("audit_pk")),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        _text("hash"),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_head_pk")),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "hash": _START}])
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


def _create_unique_where(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)
