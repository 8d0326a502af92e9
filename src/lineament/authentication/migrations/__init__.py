"""Brings a store's database to the schema of this version: the steps in ``versions/``, oldest first, run by alembic.

No alembic.ini and no env.py: they are for people who run alembic by hand, and here the package does.
"""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

__all__ = ["HEAD", "REVISIONS", "migrate", "revision"]

_SCRIPTS = ScriptDirectory(str(Path(__file__).parent))

REVISIONS = tuple(step.revision for step in reversed(list(_SCRIPTS.walk_revisions())))
"""Every schema there ever was, oldest first."""

HEAD = REVISIONS[-1]


def revision(connection: Connection) -> str | None:
    """The schema a database has; None for one that holds no store."""
    return _context(connection, HEAD).get_current_revision()


def migrate(connection: Connection, to: str = HEAD) -> None:
    """Run what lies between a database's schema and ``to``, within the caller's transaction: all of it or nothing."""
    context = _context(connection, to)
    with Operations.context(context):
        context.run_migrations()


def _context(connection: Connection, to: str) -> MigrationContext:
    # a name of our own, since a PostgreSQL database may be another application's as well, which uses alembic too
    options = {"version_table": "lineament_revision", "fn": lambda current, _: _SCRIPTS._upgrade_revs(to, current)}
    return MigrationContext.configure(connection, opts=options)
