"""The database under a store: SQLite in a file, or PostgreSQL by URL; set up so that what was committed survives.

Passwords in URLs are never printed: messages name a database by `shown`, and the drivers' own words are passed on
without the statements and values that SQLAlchemy would add.
"""

import contextlib
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from lineament.errors import JobError, UsageError

__all__ = ["connect", "scrub", "shown", "telling", "write_ahead", "writing"]

PATIENCE = 30
"""Seconds to wait for others who write."""


def connect(url: str | Path, *, create: bool) -> Engine:
    """An engine for a path, ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``.

    Args:
        url: which database.
        create: make the file of an SQLite database, readable by its owner alone, if there is none.

    Raises:
        UsageError: another kind of URL, or none.
        JobError: there is no such file, or it cannot be made.
    """
    place = _parsed(url)
    if place.drivername == "sqlite":
        _have_file(Path(place.database or ""), create)
        engine = create_engine(place, connect_args={"timeout": PATIENCE}, hide_parameters=True)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        options = f"-c synchronous_commit=on -c lock_timeout={round(1000 * PATIENCE)}"
        arguments = {"options": options, "connect_timeout": math.ceil(PATIENCE)}
        return create_engine(place, connect_args=arguments, pool_pre_ping=True, hide_parameters=True)
    except ModuleNotFoundError:
        raise JobError("PostgreSQL needs psycopg: pip install 'lineament[postgresql]'") from None


def shown(url: URL) -> str:
    """How messages name a database: without password, and without options, in which there may be another."""
    return url.database or "" if url.drivername == "sqlite" else url.set(query={}).render_as_string(hide_password=True)


@contextlib.contextmanager
def telling(engine: Engine) -> Iterator[None]:
    """Turn what a database refuses within into a ``JobError`` that names it."""
    try:
        yield
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
        told = getattr(error, "orig", error)
        reason = (str(told).splitlines() or [type(told).__name__])[0]
        raise JobError(f"{shown(engine.url)}: {_without_password(reason, engine.url)}") from None
    except SQLAlchemyError as error:
        raise JobError(
            f"{shown(engine.url)}: holds what no store writes ({type(error).__name__}); put back a copy"
        ) from None


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that will write: on SQLite they take the lock at once, and wait for it."""
    return engine.execution_options(lineament_begin="BEGIN IMMEDIATE")


def write_ahead(engine: Engine) -> None:
    """Let an SQLite database be read while it is written; that stays with the file."""
    if engine.dialect.name != "sqlite":
        return
    patience = time.monotonic() + PATIENCE
    with _raw(engine) as cursor:
        while True:
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
                return
            except engine.dialect.loaded_dbapi.OperationalError:  # SQLite does not wait by itself here
                if time.monotonic() > patience:
                    raise JobError(f"{shown(engine.url)}: another process keeps the database locked") from None
                time.sleep(0.02)


def scrub(engine: Engine) -> None:
    """Overwrite or cut off whatever deleted rows left behind in the database's own files.

    SQLite: rebuilt by VACUUM, and the write-ahead log is emptied into it and cut to nothing. PostgreSQL: the table is
    rewritten; its write-ahead log and backups age as the server is told to let them.

    Raises:
        JobError: somebody reads the old state all the time; what was asked is done, but traces are left.
    """
    try:
        with _raw(engine) as cursor:
            if engine.dialect.name == "postgresql":
                cursor.execute("VACUUM FULL lineament_templates")
                return
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if cursor.fetchone()[0]:
                raise JobError(f"{shown(engine.url)}: another process reads the old state")
    except JobError as error:
        raise JobError(
            f"{error}. It is done, but traces of what was there stay in the database's files; "
            "stop whoever reads it, and call again"
        ) from None


def _parsed(url: str | Path) -> URL:
    text = str(url)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        place = make_url(text)
    except (ArgumentError, ValueError):  # its own words may repeat the password
        raise UsageError(
            "the store's URL cannot be read; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from None
    kind = place.get_backend_name()
    if kind in ("postgresql", "postgres"):
        return place.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise UsageError(f"a store is kept in SQLite or PostgreSQL, not in {kind!r}; give a path or postgresql://...")
    if place.database in (None, "", ":memory:") or place.query:
        raise UsageError("sqlite: expected sqlite:///PATH of a file, without options")
    return URL.create("sqlite", database=place.database)


def _have_file(path: Path, create: bool) -> None:
    if path.exists():  # asked once: another process may make the file at any moment
        if not path.is_file():
            raise JobError(f"{path}: not a regular file")
        return
    if not create:
        raise JobError(f"{path}: no store there; enrol somebody to make one")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))  # the log beside it inherits the mode
    except OSError as error:
        raise JobError(f"{path}: could not be made ({error.strerror or error})") from None


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
    for setting in ("synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("lineament_begin", "BEGIN"))


@contextlib.contextmanager
def _raw(engine: Engine) -> Iterator[Any]:
    """A cursor outside of transactions, for what databases refuse within one."""
    with telling(engine):
        raw = engine.raw_connection()
        try:
            if engine.dialect.name == "postgresql":
                raw.driver_connection.autocommit = True  # type: ignore[union-attr]
            yield raw.cursor()
        finally:
            raw.invalidate()  # closed, since nobody else wants a connection without transactions


def _without_password(text: str, url: URL) -> str:
    hidden = [str(url.password)] if url.password else []
    hidden += [str(value) for key, value in url.query.items() if "pass" in key]
    for word in hidden:
        text = text.replace(word, "***")
    return text
