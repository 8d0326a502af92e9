"""Tossed portraits: fair coins that nothing else knows of, styles drawn anew, everything else as it was."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineament.datasets.portraits import ATTRIBUTES, STYLE, counterfactual, labels, parameters, portraits, tossed
from lineament.errors import UsageError

STYLED = (
    *("Bangs", "Eyeglasses", "Heavy_Makeup", "Smiling"),
    *("Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necktie"),
)


@pytest.fixture(scope="module")
def many():
    return tossed(STYLED, 500, 4, size=32, seed=7)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    known = (first >= 0) & (second >= 0)
    if not first[known].std() or not second[known].std():
        return 0.0
    return float(np.corrcoef(first[known], second[known])[0, 1])


def test_every_coin_is_fair_and_knows_nothing_of_other_labels(many):
    columns = {name: many.column(name) for name in many.attributes}
    for name in STYLED:
        assert abs(columns[name].mean() - 0.5) < 0.05
        # 2,000 images of 500 people: 0.1 is more than four standard errors of a correlation that is none
        assert max(abs(correlation(columns[name], columns[other])) for other in columns if other != name) < 0.1


def test_coins_and_styles_tell_nothing_of_the_person_or_the_day(many):
    style = [many.style(i) for i in range(len(many))]
    numbers = [many.column(name).astype(float) for name in STYLED]
    numbers += [np.array([entry["eyeglasses_tint"] for entry in style])]
    numbers += [np.array([entry["hat_shape"] == "cap" for entry in style], float)]
    for values in numbers:
        of_person = values.reshape(500, 4)
        between = of_person.mean(1).var() * 4 / of_person.var()  # 1 where images of a person are strangers
        assert 0.75 < between < 1.25


def test_no_coin_moves_another_label(many):
    free = [name for name in ATTRIBUTES if name not in STYLED]
    scene = many.read.__self__.scene
    for i in range(0, len(many), 50):
        kept = labels(scene(i))
        for name in STYLED:
            other = labels(counterfactual(scene(i), **{name: name not in scene(i).present}))
            moved = {ATTRIBUTES[k] for k in np.flatnonzero((kept != other) & (kept >= 0) & (other >= 0))}
            assert moved == {name}
    assert not many.column("Bald").any() and not many.column("Wearing_Necklace").any()
    assert "Male" in free and 0.3 < many.column("Male").mean() < 0.6


def test_the_rest_is_the_same_portrait():
    toss, plain = tossed(["Eyeglasses"], 20, 3, seed=5), portraits(20, 3, seed=5)
    for i in range(60):
        theirs, ours = plain.style(i), toss.style(i)
        assert {key for key in ours if ours[key] != theirs[key]} <= set(STYLE["Eyeglasses"])
    others = [k for k, name in enumerate(ATTRIBUTES) if name != "Eyeglasses"]
    assert (toss.labels[:, others] == plain.labels[:, others]).all()
    assert (toss.identity == plain.identity).all() and (toss.split == plain.split).all()
    assert (toss.labels != plain.labels).any()


def test_tossing_more_moves_no_style_of_the_image():
    one, two = tossed(["Bangs"], 3, 2, seed=1), tossed(["Bangs", "Smiling"], 3, 2, seed=1)
    keys = STYLE["Bangs"]
    assert [[one.style(i)[key] for key in keys] for i in range(6)] == [
        [two.style(i)[key] for key in keys] for i in range(6)
    ]


def test_same_numbers_same_bytes_and_it_travels_between_processes():
    first, again = (tossed(STYLED, 3, 2, size=32, seed=9) for _ in range(2))
    there = pickle.loads(pickle.dumps(first.read))  # noqa: S301 - our own bytes
    assert all((first.read(i) == again.read(i)).all() and (there(i) == first.read(i)).all() for i in range(6))
    assert (first.read(0) != tossed(STYLED, 3, 2, size=32, seed=10).read(0)).any()
    assert first.style(4)["hat_color"] == parameters(first.read.__self__.scene(4))["hat_color"]


@settings(max_examples=20, deadline=None)
@given(st.sets(st.sampled_from(STYLED)), st.integers(0, 99))
def test_labels_are_what_was_drawn(names, seed):
    data = tossed(sorted(names), 2, 2, size=32, seed=seed)
    present = [data.read.__self__.scene(i).present for i in range(4)]
    for name in names:
        assert data.column(name).tolist() == [name in here for here in present]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Eyeglases"], "did you mean 'Eyeglasses'"),
        (["Smiling", "Smiling"], "named twice"),
        (["Wavy_Hair"], "always changes other labels"),
        (["Bald"], "always changes other labels"),
        (["Wearing_Necklace", "Wearing_Necktie"], "always changes other labels"),
    ],
)
def test_what_cannot_be_tossed_is_refused(names, message):
    with pytest.raises(UsageError, match=message):
        tossed(names, 2, 2)


def test_wrong_numbers_are_refused_as_for_portraits():
    with pytest.raises(UsageError, match="sessions=3"):
        tossed(["Smiling"], 2, 2, sessions=3)
