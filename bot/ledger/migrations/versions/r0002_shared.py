"""What several replicas and terminals share: messages to be shown, freezes, tokens, people, replicas, reviews.

Also where a request came from, the questions that a run asks, and where the audit begins once its oldest rows are gone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_START = "0" * 64
_BEGINS = "coalesce((SELECT first_number FROM audit_head), 1)"

_SQLITE = [
    "DROP TRIGGER audit_no_delete",
    (
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN OLD.number >= {_BEGINS} "
        "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    ),
]
_POSTGRESQL = [
    "DROP TRIGGER audit_append_only ON audit",
    (
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    ),
    f"""
    CREATE FUNCTION audit_keeps_its_rows() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
      IF OLD.number < {_BEGINS} THEN RETURN OLD; END IF;
      RAISE EXCEPTION 'the audit is append-only';
    END $$
    """,
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keeps_its_rows()",
]
"""A row can be removed once the chain begins after it; whoever moves its beginning has to leave a row that says so."""


def upgrade() -> None:
    """Add what is missing, and move the places of the messages."""
    _widen_requests()
    _widen_runs()
    _create_outbox()
    _create_policy()
    _create_people()
    op.add_column("audit_head", sa.Column("first_number", sa.Integer, nullable=False, server_default="1"))
    op.add_column("audit_head", _text("first_previous", _START))
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


def _text(name: str, default: str | None = None, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=nullable, server_default=default)


def _time(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str, default: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer, nullable=False, server_default=default)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"{table}_pk"))


def _of_request(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f(f"{table}_request_id_fk"))


def _widen_requests() -> None:
    op.add_column("requests", _text("origin", "slack"))
    op.add_column("requests", _flag("break_glass"))
    op.add_column("approvals", _text("origin", "slack"))


def _widen_runs() -> None:
    op.add_column("runs", _text("question", nullable=True))
    op.add_column("runs", _time("asked_at", nullable=True))
    op.add_column("runs", _text("answer", nullable=True))
    for did in ("answered", "cancelled"):
        for name in (f"{did}_by_id", f"{did}_by_name", f"{did}_from"):
            op.add_column("runs", _text(name, nullable=True))
        op.add_column("runs", _time(f"{did}_at", nullable=True))
    op.add_column("runs", _number("cut_off", "0"))


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, nullable=False),
        _text("key"),
        _text("request_id", nullable=True),
        *map(_text, ("kind", "channel")),
        _text("under", nullable=True),
        _text("body", nullable=True),
        _number("wanted", "1"),
        _number("shown", "0"),
        _text("place", nullable=True),
        _text("ts", nullable=True),
        _number("posts", "0"),
        _number("attempts", "0"),
        _time("created_at"),
        _time("due_at"),
        _text("claimed_by", nullable=True),
        _time("claimed_until", nullable=True),
        _text("gone", nullable=True),
        _key("outbox", "id"),
        sa.UniqueConstraint("key", name=op.f("outbox_key_unique")),
        _of_request("outbox"),
    )
    pending = sa.text("shown < wanted AND gone IS NULL")
    op.create_index("outbox_pending", "outbox", ["id"], sqlite_where=pending, postgresql_where=pending)
    op.execute(
        "INSERT INTO outbox (key, request_id, kind, channel, shown, posts, place, ts, created_at, due_at) "
        "SELECT CASE WHEN runs.id IS NULL THEN 'card:' ELSE 'run:' END || requests.id, requests.id, "
        "CASE WHEN runs.id IS NULL THEN 'card' ELSE 'run' END, messages.channel, 1, 1, messages.channel, "
        "messages.ts, requests.created_at, requests.created_at "
        "FROM messages JOIN requests ON requests.id = messages.request_id LEFT JOIN runs ON runs.id = requests.id"
    )
    op.drop_table("messages")
    op.create_table(
        "hearing",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        _time("until"),
        _key("hearing", "id"),
    )


def _create_policy() -> None:
    for table in ("freezes", "lifts"):
        op.create_table(
            table, *map(_text, ("target", "by_id", "by_name", "reason")), _time("at"), _key(table, "target")
        )
    op.create_table(
        "reviews",
        _text("request_id"),
        _time("opened_at"),
        _time("remind_at"),
        _text("signed_by_id", nullable=True),
        _text("signed_by_name", nullable=True),
        _time("signed_at", nullable=True),
        _text("note", ""),
        _key("reviews", "request_id"),
        _of_request("reviews"),
    )


def _create_people() -> None:
    op.create_table(
        "tokens",
        *map(_text, ("id", "hash", "person_id", "person_name")),
        _time("issued_at"),
        _time("expires_at"),
        _time("used_at", nullable=True),
        _time("revoked_at", nullable=True),
        _text("revoked_why", ""),
        _key("tokens", "id"),
        sa.UniqueConstraint("hash", name=op.f("tokens_hash_unique")),
    )
    flags = map(_flag, ("is_bot", "is_guest", "is_external", "is_deleted"))
    op.create_table("people", *map(_text, ("id", "name")), *flags, _time("seen_at"), _key("people", "id"))
    op.create_table("usergroups", *map(_text, ("id", "members")), _time("seen_at"), _key("usergroups", "id"))
    op.create_table(
        "replicas",
        *map(_text, ("owner", "settings")),
        _time("seen_at"),
        _key("replicas", "owner"),
    )
