"""What is rare, by counting one image at a time; and which images could be edited, by looking at each."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lineament.datasets.base import AttributeDataset
from lineament.editing.combinations import named, rare_pairs, shown, sources
from lineament.errors import UsageError
from tests.editing.patch_editor import NAMES, patches


def labelled(labels: np.ndarray, split: np.ndarray) -> AttributeDataset:
    n = len(labels)
    return AttributeDataset(
        "labels", lambda i: np.zeros((4, 4, 3), np.uint8), [str(i) for i in range(n)], NAMES, labels.astype(np.int8),
        np.arange(n), np.full(n, ""), split.astype(np.int8),
    )  # fmt: skip


tables = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        arrays.arrays(np.int8, (n, 4), elements=st.integers(-1, 1)),
        arrays.arrays(np.int8, (n,), elements=st.integers(0, 2)),
    )
)


@given(tables)
def test_pairs_are_counted_as_one_by_one(table: tuple[np.ndarray, np.ndarray]) -> None:
    dataset = labelled(*table)
    train = table[0][table[1] == 0]
    found = rare_pairs(dataset, NAMES[:2])
    expected_pairs = {
        (NAMES[i], NAMES[j])
        for i, j in itertools.combinations(range(4), 2)
        if i < 2 and any(row[i] >= 0 and row[j] >= 0 for row in train)
    }
    assert {tuple(pair.combination) for pair in found} == expected_pairs
    assert [pair.images for pair in found] == sorted(pair.images for pair in found)
    for pair in found:
        i, j = (NAMES.index(name) for name in pair.combination)
        known = [row for row in train if row[i] >= 0 and row[j] >= 0]
        assert pair.images == sum(row[i] == 1 and row[j] == 1 for row in known)
        shares = [np.mean([row[k] == 1 for row in known]) for k in (i, j)]
        assert pair.expected == pytest.approx(len(known) * shares[0] * shares[1])
        assert shown(dataset, pair.combination) == pair._replace(expected=pytest.approx(pair.expected))


@given(tables, st.lists(st.booleans(), min_size=3, max_size=3))
def test_sources_lack_nothing_but_what_can_be_drawn(table: tuple[np.ndarray, np.ndarray], on: list[bool]) -> None:
    dataset, combination = labelled(*table), dict(zip(NAMES, on, strict=False))
    editable = NAMES[1:]
    right = {}
    for i, (row, part) in enumerate(zip(*table, strict=True)):
        lacks = [bool(row[k] != on[k]) for k in range(3)]
        if part == 0 and all(row[:3] >= 0) and any(lacks) and not lacks[0]:
            right[i] = lacks
    if not right:
        with pytest.raises(UsageError, match="no training image with (no )?North_West, which the editor cannot draw"):
            sources(dataset, editable, combination, 0)
        return
    order, lacking = sources(dataset, editable, combination, 0)
    assert dict(zip(order.tolist(), lacking.tolist(), strict=True)) == right
    assert np.all(np.diff(lacking.sum(1)) >= 0)


def test_the_seed_deals_out_the_order() -> None:
    dataset, combination = patches(), {"North_West": True, "North_East": False}
    first, again, other = (sources(dataset, NAMES, combination, seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert sorted(first) == sorted(other) and first.tolist() != other.tolist()


def test_what_cannot_be_is_refused_with_the_reason() -> None:
    dataset = patches()
    with pytest.raises(
        UsageError, match="North_West, no South_East: the editor draws none of these; it draws North_East"
    ):
        sources(dataset, ["North_East"], {"North_West": True, "South_East": False}, 0)
    with pytest.raises(UsageError, match="did you mean 'North_West'"):
        shown(dataset, {"North_Wst": True})
    with pytest.raises(UsageError, match="at least one attribute"):
        sources(dataset, NAMES, {}, 0)
    full = replace(dataset, labels=np.ones_like(dataset.labels))
    with pytest.raises(UsageError, match="no training image lacks any of North_West: none to edit"):
        sources(full, NAMES, {"North_West": True}, 0)
    assert named({"A": True, "B": False}) == "A, no B"
