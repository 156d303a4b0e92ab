"""What a step tells as values, beside its note."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; steps of before have none."""
    op.add_column("steps", sa.Column("results", sa.Text, nullable=False, server_default="{}"))
