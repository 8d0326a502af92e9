"""The store on both databases: what was put is there, sealed; what was deleted is gone; what was changed is told."""

import contextlib
import os
from pathlib import Path

import pytest

from lineament.authentication.store import AlreadyEnrolled, Entry, NotEnrolled, OtherModel, Store
from lineament.authentication.vault import Vault
from lineament.errors import JobError, UsageError
from tests.authentication.store_kit import MODEL, OTHER, PASSPHRASE, sql, template


@pytest.fixture
def store(place):
    with Store.open(place, PASSPHRASE, create=True) as store:
        yield store


def test_templates_come_back_as_they_were(place, store):
    kept = [template("anna"), template("anna", OTHER), template("Bjørn Å. 北 😀")]
    for one in kept:
        store.put(one)
    with Store.open(place, PASSPHRASE) as again:
        assert [again.get(one.user, one.model) for one in kept] == kept
        assert again.users() == ("Bjørn Å. 北 😀", "anna")
        assert again.entries()[1] == Entry("anna", MODEL, kept[0].created)
        assert again.check() == ()


def test_enrolling_again_replaces_under_a_new_data_key(place, store):
    store.put(template("anna"))
    ((before,),) = sql(place, "SELECT sealed FROM lineament_templates")
    store.put(template("anna", images=5))
    ((after,),) = sql(place, "SELECT sealed FROM lineament_templates")
    assert store.get("anna", MODEL).images == 5
    assert bytes(before)[13:61] != bytes(after)[13:61], "the wrapped data key is the old one"


def test_of_several_processes_that_must_not_replace_one_succeeds(place, store):
    store.put(template("anna", OTHER), replace=False)
    with Store.open(place, PASSPHRASE) as other:
        other.put(template("anna"), replace=False)
        for each in (store, other):
            with pytest.raises(AlreadyEnrolled, match="'anna' is enrolled already"):
                each.put(template("anna", images=5), replace=False)
    assert store.get("anna", MODEL) == template("anna")


def test_nothing_of_a_template_stands_in_clear(place, store):
    store.put(template("anna"))
    assert b"Attribute_7" not in b"".join(bytes(row[0]) for row in sql(place, "SELECT sealed FROM lineament_templates"))


def test_who_is_not_there_or_under_another_model_is_told_so(store):
    store.put(template("anna"))
    with pytest.raises(NotEnrolled, match="^'bob' is not enrolled$"):
        store.get("bob", MODEL)
    with pytest.raises(OtherModel, match="enrolled for model aaaaaaaaaaaa, not for bbbbbbbbbbbb; enrol again"):
        store.get("anna", OTHER)
    for call in (store.delete, lambda user: store.get(user, MODEL)):
        for name in ("", "a\0b", "\udc80", "x" * 201):
            with pytest.raises(UsageError, match="1 to 200 printable"):
                call(name)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE lineament_templates SET \"user\" = 'eve' WHERE \"user\" = 'anna'",
        f"UPDATE lineament_templates SET model = '{'f' * 64}' WHERE \"user\" = 'anna'",
        "UPDATE lineament_templates SET sealed = (SELECT sealed FROM lineament_templates WHERE \"user\" = 'bob')",
        "UPDATE lineament_templates SET sealed = substr(sealed, 1, 100)",
        "UPDATE lineament_templates SET sealed = substr(sealed, 1, 0)",
    ],
)
def test_moved_swapped_and_torn_rows_do_not_open(place, store, change):
    store.put(template("anna"))
    store.put(template("bob"))
    sql(place, change)
    faults = store.check()
    assert faults and all("damaged, or sealed for another user" in fault for fault in faults)
    with contextlib.suppress(JobError):
        store.rekey("battery staple")
    assert store.check() == faults, "a new passphrase has mended or broken something"


def test_a_header_of_another_store_opens_nothing(place, store):
    store.put(template("anna"))
    sql(place, "UPDATE lineament_vault SET header = :header", header=bytes(120))
    with pytest.raises(JobError, match="key was changed"):
        store.get("anna", MODEL)
    with pytest.raises(JobError, match="header is damaged"):
        Store.open(place, PASSPHRASE)


def test_the_passphrase_changes_and_who_has_the_old_key_writes_nothing(place, store):
    store.put(template("anna"))
    with Store.open(place, PASSPHRASE) as service:
        store.rekey("battery staple")
        for call in (lambda: service.put(template("bob")), lambda: service.get("anna", MODEL)):
            with pytest.raises(JobError, match="key was changed by another process; open the store again"):
                call()
        with pytest.raises(JobError, match="key was changed"):
            service.rekey("another one")
    store.put(template("carl"))
    with pytest.raises(JobError, match="wrong passphrase"):
        Store.open(place, PASSPHRASE)
    with Store.open(place, "battery staple") as again:
        assert again.users() == ("anna", "carl") and again.check() == ()


def test_deleting_takes_every_model_and_nobody_else(store):
    for one in (template("anna"), template("anna", OTHER), template("bob")):
        store.put(one)
    store.delete("anna")
    assert store.users() == ("bob",) and store.check() == ()
    with pytest.raises(NotEnrolled, match="not enrolled"):
        store.delete("anna")


def traces(sealed: bytes, files: list[Path]) -> bool:
    """Whether a part of something sealed, its wrapped key or any page of its content, stands in any of the files."""
    content = b"".join(path.read_bytes() for path in files if path.is_file())
    return any(sealed[i : i + 16] in content for i in (13, 29, 45, *range(61, len(sealed) - 16, 1000)))


def test_deleted_is_gone_from_the_raw_files_of_sqlite(tmp_path, cheap_vault):
    place = tmp_path / "store.sqlite"
    with Store.open(place, PASSPHRASE, create=True) as store, Store.open(place, PASSPHRASE) as reader:
        for i in range(20):
            store.put(template(f"user {i}"))
            store.put(template(f"user {i}", images=9))
        rows = sql(str(place), "SELECT sealed FROM lineament_templates WHERE \"user\" = 'user 7'")
        sealed = bytes(rows[0][0])
        assert reader.get("user 7", MODEL).images == 9
        assert traces(sealed, list(tmp_path.iterdir())) and (tmp_path / "store.sqlite-wal").stat().st_size
        store.delete("user 7")
        assert not traces(sealed, list(tmp_path.iterdir()))
        assert traces(bytes(sql(str(place), "SELECT sealed FROM lineament_templates")[0][0]), list(tmp_path.iterdir()))
        assert reader.check() == ()


def test_what_the_old_key_wrapped_is_gone_though_the_key_ring_refuses_to_forget_it(tmp_path, cheap_vault, monkeypatch):
    def refuses(vault):
        raise JobError("the key ring is locked")

    place = tmp_path / "store.sqlite"
    with Store.open(place, PASSPHRASE, create=True) as store:
        store.put(template("anna"))
        wrapped = bytes(sql(str(place), "SELECT sealed FROM lineament_templates")[0][0])[13:61]
        monkeypatch.setattr(Vault, "forget", refuses)
        with pytest.raises(JobError, match="key ring is locked"):
            store.rekey("battery staple")
        assert not any(wrapped in path.read_bytes() for path in tmp_path.iterdir())
        assert store.check() == ()


def test_deleted_is_gone_from_the_tables_of_postgresql(postgresql, cheap_vault):
    tables = Path(postgresql.partition("host=")[2]) / "data" / "base"
    if not os.access(tables, os.R_OK):
        pytest.skip("the cluster's files belong to another user")
    admin = postgresql.replace("anna:opensesame", "admin")
    sql(postgresql, "DROP SCHEMA public CASCADE")
    sql(postgresql, "CREATE SCHEMA public")

    def on_disk(sealed: bytes) -> bool:
        sql(admin, "CHECKPOINT")  # until then the server has it in memory and in its log
        return traces(sealed, [path for path in tables.rglob("*") if path.is_file()])

    with Store.open(postgresql, PASSPHRASE, create=True) as store:
        for i in range(5):
            store.put(template(f"user {i}"))
        sealed = bytes(sql(postgresql, "SELECT sealed FROM lineament_templates WHERE \"user\" = 'user 3'")[0][0])
        assert on_disk(sealed)
        store.delete("user 3")
        assert not on_disk(sealed)
        assert store.check() == ()


def test_who_reads_on_and_on_keeps_traces_and_the_call_says_so(place, monkeypatch):
    monkeypatch.setattr("lineament.authentication.database.PATIENCE", 0.2)
    with Store.open(place, PASSPHRASE, create=True) as store, Store.open(place, PASSPHRASE) as reader:
        store.put(template("anna"))
        with reader._engine.connect() as connection:
            connection.exec_driver_sql("SELECT * FROM lineament_templates").fetchone()
            with pytest.raises(
                JobError, match="It is done, but traces .* stay .*; stop whoever reads it, and call again"
            ):
                store.delete("anna")
        with pytest.raises(JobError, match="not enrolled"):
            store.delete("anna")
        if "://" not in place:
            assert Path(f"{place}-wal").stat().st_size == 0


@pytest.mark.parametrize("value", ["7", "1000000000000", "'text'", "3.5", "zeroblob(9)", "x'ff'"])
@pytest.mark.parametrize("column", ["sealed", "model", '"user"', "enrolled"])
def test_values_of_any_type_in_a_changed_sqlite_file_are_refused(tmp_path, cheap_vault, column, value):
    place = str(tmp_path / "store.sqlite")
    with Store.open(place, PASSPHRASE, create=True) as store:
        store.put(template("anna"))
        sql(place, f"UPDATE lineament_templates SET {column} = {value}")
        try:
            faults = store.check()
        except JobError as error:
            faults = (str(error),)
        assert faults or column == "enrolled"
        sql(place, f"UPDATE lineament_vault SET header = {value}")
        with pytest.raises(JobError):
            Store.open(place, PASSPHRASE)
