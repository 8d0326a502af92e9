"""Keys: shown once, stored as hashes, ended by time or by revocation, for one scope and not for another."""

import sqlite3
import stat
import threading

import pytest

from lineament.errors import JobError, UsageError
from lineament.service import keys as module
from lineament.service.keys import Keys


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.sqlite"


@pytest.fixture
def keys(path):
    keys = Keys(path, make=True)
    yield keys
    keys.close()


def test_a_key_is_found_with_its_scopes_and_is_nowhere_in_the_file(keys, path):
    key = keys.new(["verify", "enrol"], days=1, label="front door")
    found = keys.find(key)
    assert found is not None
    assert (found.scopes, found.label, found.revoked) == ({"verify", "enrol"}, "front door", None)
    assert key[:12] == f"lin_{found.id}"
    assert key[13:].encode() not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_differ_and_carry_256_bits(keys):
    made = {keys.new(["verify"], 1) for _ in range(20)}
    assert len(made) == 20
    assert {len(key) for key in made} == {4 + 8 + 1 + 43}


@pytest.mark.parametrize("wrong", ["", "lin_", "Bearer", "lin_00000000_" + "A" * 43, "\udc80", "lin_\0", "é" * 60])
def test_what_is_no_key_is_not_found(keys, wrong):
    keys.new(["admin"], 1)
    assert keys.find(wrong) is None


def test_one_changed_character_is_another_key(keys):
    key = keys.new(["admin"], 1)
    for place in (5, 20, len(key) - 2):
        assert keys.find(key[:place] + ("A" if key[place] != "A" else "B") + key[place + 1 :]) is None
    assert keys.find(key + " ") is None


def test_a_revoked_key_is_refused_at_once_also_by_who_has_the_file_open(keys, path):
    key = keys.new(["verify"], 1)
    other = Keys(path)
    assert other.find(key) is not None
    keys.revoke(key[4:12])
    assert other.find(key) is None
    assert other.valid(key[4:12]) is None
    assert keys.entries()[0].state(0) == "revoked"
    other.close()


def test_a_key_ends_when_its_days_are_over(keys, monkeypatch):
    key = keys.new(["verify"], days=2)
    now = module.time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 2 * 86400 - 1)
    assert keys.find(key) is not None
    monkeypatch.setattr(module.time, "time", lambda: now + 2 * 86400 + 1)
    assert keys.find(key) is None
    assert keys.entries()[0].state(module.time.time()) == "expired"


@pytest.mark.parametrize(
    ("scopes", "days", "message"),
    [(["verfy"], 1, "did you mean 'verify'"), ([], 1, "needs a scope"), (["verify"], 0, "0 to 3660"),
     (["verify"], float("nan"), "0 to 3660"), (["verify"], -1, "0 to 3660")],
)  # fmt: skip
def test_a_wrong_wish_makes_no_key(keys, scopes, days, message):
    with pytest.raises(UsageError, match=message):
        keys.new(scopes, days)
    assert not keys.entries()


def test_an_unknown_key_cannot_be_revoked(keys):
    name = keys.new(["verify"], 1)[4:12]
    with pytest.raises(UsageError, match=name):
        keys.revoke(name[:-1] + ("0" if name[-1] != "0" else "1"))


def test_a_missing_or_foreign_file_is_refused(tmp_path):
    with pytest.raises(JobError, match="lineament keys new"):
        Keys(tmp_path / "none")
    (tmp_path / "text").write_text("not a database, " * 200)
    with pytest.raises(JobError, match="not a readable file of keys"):
        Keys(tmp_path / "text", make=True)
    sqlite3.connect(tmp_path / "empty").close()
    with pytest.raises(JobError, match="not a readable file of keys"):
        Keys(tmp_path / "empty")


def test_keys_made_and_revoked_at_the_same_time_are_all_there(path, keys):
    doomed = [keys.new(["verify"], 1)[4:12] for _ in range(10)]

    def work(names):
        own = Keys(path)
        for name in names:
            own.revoke(name)
            own.new(["enrol"], 1)
        own.close()

    threads = [threading.Thread(target=work, args=(doomed[i::2],)) for i in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    states = [key.state(0) for key in keys.entries()]
    assert (states.count("revoked"), states.count("valid")) == (10, 10)
