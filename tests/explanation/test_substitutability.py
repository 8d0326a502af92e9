"""What a class is replaced by, how much, and what that costs a classifier."""

import numpy as np
import pytest
import torch
from scipy import stats

from lineament.classifier import from_function
from lineament.datasets.labelled import Labelled, floats
from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import Explainer
from lineament.explanation.networks import Transformer
from lineament.explanation.objective import composed
from lineament.explanation.small_classifiers import accuracy, train_small
from lineament.explanation.substitutability import CEILING, made_from, of_explainer, substitutability, substituted


def halves(count: int, seed: int) -> Labelled:
    """Class 0 is bright on the left, class 1 on the right."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (count,), generator=generator)
    images = torch.randint(0, 90, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    images[labels == 0, :, :, :4] += 100
    images[labels == 1, :, :, 4:] += 100
    return Labelled(images, labels)


def brighter_side(images):
    means = images.mean((1, 2)).unflatten(1, (2, 4)).mean(2)
    return means * 10


def mirrored(images, target):
    return {"transformed": images.flip(3)}


def unchanged(images, target):
    return {"transformed": images}


DECISIONS = Decisions(from_function(brighter_side), ("left", "right"))


def test_images_are_made_from_what_the_classifier_takes_for_the_other_class():
    part = halves(60, 0)
    wrong = Labelled(part.images, 1 - part.labels)  # labels play no part
    into_0, into_1 = made_from(wrong.images, DECISIONS, mirrored, batch_size=7)["transformed"]
    assert torch.equal(into_0, part.of(1).flip(3)) and torch.equal(into_1, part.of(0).flip(3))


def test_made_images_are_stored_as_the_nearest_bytes():
    made = made_from(halves(20, 0).images, DECISIONS, lambda images, target: {"transformed": images * 0 + 0.4999})
    assert all(into.dtype == torch.uint8 and (into == 127).all() for into in made["transformed"])


def test_a_one_way_method_fills_the_cells_of_one_class():
    part = halves(40, 0)
    made = made_from(part.images, DECISIONS, lambda images, target: {} if target else mirrored(images, target))
    assert made["transformed"][1] is None
    assert list(substituted(part, made)) == ["transformed_0"]


def test_nothing_is_crossed_where_one_class_is_never_decided_for():
    with pytest.raises(UsageError, match="takes none of the 5 images for 'right'"):
        made_from(halves(40, 0).of(0)[:5], DECISIONS, mirrored)


def test_three_classes_have_no_substitutability():
    three = Decisions(from_function(lambda images: torch.zeros(len(images), 3)), ("a", "b", "c"))
    with pytest.raises(UsageError, match="of two classes, and this classifier has 3"):
        made_from(halves(4, 0).images, three, mirrored)


@pytest.mark.parametrize("made_count", [3, 200])
def test_a_replaced_class_keeps_its_size_and_none_of_its_images(made_count):
    part = halves(50, 1)
    into = [torch.full((made_count, 1, 8, 8), 250 + j, dtype=torch.uint8) for j in (0, 1)]
    sets = substituted(part, {"transformed": tuple(into), "composite": tuple(into)})
    assert sorted(sets) == sorted(
        f"{name}" for kind in ("transformed", "composite") for name in (f"{kind}_0", f"{kind}_1", f"both_{kind}")
    )
    counts = torch.bincount(part.labels)
    for name, replaced in (("transformed_0", (0,)), ("composite_1", (1,)), ("both_transformed", (0, 1))):
        for j in (0, 1):
            images = sets[name].of(j)
            assert len(images) == counts[j]
            assert (images == 250 + j).all() if j in replaced else torch.equal(images, part.of(j))


def test_too_few_made_images_are_taken_again_in_turn():
    part = halves(9, 2)
    into_0 = torch.arange(2, dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 1, 8, 8)
    images = substituted(part, {"transformed": (into_0, None)})["transformed_0"].of(0)
    assert images[:, 0, 0, 0].tolist() == [i % 2 for i in range(len(part.of(0)))]


def quickly(part, seed):
    return train_small(part, 2, seed=seed, epochs=5)


def test_good_images_cost_nothing_and_unchanged_ones_everything():
    part, test = halves(200, 3), halves(300, 4)
    good = substituted(part, made_from(part.images, DECISIONS, mirrored))
    bad = substituted(part, made_from(part.images, DECISIONS, unchanged))
    sets = {CEILING: part, "good": good["both_transformed"], "bad": bad["both_transformed"]}
    shares = substitutability(sets, test, (0, 1), train=quickly)
    assert shares[CEILING].share == 1 and shares[CEILING].accuracy > 0.99
    assert shares["good"].share > 0.99
    assert shares["bad"].share < 0.05  # both classes made of the other one's images: the labels are swapped


def test_the_interval_is_students_over_seeds_of_paired_shares():
    part, test = halves(40, 5), halves(200, 6)
    noisy = Labelled(part.images, torch.randint(0, 2, (40,), generator=torch.Generator().manual_seed(0)))
    shares = substitutability({CEILING: part, "noisy": noisy}, test, (3, 4, 5), train=quickly)
    reached = [[accuracy(quickly(which, seed), test) for seed in (3, 4, 5)] for which in (noisy, part)]
    ratios = np.divide(*reached)
    assert shares["noisy"].accuracy == pytest.approx(np.mean(reached[0]))
    low, high = stats.t.interval(0.95, 2, ratios.mean(), stats.sem(ratios))
    assert shares["noisy"][1:] == pytest.approx((ratios.mean(), low, high))


@pytest.mark.parametrize(("sets", "seeds"), [({CEILING: halves(4, 0)}, (0,)), ({"other": halves(4, 0)}, (0, 1))])
def test_two_seeds_and_a_ceiling_are_needed(sets, seeds):
    with pytest.raises(UsageError, match="two seeds or more and a set 'ceiling'"):
        substitutability(sets, halves(4, 0), seeds)


def test_an_explainer_crosses_from_the_other_class():
    torch.manual_seed(0)
    explainer = Explainer(Transformer((1, 8, 8), width=4), ("left", "right"))
    images = floats(halves(6, 0).images)
    for target in (0, 1):
        made = of_explainer(explainer)(images, target)
        to = torch.full((6,), target)
        crossing = explainer.cross(images, 1 - to, to)
        assert torch.equal(made["transformed"], crossing.transformed)
        assert torch.equal(made["composite"], composed(images, crossing.transformed, crossing.mask))


def test_without_a_mask_there_is_no_composite():
    explainer = Explainer(Transformer((1, 8, 8), width=4), ("left", "right"), masked=False)
    assert list(of_explainer(explainer)(floats(halves(3, 0).images), 1)) == ["transformed"]
