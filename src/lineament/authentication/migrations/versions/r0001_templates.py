"""The first schema: the vault's header, and sealed templates by user and model."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "lineament_vault",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
        sa.Column("header", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "lineament_templates",
        sa.Column("user", sa.String(200), primary_key=True),
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
