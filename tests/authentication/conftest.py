"""Fixtures of the store: a cheap vault, and an empty place for a store on each kind of database."""

import pytest

from tests.postgresql import running_postgresql


@pytest.fixture
def cheap_vault(monkeypatch):
    """Passphrases that cost nothing to try: Argon2id's least."""
    from lineament.authentication import vault

    for name, value in (("ITERATIONS", 1), ("LANES", 1), ("MEMORY", 8)):
        monkeypatch.setattr(vault, name, value)


@pytest.fixture(scope="session")
def postgresql():
    with running_postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path, cheap_vault):
    """Path or URL of a database without a store."""
    if request.param == "sqlite":
        return str(tmp_path / "store.sqlite")
    from tests.authentication.store_kit import sql

    url = request.getfixturevalue("postgresql")
    sql(url, "DROP SCHEMA public CASCADE")
    sql(url, "CREATE SCHEMA public")
    return url
