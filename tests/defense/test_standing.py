"""Every threat that a classifier and a purifier allow is tried, and what is told apart is told apart rightly."""

import pytest
import torch

from lineament.classifier import from_function, from_module
from lineament.defense.cases import Case
from lineament.defense.defense_gan import defense_gan
from lineament.defense.modes import ProjectionConfig
from lineament.defense.networks import Generator
from lineament.defense.standing import EPS, KNOWN, TELLING, Effort, Scores, effort, oblivious, scores, stand, strongest
from lineament.defense.threats import CLEAN, rows
from lineament.defense.trivial import binarised, blurred

LITTLE = Effort(images=4, development=20, eps=EPS[2:], steps=2, unrolled=1, queries=3)


def grey_case(differentiable=True, count=4, size=28):
    """Whether the upper half is lighter than the lower one."""

    class Lighter(torch.nn.Module):
        def forward(self, images):
            rise = 9 * (images[:, :, : size // 2] - images[:, :, size // 2 :]).mean((1, 2, 3))
            return torch.stack([-rise, rise], 1)

    images = torch.rand(count, 1, size, size, generator=torch.Generator().manual_seed(0)) / 2 + 0.25
    made = from_module(Lighter())
    classifier = made if differentiable else from_function(made)
    return Case("Lighter", classifier, images, made(images).argmax(1), [str(i) for i in range(count)])


def tiny_projection():
    torch.manual_seed(0)
    generator = Generator((1, 28, 28), latent=4, width=2).eval().requires_grad_(False)
    return defense_gan(generator, ProjectionConfig(stages=((3, 2),), optimiser="adam", rate=0.1, deviation=1.0))


@pytest.mark.parametrize(
    ("purifier", "differentiable", "names"),
    [
        (blurred(), True, ["oblivious", "exact gradient", "random noise", "queries alone"]),
        (binarised(), True, ["oblivious", "BPDA", "random noise", "queries alone"]),
        (tiny_projection(), True, ["oblivious", "BPDA", "exact gradient", "on the manifold", "random noise",
                                   "queries alone"]),
        (blurred(), False, ["oblivious", "random noise", "queries alone"]),
    ],
)  # fmt: skip
def test_every_threat_that_the_two_allow_is_tried_at_every_budget(purifier, differentiable, names):
    found = stand(grey_case(differentiable), purifier, LITTLE)
    assert list(dict.fromkeys(trial.threat for trial in found)) == [CLEAN, *names]
    budgets = {name: [trial.eps for trial in found if trial.threat == name] for name in names}
    assert budgets.pop("queries alone") == [EPS[3]]
    assert all(each == list(EPS[2:]) for each in budgets.values())
    assert all(row["undefended"] for row in rows(found) if row["threat"] == "oblivious")
    assert set(names) <= KNOWN.keys()


def test_the_strongest_is_what_the_defence_stands_least_and_chance_is_none():
    found = stand(grey_case(count=16), blurred(), LITTLE)
    at = [trial for trial in found if trial.eps == TELLING and trial.threat != "random noise"]
    worst = strongest(found, TELLING)
    assert int(worst.correct.sum()) == min(int(trial.correct.sum()) for trial in at)
    assert oblivious(found, TELLING).threat == "oblivious"


def test_scores_of_several_sets_follow_each_other():
    case = grey_case()
    one = scores(case, case.images, blurred()(case.images))
    both = Scores.of([one, one])
    assert len(both.error) == 8 and torch.equal(both.disagreement[4:], one.disagreement)
    assert bool(both.error.isfinite().all()) and one.error.min() > 0


def test_behind_a_generator_less_is_tried_and_the_telling_budget_always():
    full, quick, projected = effort(blurred(), False), effort(blurred(), True), effort(tiny_projection(), False)
    assert full.images > quick.images > projected.images and full.steps > projected.steps
    assert all(TELLING in each.eps for each in (full, quick, projected))
