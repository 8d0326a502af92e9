"""The verbs about the store, run as a person runs them: exit codes and what is printed."""

import json
import subprocess
import sys

import pytest

from lineament.authentication.store import Store
from lineament.authentication.store_commands import default_store, open_store
from lineament.cli import main
from lineament.errors import UsageError
from tests.authentication.store_kit import MODEL, OTHER, PASSPHRASE, sql, template


@pytest.fixture
def place(tmp_path, cheap_vault, monkeypatch):
    """A store that is the default one, with three templates; its passphrase in the environment."""
    place = tmp_path / "store.sqlite"
    monkeypatch.setenv("LINEAMENT_STORE", str(place))
    monkeypatch.setenv("LINEAMENT_PASSPHRASE", PASSPHRASE)
    with Store.open(place, PASSPHRASE, create=True) as store:
        for one in (template("anna"), template("anna", OTHER), template("[bold]bob")):
            store.put(one)
    return place


def run(words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(words.split())
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return code, told.out, told.err


def test_list(place, capsys):
    code, told, _ = run("store list", capsys)
    assert code == 0 and told.count("anna") == 2 and "[bold]bob" in told and "2026-11-22" in told
    code, told, _ = run(f"store list --json --store sqlite:///{place}", capsys)
    expected = {"user": "anna", "model": OTHER, "enrolled": template("anna").created}
    assert code == 0 and len(json.loads(told)) == 3 and json.loads(told)[2] == expected


def test_delete(place, capsys):
    assert run("store delete anna", capsys) == (0, "anna: deleted\n", "")
    code, _, told = run("store delete anna", capsys)
    assert code == 1 and told == "lineament: 'anna' is not enrolled\n"
    assert run("store list", capsys)[1].count("bob") == 1
    assert run("store delete [bold]bob", capsys)[0] == 0
    assert run("store list", capsys)[1] == "nobody is enrolled\n"


def test_check(place, capsys):
    assert run("store check", capsys) == (0, "3 templates, all whole\n", "")
    sql(str(place), f"UPDATE lineament_templates SET \"user\" = 'eve' WHERE model = '{OTHER}'")
    code, told, reason = run("store check", capsys)
    assert code == 1 and not told and "'eve' for model bbbbbbbbbbbb: damaged, or sealed for another user" in reason


def test_rekey(place, capsys, monkeypatch):
    monkeypatch.setenv("LINEAMENT_NEW_PASSPHRASE", "short")
    code, _, told = run("store rekey", capsys)
    assert code == 2 and "at least 8 characters" in told and run("store check", capsys)[0] == 0
    monkeypatch.setenv("LINEAMENT_NEW_PASSPHRASE", "battery staple")
    assert run("store rekey", capsys) == (0, "the store opens by the new passphrase\n", "")
    code, _, told = run("store check", capsys)
    assert code == 1 and told == "lineament: wrong passphrase\n"
    monkeypatch.setenv("LINEAMENT_PASSPHRASE", "battery staple")
    assert run("store check", capsys)[0] == 0


def test_typed_passphrases(place, capsys, monkeypatch):
    monkeypatch.delenv("LINEAMENT_PASSPHRASE")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    typed = iter([PASSPHRASE, "battery staple", "battery stable", PASSPHRASE, "battery staple", "battery staple"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    code, _, told = run("store rekey", capsys)
    assert code == 2 and "differ; nothing was changed" in told
    assert run("store rekey", capsys)[0] == 0
    with Store.open(place, "battery staple") as store:
        assert store.get("anna", MODEL) == template("anna")


def test_the_passphrase_of_a_new_store_is_typed_twice_and_later_once(place, monkeypatch, tmp_path):
    monkeypatch.delenv("LINEAMENT_PASSPHRASE")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    typed = [PASSPHRASE, "correct house"]
    monkeypatch.setattr("getpass.getpass", lambda prompt: typed.pop(0))
    new = str(tmp_path / "new.sqlite")
    with pytest.raises(UsageError, match="differ"):
        open_store(new, create=True)
    assert not (tmp_path / "new.sqlite").exists()
    typed[:] = [PASSPHRASE] * 3
    open_store(new, create=True).close()
    open_store(new, create=True).close()
    assert typed == []


def test_without_a_passphrase_or_a_store_it_says_what_to_do(place, capsys, monkeypatch, tmp_path):
    code, _, told = run(f"store list --store {tmp_path / 'none'}", capsys)
    assert code == 1 and "no store there; enrol somebody" in told and not (tmp_path / "none").exists()
    code, _, told = run("store list --key-ring", capsys)
    assert code == 1 and "opens by a passphrase" in told
    monkeypatch.delenv("LINEAMENT_PASSPHRASE")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    code, _, told = run("store list", capsys)
    assert code == 2 and "set LINEAMENT_PASSPHRASE" in told


def test_the_default_store_is_in_the_users_data_folder(monkeypatch):
    monkeypatch.delenv("LINEAMENT_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_store() == "/data/lineament/store.sqlite"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert default_store().endswith("/.local/share/lineament/store.sqlite")


def test_without_the_extra_it_names_it():
    program = """
import sys
sys.modules["sqlalchemy"] = sys.modules["cryptography"] = None
from lineament.cli import main
sys.exit(main(["store", "list"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={"LINEAMENT_PASSPHRASE": PASSPHRASE}
    )
    assert done.returncode == 1 and "pip install 'lineament[store]'" in done.stderr
