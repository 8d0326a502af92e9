"""What the benchmark before a webcam says of five people when nothing happened, on sessions made up for it."""

import math

import pytest

from benchmarks.watch_face_video import Session, summary


def test_no_false_lock_of_five_people_is_no_proof_of_none():
    people = "ABCDE"
    sessions = [
        Session(owner, visitor, True, math.inf if owner == visitor else 2.0, 10.0, int(owner != visitor),
                owner == visitor, "")
        for owner in people for visitor in people
    ]  # fmt: skip
    found = summary(sessions, 0)
    assert found["owner_sessions_with_false_lock"] == 0
    assert found["owner_sessions_with_false_lock_high"] == pytest.approx(1 - 0.05**0.2)
    assert found["strangers_never_locked_high"] == found["strangers_let_in_high"] == pytest.approx(1 - 0.05**0.2)
    assert (found["owners_let_in"], found["owners_let_in_low"]) == (1, pytest.approx(0.05**0.2))
    assert found["false_locks_per_minute_high"] == pytest.approx(3 / found["owner_minutes"], rel=0.01)
    assert [found[f"median_seconds_to_lock{end}"] for end in ("", "_low", "_high")] == [2, 2, 2]
