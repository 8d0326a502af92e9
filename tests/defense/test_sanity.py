"""Every sign of a bad evaluation shows on a defence made to give it, and a good one shows none."""

import pytest

from lineament.defense.sanity import flags
from lineament.defense.threats import trials
from tests.defense.toy_defence import NOTHING, Blind, Down, Knowing, Lazy, Stuck, behind, pixels

IMAGES, LABELS = pixels(*[0.3] * 12, *[0.7] * 4)


class Wasteful(Knowing):
    def run(self, classifier, images, labels, generator):
        return images if self.eps > 0.3 else super().run(classifier, images, labels, generator)


@pytest.mark.parametrize(
    ("threats", "eps", "purifier", "said"),
    [
        ({"few steps": Wasteful(1.0)}, (0.2, 0.4), None,
         "few steps at eps 0.4 fools fewer images than few steps at eps 0.2: more budget"),
        ({"BPDA": Lazy(1.0), "oblivious": Down(1.0)}, (0.2,), None,
         "BPDA at eps 0.2 fools fewer images than oblivious at eps 0.2: it knows the defence"),
        ({"BPDA": Lazy(1.0), "square": Blind(1.0)}, (0.2,), None,
         "BPDA at eps 0.2 fools fewer images than square at eps 0.2: its gradient leads nowhere"),
        ({"PGD": Stuck(1.0), "FGSM": Down(1.0)}, (0.3,), NOTHING,
         "PGD at eps 0.3 fools fewer images than FGSM at eps 0.3: several steps"),
        ({"BPDA": Lazy(1.0)}, (0.5,), None, "the worst case at eps 0.5 is above chance (50%)"),
    ],
)  # fmt: skip
def test_a_sign_is_told(threats, eps, purifier, said):
    (told,) = flags(trials(behind(purifier), IMAGES, LABELS, threats, eps), 2)
    assert told.startswith(said)


def test_a_sound_evaluation_has_none():
    threats = {"FGSM": Down(1.0), "BPDA": Knowing(1.0), "square": Blind(1.0)}
    assert flags(trials(behind(), IMAGES, LABELS, threats, (0.1, 0.3, 0.5)), 2) == []


def test_what_chance_may_do_is_not_told():
    few, labels = pixels(0.3, 0.3, 0.7)
    found = trials(behind(), few, labels, {"BPDA": Lazy(1.0), "oblivious": Down(1.0)}, (0.2,))
    assert flags(found, 2) == []


def test_an_oblivious_attack_may_well_do_worse():
    images, labels = pixels(*[0.9] * 12)
    found = trials(behind(), images, labels, {"FGSM": Down(1.0), "square": Blind(1.0)}, (0.45,))
    assert flags(found, 2) == []
