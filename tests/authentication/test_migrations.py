"""Older databases are brought up to date with all they hold; newer and foreign ones are refused in words."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from lineament.authentication import database, store
from lineament.authentication.migrations import HEAD, REVISIONS, migrate, revision
from lineament.authentication.store import Store
from lineament.authentication.vault import Vault
from lineament.errors import JobError
from tests.authentication.store_kit import MODEL, PASSPHRASE, sql, template


def made_by(place: str, version: str) -> None:
    """A store as the version of that schema left it, with one template."""
    engine = database.connect(place, create=True)
    with database.writing(engine).begin() as connection:
        migrate(connection, version)
    engine.dispose()
    vault, kept = Vault.create(PASSPHRASE), template("anna")
    sealed = vault.seal(kept.to_bytes(), kept.user, kept.model)
    sql(place, "INSERT INTO lineament_vault (id, header) VALUES (1, :header)", header=vault.header)
    row = {"user": kept.user, "model": kept.model, "sealed": sealed}
    sql(place, 'INSERT INTO lineament_templates ("user", model, sealed) VALUES (:user, :model, :sealed)', **row)


@pytest.mark.parametrize("version", REVISIONS)
def test_a_store_of_any_older_version_opens_with_all_it_holds(place, version):
    made_by(place, version)
    for _ in range(2):
        with Store.open(place, PASSPHRASE) as opened:
            assert opened.get("anna", MODEL) == template("anna")
            assert opened.entries()[0].enrolled is None
            with opened._engine.connect() as connection:
                assert revision(connection) == HEAD


def test_the_steps_lead_to_what_the_models_say(place):
    Store.open(place, PASSPHRASE, create=True).close()
    engine = database.connect(place, create=False)
    with engine.connect() as connection:
        ours = {"include_name": lambda name, kind, _: kind != "table" or name in store._Table.metadata.tables}
        assert compare_metadata(MigrationContext.configure(connection, opts=ours), store._Table.metadata) == []
    engine.dispose()


def test_a_step_that_fails_leaves_the_older_store_whole(place, monkeypatch):
    made_by(place, REVISIONS[0])
    from alembic.operations import Operations

    def failing(*_: object, **__: object) -> None:
        raise JobError("power went out")

    with monkeypatch.context() as patch:
        patch.setattr(Operations, "add_column", failing)
        with pytest.raises(JobError, match="power went out"):
            Store.open(place, PASSPHRASE)
    assert sql(place, "SELECT version_num FROM lineament_revision") == [(REVISIONS[0],)]
    with Store.open(place, PASSPHRASE) as opened:
        assert opened.get("anna", MODEL) == template("anna")


def test_a_newer_store_is_refused_unchanged(place):
    Store.open(place, PASSPHRASE, create=True).close()
    sql(place, "UPDATE lineament_revision SET version_num = '9999'")
    for create in (False, True):
        with pytest.raises(JobError, match=f"newer lineament .schema 9999, this one knows {HEAD}.; update it"):
            Store.open(place, PASSPHRASE, create=create)
    assert sql(place, "SELECT version_num FROM lineament_revision") == [("9999",)]


def test_a_database_of_something_else_gets_no_tables_of_ours(tmp_path):
    place = str(tmp_path / "cookies.sqlite")
    sql(place, "CREATE TABLE cookies (name TEXT)")
    before = (tmp_path / "cookies.sqlite").read_bytes()
    with pytest.raises(JobError, match="holds the tables of something else .cookies, ....; name another file"):
        Store.open(place, PASSPHRASE, create=True)
    with pytest.raises(JobError, match="something else|no store"):
        Store.open(place, PASSPHRASE)
    assert (tmp_path / "cookies.sqlite").read_bytes() == before
