"""The verbs `keys`, `serve` and `audit check` as a person calls them."""

import json
import socket

import pytest

from lineament.cli import main
from lineament.service.keys import Keys


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("LINEAMENT_PASSPHRASE", "correct horse")
    monkeypatch.delenv("LINEAMENT_STORE", raising=False)
    return tmp_path / "lineament"


def test_a_key_is_made_listed_and_revoked(home, capsys):
    assert main(["keys", "new", "verify", "enrol", "--label", "door", "--days", "2"]) == 0
    key = capsys.readouterr().out.strip()
    keys = Keys(home / "keys.sqlite")
    assert keys.find(key) is not None
    assert main(["keys", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["scopes"], row["label"], row["state"]) == (key[4:12], "enrol, verify", "door", "valid")
    assert main(["keys", "revoke", key[4:12]]) == 0
    assert keys.find(key) is None
    assert main(["keys", "list"]) == 0
    shown = capsys.readouterr().out
    assert "revoked" in shown
    assert key[13:] not in shown
    keys.close()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("keys new", 2, ""),
        ("keys new verfy", 2, "did you mean 'verify'"),
        ("keys new verify --days 0", 2, "0 to 3660 days"),
        ("keys list", 1, "lineament keys new"),
        ("keys revoke 00000000", 1, "lineament keys new"),
        ("audit check", 1, "audit.jsonl"),
        ("serve --host 0.0.0.0", 2, "needs keys"),
        ("serve --host example.org", 2, "needs keys"),
        ("serve --proxy 127.0.0.1", 2, "--proxy 127.0.0.1: others come through it, so it needs keys"),
        ("serve --keys {tmp}/none", 1, "lineament keys new"),
        ("serve --certificate {tmp}/none", 2, "give both"),
        ("serve --certificate {tmp}/none --certificate-key {tmp}/none", 1, "not a certificate"),
        ("serve --rate 0", 2, "rate: expected a positive number"),
        ("serve --port {taken}", 1, "cannot listen there"),
        ("serve --port 99999", 2, "0 to 65535"),
        ("serve --detector {tmp}", 2, "own cohort"),
        ("serve --fmr 0", 2, "fmr"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(words, code, message, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = words.format(tmp=tmp_path, taken=taken.getsockname()[1]).split()
        try:
            assert main(told) == code
        except SystemExit as refused:  # the parser's own
            assert refused.code == code
    assert message in capsys.readouterr().err
