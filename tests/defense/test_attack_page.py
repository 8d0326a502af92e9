"""What the heads of the pages of attack and defence make of their figures."""

import pytest

from lineament.defense import attack_page, defend_report


def figures(clean, worst, *, defense="a wall", bare=(0.98, 0.95, 1.0), doubts=()):
    rows = [{"threat": "no attack", "eps": 0.0, "accuracy": clean, "undefended": list(bare)}]
    rows.append({"threat": "worst case", "eps": 0.3, "accuracy": worst, "undefended": None})
    return {"attacks": rows, "defense": defense, "doubts": list(doubts)}


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        (figures([0.97, 0.9, 0.99], [0.9, 0.81, 0.95]), ["strength", "strength"]),
        (figures([0.97, 0.9, 0.99], [0.9, 0.79, 0.95]), ["strength", "weak flank"]),  # not surely
        (figures([0.9, 0.85, 0.95], [0.9, 0.81, 0.95]), ["weak flank", "strength"]),  # the defence costs decisions
        (figures([0.97, 0.9, 1], [0.9, 0.81, 1], doubts=["x"]), ["strength", "weak flank", "blind spot"]),
        (figures([0.75, 0.7, 0.79], [0, 0, 0.1], defense=None), ["weak flank", "weak flank"]),
    ],
)
def test_only_what_surely_stands_is_a_strength(told, kinds):
    found = attack_page._findings(told)
    assert [finding.kind for finding in found] == kinds
    assert ("98% bare" in found[0].text) == (told["defense"] is not None)


def test_without_labels_the_share_that_looks_attacked_is_told():
    told = {"right_bare": None, "flagged": [0.3, 0.1, 0.6], "false_positive_rate": 0.05}
    (found,) = defend_report._findings(told)
    assert (found.kind, found.number) == ("notice", "30%") and "of clean images 5%" in found.text
    assert not defend_report._findings(told | {"flagged": None})
    told |= {"right_bare": [0.9, 0.8, 1], "right_defended": [0.7, 0.6, 0.8]}
    assert [finding.kind for finding in defend_report._findings(told)] == ["weak flank", "notice"]
