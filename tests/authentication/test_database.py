"""Where a store may be: paths and URLs, what is set on a connection, and that passwords are never printed."""

import stat

import pytest
from sqlalchemy import text

from lineament.authentication import database
from lineament.authentication.store import Store
from lineament.errors import JobError, LineamentError, UsageError
from tests.authentication.store_kit import PASSPHRASE


@pytest.mark.parametrize(
    "url",
    ["mysql://u:opensesame@h/d", "sqlite://", "sqlite:///:memory:", "sqlite:///x?mode=ro", "://", "postgresql://h:p/d"],
)
def test_other_urls_are_refused(url):
    with pytest.raises(UsageError, match=r"postgresql://|sqlite:///PATH") as told:
        database.connect(url, create=True)
    assert "opensesame" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://anna:opensesame@127.0.0.1:1/lineament",
        "postgres://anna:opensesame@127.0.0.1:1/lineament",
        "postgresql://anna@127.0.0.1:1/lineament?password=opensesame",
        "postgresql://anna:opensesame@127.0.0.1:opensesame/lineament",
        "postgresql://anna:opensesame@127.0.0.1:1/lineament?opensesame=opensesame",
    ],
)
def test_passwords_are_never_printed(url):
    with pytest.raises(LineamentError) as told:
        Store.open(url, PASSPHRASE)
    assert "opensesame" not in str(told.value) and told.value.__suppress_context__


def test_a_wrong_password_of_the_database_is_told_without_it(postgresql):
    with pytest.raises(JobError, match='database "nowhere" does not exist') as told:
        Store.open(postgresql.replace("/lineament", "/nowhere"), PASSPHRASE)
    assert "opensesame" not in str(told.value) and "anna:***@" in str(told.value)


def test_a_file_that_is_no_store_is_refused_and_not_touched(tmp_path):
    missing, noise, empty = tmp_path / "missing", tmp_path / "noise", tmp_path / "empty"
    noise.write_bytes(b"no database" * 1000)
    empty.touch()
    for path, words in ((missing, "no store there"), (noise, "not a database"), (empty, "no store there")):
        with pytest.raises(JobError, match=words):
            Store.open(path, PASSPHRASE)
    with pytest.raises(JobError, match="not a regular file"):
        Store.open(tmp_path, PASSPHRASE, create=True)
    with pytest.raises(JobError, match="not a database"):
        Store.open(noise, PASSPHRASE, create=True)
    assert noise.read_bytes() == b"no database" * 1000 and not empty.stat().st_size and not missing.exists()


def test_a_torn_file_is_told(tmp_path, cheap_vault):
    place = tmp_path / "store.sqlite"
    Store.open(place, PASSPHRASE, create=True).close()
    whole = place.read_bytes()
    place.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with pytest.raises(JobError, match="store.sqlite: "), Store.open(place, PASSPHRASE) as store:
        store.users()


def test_a_short_passphrase_leaves_no_file(tmp_path):
    with pytest.raises(UsageError, match="at least 8 characters"):
        Store.open(tmp_path / "store.sqlite", "short", create=True)
    assert not list(tmp_path.iterdir())


def test_files_are_for_their_owner_alone(tmp_path, cheap_vault):
    place = tmp_path / "deep" / "in" / "store.sqlite"
    with Store.open(f"sqlite:///{place}", PASSPHRASE, create=True):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.parent.iterdir()}
    assert modes.pop("store.sqlite-shm", 0o600) == modes.pop("store.sqlite-wal", 0o600) == 0o600
    assert modes == {"store.sqlite": 0o600}


def test_what_was_committed_survives_a_loss_of_power(place):
    """Nobody can pull the plug here; but the settings that decide it can be read back."""
    with Store.open(place, PASSPHRASE, create=True) as store, store._engine.connect() as connection:
        ask = lambda statement: connection.execute(text(statement)).scalar()  # noqa: E731
        if store._engine.dialect.name == "postgresql":
            assert ask("SHOW synchronous_commit") == "on"
        else:
            assert (ask("PRAGMA journal_mode"), ask("PRAGMA synchronous"), ask("PRAGMA secure_delete")) == ("wal", 2, 1)
