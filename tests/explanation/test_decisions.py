"""Decisions: the same answers whatever shape the logits have, and clear words for what is no classifier."""

from math import log

import pytest
import torch
from torch import Tensor

from lineament.classifier import from_function
from lineament.errors import JobError, UsageError
from lineament.explanation.decisions import Decisions, of_attribute

IMAGES = torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))


def means(images: Tensor) -> Tensor:
    return images.flatten(1)[:, :3] * 4 - 2


def test_one_log_odd_is_a_choice_between_two_and_the_threshold_moves_it() -> None:
    plain = Decisions(from_function(means), ("a", "b"), column=1)
    odds = means(IMAGES)[:, 1]
    assert torch.allclose(plain(IMAGES).exp()[:, 1], odds.sigmoid())
    assert torch.allclose(plain(IMAGES).exp().sum(1), torch.ones(5))
    strict = Decisions(from_function(means), ("a", "b"), column=1, threshold=0.8)
    assert torch.equal(strict.predict(IMAGES) == 1, odds.sigmoid() >= 0.8)
    assert not torch.equal(strict.predict(IMAGES), plain.predict(IMAGES))


def test_a_logit_for_each_class_is_a_softmax() -> None:
    decisions = Decisions(from_function(means), ("a", "b", "c"))
    assert torch.allclose(decisions(IMAGES), means(IMAGES).log_softmax(1))
    assert torch.equal(decisions.predict(IMAGES, batch_size=2), means(IMAGES).argmax(1))
    assert len(decisions.predict(IMAGES[:0])) == 0


def test_an_attribute_is_found_by_name() -> None:
    assert of_attribute(from_function(means), ("Hat", "Bangs", "Bald"), "Bangs", 0.3).column == 1
    with pytest.raises(UsageError, match="Bangs"):
        of_attribute(from_function(means), ("Hat", "Bangs"), "Bang")


@pytest.mark.parametrize(("classes", "column"), [(("a", "b"), None), (("a", "b", "c", "d"), None), (("a", "b"), 3)])
def test_logits_of_another_shape_are_refused_with_what_came(classes: tuple[str, ...], column: int | None) -> None:
    with pytest.raises(UsageError, match=r"got \(5, 3\)"):
        Decisions(from_function(means), classes, column)(IMAGES)


def test_a_black_box_that_raises_or_gives_no_numbers_is_told() -> None:
    def broken(images: Tensor) -> Tensor:
        raise ZeroDivisionError("no camera")

    with pytest.raises(JobError, match="ZeroDivisionError: no camera"):
        Decisions(from_function(broken), ("a", "b"))(IMAGES)

    def void(images: Tensor) -> Tensor:
        return torch.full((len(images), 2), torch.nan)

    with pytest.raises(JobError, match="not finite"):
        Decisions(from_function(void), ("a", "b"))(IMAGES)


@pytest.mark.parametrize(
    ("classes", "column", "threshold"),
    [
        (("a",), 0, 0.5),
        (("a", "a"), 0, 0.5),
        (("a", "b", "c"), 0, 0.5),
        (("a", "b"), 0, 1.0),
        (("a", "b"), None, 0.4),
        (("a", "b"), -1, 0.5),
    ],
)
def test_impossible_choices_are_refused(classes: tuple[str, ...], column: int | None, threshold: float) -> None:
    with pytest.raises(UsageError):
        Decisions(from_function(means), classes, column, threshold)


def test_probabilities_that_never_overflow() -> None:
    decisions = Decisions(from_function(lambda images: torch.full((len(images), 1), 1e4)), ("a", "b"), column=0)
    assert decisions(IMAGES)[:, 0].isfinite().all() and decisions(IMAGES)[0, 0] == pytest.approx(-1e4)
    assert log(0.5) < float(decisions(IMAGES)[0, 1]) <= 0
