"""Where templates are kept: sealed, by user and model, in SQLite by default or in PostgreSQL by URL.

The database sees user names, model hashes and times, never a template in clear. What `Store.put` returned from has
reached the disk; what `Store.delete` returned from is gone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sqlalchemy import CheckConstraint, Engine, LargeBinary, String, cast, delete, inspect, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from lineament.authentication import database
from lineament.authentication.migrations import HEAD, REVISIONS, migrate, revision
from lineament.authentication.template import Template
from lineament.authentication.vault import Vault, refuse_short
from lineament.errors import JobError, LineamentError, UsageError

__all__ = ["AlreadyEnrolled", "Entry", "NotEnrolled", "OtherModel", "Store"]

_NO_STORE = "no store there; enrol somebody to make one"
_MIGRATING = 0x6C696E65616D656E  # which of PostgreSQL's advisory locks


class NotEnrolled(JobError):
    """The user has no template."""


class OtherModel(JobError):
    """The user has templates, but none for this model."""


class AlreadyEnrolled(JobError):
    """The user has a template for this model, which was not to be replaced."""


class _Table(DeclarativeBase):
    pass


class _Header(_Table):
    """One row: the vault's header."""

    __tablename__ = "lineament_vault"
    id: Mapped[int] = mapped_column(CheckConstraint("id = 1"), primary_key=True)
    header: Mapped[bytes]


class _Sealed(_Table):
    """A row a user and model."""

    __tablename__ = "lineament_templates"
    user: Mapped[str] = mapped_column(String(200), primary_key=True)
    model: Mapped[str] = mapped_column(String(64), primary_key=True)
    sealed: Mapped[bytes]
    enrolled: Mapped[str | None] = mapped_column(String(40))


# cast, because a changed SQLite file may hold a value of any type in any column
_HEADER, _SEALED = cast(_Header.header, LargeBinary), cast(_Sealed.sealed, LargeBinary)
_USER, _MODEL, _ENROLLED = cast(_Sealed.user, String), cast(_Sealed.model, String), cast(_Sealed.enrolled, String)


@dataclass(frozen=True)
class Entry:
    """What can be told of a template without a key.

    Attributes:
        user: whose.
        model: sha256 of the detector that it is for.
        enrolled: when, ISO 8601; None if a version that did not write it down put it there.
    """

    user: str
    model: str
    enrolled: str | None


class Store:
    """An open store; usable from several threads, and by several processes at once. Also a context manager."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine, self._vault = engine, vault

    @classmethod
    def open(cls, url: str | Path, passphrase: str | None, *, create: bool = False) -> "Store":
        """Open a store; the database of an older version is brought up to date.

        Args:
            url: a path, ``sqlite:///PATH``, or ``postgresql://USER:PASSWORD@HOST/DATABASE``.
            passphrase: what it opens by; None for the platform's key ring.
            create: make one under this passphrase (or a new key of the key ring) where there is none.

        Raises:
            UsageError: not such a URL, or the passphrase of a new store is too short.
            JobError: no store there, a newer version's, a damaged one, a wrong passphrase, or the database says no.
        """
        if create and passphrase is not None:
            refuse_short(passphrase)  # before a file is made that then would hold no store
        engine = database.connect(url, create=create)
        try:
            with database.telling(engine):
                _bring_up_to_date(engine, create)
                return cls(engine, _vault(engine, passphrase, create))
        except BaseException:
            engine.dispose()
            raise

    def put(self, template: Template, *, replace: bool = True) -> None:
        """Keep a template, in the place of an older one of the same user and model; on return it is on the disk.

        Without ``replace`` an older one stays, and `AlreadyEnrolled` is raised; of several processes that put one at
        the same time, one succeeds.
        """
        key = {"user": template.user, "model": template.model}
        row = {"sealed": self._vault.seal(template.to_bytes(), **key), "enrolled": template.created}
        insert = _insert(self._engine, _Sealed).values(key | row)
        over = insert.on_conflict_do_update(index_elements=list(key), set_=row)
        insert = over if replace else insert.on_conflict_do_nothing()
        with self._writing() as session:
            if not session.execute(insert.returning(_Sealed.user)).all():
                raise AlreadyEnrolled(f"{template.user!r} is enrolled already; delete them first")

    def get(self, user: str, model: str) -> Template:
        """The template of this user for this model.

        Raises:
            NotEnrolled, OtherModel: there is none.
            JobError: it does not open.
        """
        header = select(_HEADER).scalar_subquery()  # in the same statement, so that nobody changes it in between
        mine = select(_SEALED, header).where(_Sealed.user == _name(user), _Sealed.model == model)
        with database.telling(self._engine), Session(self._engine) as session:
            found = session.execute(mine).one_or_none()
            other = None if found else session.scalar(select(_MODEL).where(_Sealed.user == user).limit(1))
        if found:
            self._refuse_other_key(found[1])
            return self._opened(found[0], user, model)
        if other:
            raise OtherModel(f"{user!r} is enrolled for model {other[:12]}, not for {model[:12]}; enrol again")
        raise NotEnrolled(f"{user!r} is not enrolled")

    def entries(self) -> tuple[Entry, ...]:
        """What is kept, by user."""
        with database.telling(self._engine), Session(self._engine) as session:
            rows = session.execute(select(_USER, _MODEL, _ENROLLED).order_by(_USER, _MODEL))
            return tuple(Entry(user, model, enrolled) for user, model, enrolled in rows)

    def users(self) -> tuple[str, ...]:
        """Who is enrolled, for whichever model."""
        return tuple(dict.fromkeys(entry.user for entry in self.entries()))

    def delete(self, user: str) -> None:
        """Destroy every template of a user, with its data key.

        Raises:
            NotEnrolled: there is none.
            JobError: traces are left.
        """
        with self._writing() as session:
            found = session.execute(delete(_Sealed).where(_Sealed.user == _name(user)).returning(_Sealed.model)).all()
        database.scrub(self._engine)  # even if nothing was found: a call that was killed in between is finished so
        if not found:
            raise NotEnrolled(f"{user!r} is not enrolled")

    def check(self) -> tuple[str, ...]:
        """Open every template and, on SQLite, look through the file; what is damaged, in words."""
        with database.telling(self._engine), Session(self._engine) as session:
            statement = "PRAGMA integrity_check" if self._engine.dialect.name == "sqlite" else "SELECT 'ok'"
            faults = [str(line) for line in session.scalars(text(statement)) if line != "ok"]
        for entry in self.entries():
            try:
                self.get(entry.user, entry.model)
            except LineamentError as error:
                faults.append(str(error))
        return tuple(faults)

    def rekey(self, passphrase: str | None) -> None:
        """Change the passphrase, or with None move the key into the platform's key ring; all of it or nothing.

        A new master key wraps every data key anew, so that the old passphrase opens nothing that is put from now on,
        even with an old copy of the database. Processes that hold the store open must open it again.

        Raises:
            JobError: a template is damaged (then nothing was changed), or another process changed the key meanwhile.
        """
        old, fresh = self._vault, Vault.create(passphrase)
        with self._writing(changing_key=True) as session:
            for user, model in session.execute(select(_Sealed.user, _Sealed.model)).all():
                row = (_Sealed.user == user, _Sealed.model == model)
                sealed = old.rewrap(session.scalars(select(_SEALED).where(*row)).one(), user, model, fresh)
                session.execute(update(_Sealed).where(*row).values(sealed=sealed))
            session.execute(update(_Header).values(header=fresh.header))
        # A fresh key stays in the key ring when this fails: a server that was lost in mid-commit may have committed.
        self._vault = fresh
        try:
            database.scrub(self._engine)  # first, for a key ring may refuse to forget
        finally:
            old.forget()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _opened(self, sealed: bytes, user: str, model: str) -> Template:
        template = Template.from_bytes(self._vault.unseal(sealed, user, model))
        if (template.user, template.model) != (user, model):
            raise JobError(f"template of {user!r} for model {model[:12]}: says it is another's; delete it, enrol again")
        return template

    @contextmanager
    def _writing(self, *, changing_key: bool = False) -> Iterator[Session]:
        """A transaction under our key: nobody changes the key in its course, and nobody writes while we change it."""
        with database.telling(self._engine), Session(database.writing(self._engine)) as session, session.begin():
            # on SQLite, which knows no row locks, this locks nothing more than the transaction has locked already
            self._refuse_other_key(session.scalar(select(_HEADER).with_for_update(read=not changing_key)))
            yield session

    def _refuse_other_key(self, header: bytes | None) -> None:
        """What a service writes under a key that was changed meanwhile, nobody could ever read."""
        if header != self._vault.header:
            raise JobError("the store's key was changed by another process; open the store again")


def _bring_up_to_date(engine: Engine, create: bool) -> None:
    with engine.connect() as connection:
        found = revision(connection)
        foreign = found is None and engine.dialect.name == "sqlite" and inspect(connection).get_table_names()
    place = database.shown(engine.url)
    if found == HEAD:
        return
    if found is not None and found not in REVISIONS:
        raise JobError(f"{place}: written by a newer lineament (schema {found}, this one knows {HEAD}); update it")
    if foreign:
        raise JobError(f"{place}: holds the tables of something else ({foreign[0]}, ...); name another file")
    if found is None and not create:
        raise JobError(f"{place}: {_NO_STORE}")
    database.write_ahead(engine)
    with database.writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
        migrate(connection)


def _vault(engine: Engine, passphrase: str | None, create: bool) -> Vault:
    """The vault of a database; a new one if there is none and one is wanted."""
    with Session(engine) as session:
        header = session.scalar(select(_HEADER))
    if header is not None:
        return Vault.open(header, passphrase)
    if not create:
        raise JobError(f"{database.shown(engine.url)}: {_NO_STORE}")
    vault = Vault.create(passphrase)
    with Session(database.writing(engine)) as session, session.begin():
        session.execute(_insert(engine, _Header).values(id=1, header=vault.header).on_conflict_do_nothing())
        header = session.scalars(select(_HEADER)).one()
    if header == vault.header:
        return vault
    vault.forget()  # another process founded the store at the same time, and was first
    return Vault.open(header, passphrase)


def _insert(engine: Engine, table: type[_Table]) -> sqlite.Insert | postgresql.Insert:
    """INSERT that knows ON CONFLICT, which each dialect has for itself."""
    return sqlite.insert(table) if engine.dialect.name == "sqlite" else postgresql.insert(table)


def _name(user: str) -> str:
    """The name, if it is one that a template can have; other characters make some databases fail in other words."""
    if not (0 < len(user) <= 200 and user.isprintable()):
        raise UsageError(f"user: expected 1 to 200 printable characters, got {user!r:.80}")
    return user
