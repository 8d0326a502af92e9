"""The four parts of section 4.5.1: disjoint, in proportion, by people where they are known."""

import numpy as np
import pytest
import torch

from lineament.datasets.base import AttributeDataset
from lineament.datasets.labelled import floats, stored
from lineament.datasets.registry import open_dataset
from lineament.errors import UsageError
from lineament.explanation.pairs import PAIRS, pair
from tests.data_root import data_root


def numbered(n: int = 1200, people: int = 0) -> AttributeDataset:
    """Images that carry their number in their first pixels; classes a, b, c in turn, the last 200 are the test part."""
    index = np.arange(n)
    return AttributeDataset(
        name="numbered",
        read=lambda i: np.array([i % 256, i // 256, 0, 0], np.uint8).reshape(2, 2, 1),
        names=[str(i) for i in index],
        attributes=("a", "b", "c"),
        labels=(index[:, None] % 3 == np.arange(3)).astype(np.int8),
        identity=index // 6 if people else np.full(n, -1),
        session=np.full(n, ""),
        split=np.where(index >= n - 200, 2, np.where(index >= n - 400, 1, 0)).astype(np.int8),
    )


def numbers(images: torch.Tensor) -> set[int]:
    flat = images.flatten(1).long()
    return set((flat[:, 0] + 256 * flat[:, 1]).tolist())


@pytest.mark.parametrize("people", [0, 1])
def test_the_parts_share_nothing_and_keep_their_proportion(people: int) -> None:
    data = numbered(people=people)
    dealt = pair(data, ("a", "c"))
    parts = [dealt.classifier, dealt.explainer, dealt.validation, dealt.test]
    seen = [numbers(part.images) for part in parts]
    assert sum(map(len, seen)) == len(set().union(*seen))
    assert seen[3] == {i for i in range(1000, 1200) if i % 3 != 1}
    assert [len(part) for part in parts[:3]] == pytest.approx([22, 556, 89], abs=12)
    for part in parts:
        expected = [0 if i % 3 == 0 else 1 for i in sorted(numbers(part.images))]
        assert sorted(part.labels.tolist()) == sorted(expected) and len(part.of(1)) == sum(expected)
    if people:
        groups = [{i // 6 for i in part} for part in seen[:3]]
        assert sum(map(len, groups)) == len(set().union(*groups))
    again, other = pair(data, ("a", "c")), pair(data, ("a", "c"), seed=1)
    assert numbers(again.classifier.images) == seen[0] != numbers(other.classifier.images)


def test_labels_follow_the_order_of_the_classes() -> None:
    dealt = pair(numbered(), ("c", "a"))
    assert all(i % 3 == 2 for i in numbers(dealt.test.of(0))) and all(i % 3 == 0 for i in numbers(dealt.test.of(1)))


def test_what_cannot_be_dealt_is_refused() -> None:
    with pytest.raises(UsageError, match="'d'"):
        pair(numbered(), ("a", "d"))
    with pytest.raises(UsageError, match="no image of"):
        pair(numbered(230), ("a", "b"))
    data = numbered()
    mixed = AttributeDataset(**{**vars(data), "read": lambda i: np.zeros((2, 2 + i % 2, 1), np.uint8)})
    with pytest.raises(UsageError, match="differ in size"):
        stored(mixed, np.arange(4))


def test_bytes_become_an_image_batch() -> None:
    assert floats(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).tolist() == [[[[0.0, 1.0]]]]


@pytest.mark.parametrize("name", PAIRS)
def test_the_real_files_give_the_chapters_numbers(name: str) -> None:
    data = open_dataset(name, data_root())
    for classes in PAIRS[name][:1]:
        dealt = pair(data, classes)
        wanted = [400, 10_000, 1600, 2000]
        found = [len(part) for part in (dealt.classifier, dealt.explainer, dealt.validation, dealt.test)]
        assert found == pytest.approx(wanted, rel=0.08)
