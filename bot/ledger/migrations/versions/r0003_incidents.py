"""Incidents: the alerts that were told, what was seen of their targets, and who looks after them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two tables."""
    op.create_table(
        "incidents",
        *map(_text, ("id", "scope", "channels")),
        *map(_time, ("opened_at", "changed_at", "look_at")),
        _time("looking_until", nullable=True),
        _time("closed_at", nullable=True),
        sa.Column("sights", sa.Text, nullable=False, server_default="[]"),
        *(_text(name, nullable=True) for name in ("acknowledged_by", "assigned_to", "muted_by")),
        _time("muted_until", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("incidents_pk")),
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index("incidents_open", "incidents", ["scope"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "alerts",
        *map(_text, ("incident_id", "fingerprint", "name", "severity")),
        _text("target", nullable=True),
        *map(_text, ("labels", "summary", "links")),
        *map(_time, ("starts_at", "seen_at")),
        _time("ended_at", nullable=True),
        sa.Column("times", sa.Integer, nullable=False, server_default="1"),
        sa.Column("own", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("incident_id", "fingerprint", name=op.f("alerts_pk")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("alerts_incident_id_fk")),
    )
    op.create_index("alerts_by_fingerprint", "alerts", ["fingerprint"])


def _text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
