"""Accuracy under each threat model, worked out by hand on pixels; the worst case is taken image by image."""

import json
import math

import pytest
import torch

from lineament.attacks.adaptive import BPDA
from lineament.attacks.black_box import BlackBox
from lineament.attacks.gradient_sign import PGD
from lineament.classifier import from_function
from lineament.defense.threats import CLEAN, WORST, evaluate, joined, lost_at, rows, trials
from lineament.errors import UsageError
from lineament.purifier import defended
from tests.defense.toy_defence import NOTHING, Blind, Down, Knowing, Lazy, bare, behind, pixels

IMAGES, LABELS = pixels(0.9, 0.45, 0.3, 0.05)  # lost behind the defence from a change of 0.5+, 0, 0.1, 0.35 on
EPS = (0.15, 0.4, 0.55)


def figures(found, threat):
    return [(row["eps"], row["accuracy"][0], row["undefended"] and row["undefended"][0]) for row in found
            if row["threat"] == threat]  # fmt: skip


def test_each_threat_is_aimed_where_it_can_work():
    found = evaluate(behind(), IMAGES, LABELS, {"oblivious": Down(1.0), "knowing": Knowing(1.0)}, EPS)
    assert figures(found, CLEAN) == [(0, 0.75, 1)]
    assert figures(found, "oblivious") == [(0.15, 0.5, 0.75), (0.4, 0.25, 0.25), (0.55, 0, 0)]
    assert figures(found, "knowing") == [(0.15, 0.5, None), (0.4, 0.25, None), (0.55, 0, None)]
    assert [row["attack"] for row in found[1:3]] == ["Down(eps=0.15)", "Down(eps=0.4)"]
    assert json.loads(json.dumps(found)) == found


def test_an_image_is_lost_to_whichever_attack_gets_it_and_stays_lost():
    class UpOnly(Knowing):
        def run(self, classifier, images, labels, generator):
            return torch.where(images < 0.5, images + self.eps, images)

    class DownOnly(Knowing):
        def run(self, classifier, images, labels, generator):
            return torch.where(images > 0.5, images - self.eps, images)

    found = trials(behind(), IMAGES, LABELS, {"up": UpOnly(1.0), "down": DownOnly(1.0)}, (0.15, 0.55))
    assert lost_at(found).tolist() == pytest.approx([0.55, 0, 0.15, 0.55])
    told = rows(found, EPS)
    assert [figures(told, threat)[-1][1] for threat in ("up", "down")] == [0.25, 0.5]
    assert [accuracy for _, accuracy, _ in figures(told, WORST)] == [0.5, 0.5, 0]


def test_a_larger_budget_never_helps_the_worst_case():
    class Wasteful(Knowing):
        def run(self, classifier, images, labels, generator):
            return images if self.eps > 0.5 else super().run(classifier, images, labels, generator)

    found = evaluate(behind(), IMAGES, LABELS, {"wasteful": Wasteful(1.0)}, EPS)
    assert [accuracy for _, accuracy, _ in figures(found, "wasteful")] == [0.5, 0.25, 0.75]
    assert [accuracy for _, accuracy, _ in figures(found, WORST)] == [0.5, 0.25, 0.25]


def test_rounding_takes_no_image_out_of_its_budget():
    images, labels = pixels(*torch.linspace(0.02, 0.98, 49).tolist())
    found = evaluate(behind(), images, labels, {"knowing": Knowing(1.0)}, (0.1, 0.3))
    assert max(row["linf"] for row in found if row["eps"] == 0.1) > 0.1  # as float32 has it
    assert [accuracy for _, accuracy, _ in figures(found, WORST)] == [
        accuracy for _, accuracy, _ in figures(found, "knowing")
    ]


def test_an_attack_without_a_budget_counts_where_its_images_lie_within_one():
    class Free(Lazy):
        eps = None  # type: ignore[assignment]

        def __init__(self):
            pass

        def project(self, adversarial, images):
            return adversarial

        def run(self, classifier, images, labels, generator):
            return images + torch.tensor([-0.52, 0, 0.2, 0])[:, None, None, None]

    found = trials(behind(), IMAGES, LABELS, {"free": Free()}, ())
    assert found[1].eps is None
    assert lost_at(found).tolist() == pytest.approx([0.52, 0, 0.2, math.inf])
    assert [accuracy for _, accuracy, _ in figures(rows(found, EPS), WORST)] == [0.75, 0.5, 0.25]


def test_a_bare_classifier_is_evaluated_behind_a_purifier_that_changes_nothing():
    found = evaluate(behind(NOTHING), IMAGES, LABELS, {"white box": Down(1.0), "blind": Blind(1.0)}, EPS)
    told = figures(found, "white box")
    assert all(accuracy == undefended for _, accuracy, undefended in told)
    assert [one[1] for one in told] == [one[1] for one in figures(found, "blind")] == [0.75, 0.25, 0]


def test_what_could_ask_the_defence_can_be_kept_from_knowing_it():
    found = evaluate(behind(), IMAGES, LABELS, {"blind": Blind(1.0)}, EPS, oblivious=["blind"])
    assert figures(found, "blind") == [(0.15, 0.5, 0.75), (0.4, 0.25, 0.25), (0.55, 0, 0)]


def test_pgd_at_another_classifier_than_the_one_judged_does_not_stop_where_that_is_barely_wrong():
    found = trials(behind(), IMAGES, LABELS, {"blind": PGD(1.0, steps=3)}, EPS, oblivious=["blind"])
    assert [one.attack.until_wrong for one in found[1:]] == [False] * 3
    assert not BlackBox(bare(), PGD(1.0)).attack.until_wrong
    assert "until_wrong=False" in rows(found)[1]["attack"]


def test_a_transferred_attack_takes_the_budgets_too():
    sent = BlackBox(bare(), Down(1.0))
    found = evaluate(behind(), IMAGES, LABELS, {"black box": sent}, EPS)
    assert figures(found, "black box") == [(0.15, 0.5, None), (0.4, 0.25, None), (0.55, 0, None)]
    assert found[1]["linf"] == pytest.approx(0.15)


def test_trials_on_several_sets_are_one_evaluation():
    threats = {"oblivious": Down(1.0), "knowing": Knowing(1.0)}
    parts = [trials(behind(), IMAGES[half], LABELS[half], threats, EPS) for half in (slice(2), slice(2, 4))]
    whole = trials(behind(), IMAGES, LABELS, threats, EPS)
    for a, b in zip(rows(joined(parts)), rows(whole), strict=True):
        assert a | {"seconds": 0} == b | {"seconds": 0}


def test_an_attack_that_works_on_neither_says_why_it_does_not_on_the_defence():
    blind = defended(from_function(lambda images: torch.zeros(len(images), 2)), NOTHING)
    with pytest.raises(UsageError, match="behind nothing, has no gradient, which bpda needs"):
        trials(blind, IMAGES, LABELS, {"BPDA": BPDA(1.0)}, EPS)


def test_it_is_one_result_whatever_the_batch():
    threats = {"oblivious": Down(1.0), "knowing": Knowing(1.0)}
    whole, single = (trials(behind(), IMAGES, LABELS, threats, EPS, batch_size=size) for size in (256, 1))
    for a, b in zip(whole, single, strict=True):
        assert torch.equal(a.adversarial.images, b.adversarial.images) and torch.equal(a.correct, b.correct)


@pytest.mark.parametrize(
    ("images", "eps", "threats", "said"),
    [
        (IMAGES, (0.3, 0.1), {}, "rising budgets, got 0.3, 0.1"),
        (IMAGES, (-0.1, 0.1), {"a": Down(1.0)}, "eps: expected a number of at least 0"),
        (IMAGES, EPS, {WORST: Down(1.0)}, "'worst case' is reserved"),
        (IMAGES[:0], EPS, {}, "expected at least one to attack"),
        (IMAGES + 1, EPS, {}, r"expected values in \[0, 1\]"),
        (IMAGES, EPS, {"a": Down(1.0)}, r"int64 of shape \(4,\)"),
    ],
)
def test_what_cannot_be_evaluated_is_told(images, eps, threats, said):
    labels = LABELS[: len(images)] if "int64" not in said else LABELS[:2]
    with pytest.raises(UsageError, match=said):
        evaluate(behind(), images, labels, threats, eps)
