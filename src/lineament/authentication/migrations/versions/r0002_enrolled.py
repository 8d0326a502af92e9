"""When each template was enrolled, so that it can be listed without a key; unknown for those that are there already."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("lineament_templates", sa.Column("enrolled", sa.String(40)))
