"""A sealed file: opens for who knows the passphrase, as the one it was sealed for, whole; or not at all."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineament.authentication.sealed_file import read, write
from lineament.authentication.template import Template
from lineament.errors import JobError, LineamentError, UsageError

pytest.importorskip("cryptography")
PASSPHRASE = "correct horse"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    path = tmp_path_factory.mktemp("sealed") / "anna.json"
    return write(path, template(), PASSPHRASE)


def template(user: str = "anna") -> Template:
    return Template(
        user, "a" * 64, "b" * 64, ("Eyeglasses", "Wearing_Hat"), np.array([1.5, np.nan]), np.array([0.5, 0.5]),
        1, 3, False, 2.0, 0.01, (0.005, 0.02), "2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def test_what_was_sealed_is_read_again(sealed) -> None:
    assert read(sealed, PASSPHRASE) == template()
    assert sealed.stat().st_mode & 0o077 == 0
    assert b"Eyeglasses" not in sealed.read_bytes()


def test_a_wrong_passphrase_a_short_one_and_a_missing_file(sealed, tmp_path) -> None:
    with pytest.raises(JobError, match="anna.json: wrong passphrase"):
        read(sealed, "wrong horse")
    with pytest.raises(UsageError, match="at least 8"):
        write(tmp_path / "short.json", template(), "short")
    assert not list(tmp_path.iterdir())
    with pytest.raises(JobError, match="could not be read"):
        read(tmp_path / "none.json", PASSPHRASE)


@pytest.mark.parametrize(
    "change", [{"user": "ben"}, {"model": "c" * 64}, {"lineament_template": 2}, {"sealed": "AAAA"}, {"header": "x"}]
)
def test_a_file_whose_names_were_changed_does_not_open(change, sealed, tmp_path) -> None:
    plain = json.loads(sealed.read_text())
    (tmp_path / "other.json").write_text(json.dumps(plain | change))
    with pytest.raises(JobError, match="other.json"):
        read(tmp_path / "other.json", PASSPHRASE)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.booleans())
def test_any_changed_byte_is_refused_or_changes_nothing(place, byte, cut, sealed, tmp_path) -> None:
    content = bytearray(sealed.read_bytes())
    place %= len(content)
    content = content[:place] if cut else content[:place] + bytes([byte]) + content[place + 1 :]
    (tmp_path / "hurt.json").write_bytes(content)
    try:
        assert read(tmp_path / "hurt.json", PASSPHRASE) == template()
    except LineamentError as error:
        assert "hurt.json" in str(error)
