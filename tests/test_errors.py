"""The two kinds of error, and the sentence that helps with a misspelt name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.errors import JobError, LineamentError, UsageError, nearest

ATTRIBUTES = ["Eyeglasses", "Smiling", "Wearing_Hat", "Wearing_Necktie"]


def test_exit_codes_and_bases() -> None:
    assert (JobError.exit_code, UsageError.exit_code) == (1, 2)
    assert issubclass(JobError, LineamentError) and issubclass(UsageError, LineamentError)
    assert issubclass(UsageError, ValueError) and not issubclass(JobError, ValueError)


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("eyeglases", "'Eyeglasses'"),
        ("SMILING", "'Smiling'"),
        ("wearing hat", "'Wearing_Hat' or 'Wearing_Necktie'"),
    ],
)
def test_the_closest_names_are_offered_best_first(name: str, offered: str) -> None:
    assert nearest(name, ATTRIBUTES, "attribute") == f"unknown attribute {name!r}; did you mean {offered}?"


def test_all_names_are_listed_when_none_is_close() -> None:
    assert nearest("xyz", ["b", "a"]) == "unknown name 'xyz'; known: a, b"
    assert nearest("xyz", []) == "unknown name 'xyz'; known: none"


def test_names_may_come_from_an_iterator() -> None:
    assert "known: a, b" in nearest("xyz", iter(["b", "a"]))


@given(name=st.text(), known=st.lists(st.text()))
def test_any_name_is_refused_with_a_known_one(name: str, known: list[str]) -> None:
    message = nearest(name, known)
    assert repr(name) in message
    assert all(entry in message for entry in known) or any(repr(entry) in message for entry in known)
