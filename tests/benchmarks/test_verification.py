"""What the benchmark says of orders and fusions, on figures made up for it."""

from types import SimpleNamespace

import numpy as np

from benchmarks.verification import described, metrics, order


def rates(eer, low, high):
    span = np.array([eer, low, high])
    return SimpleNamespace(eer=span, fnmr_at_fmr_1=span, hter=span, to_dict=dict)


def test_pairs_the_wrong_way_round_are_named_and_chance_is_told():
    as_printed = {"lbp": rates(0.3, 0.2, 0.4), "classical": rates(0.2, 0.1, 0.3), "paper": rates(0.1, 0.0, 0.2)}
    assert order(as_printed, "") == "as in the dissertation"
    turned = as_printed | {"lbp": rates(0.05, 0.04, 0.06), "platform": rates(0.09, 0.05, 0.2)}
    assert "lbp 5.0 < classical 20.0" in order(turned, "grey").split("; ")
    assert "platform 9.0 < paper 10.0 (intervals overlap)" in order(turned, "grey").split("; ")
    assert order(turned, "grey").endswith("; likely because: grey")


def test_fusions_worse_than_the_interval_of_their_best_part_are_counted():
    results = {
        "lbp": rates(0.3, 0.2, 0.4),
        "lineament": rates(0.05, 0.04, 0.08),
        "lbp + lineament": rates(0.07, 0.05, 0.09),
        "lbp + lineament (test z)": rates(0.09, 0.05, 0.09),
    }
    rows = described("celeba", "half → half", results, "somebody else")
    assert [bool(row["remark"]) for row in rows] == [False, False, False, True, True]
    assert metrics(rows) == {
        "celeba_network_set_eer": 0.05,
        "celeba_lbp_set_eer": 0.3,
        "fusions_worse": 0.0,
        "fusions_worse_weighted": 0.0,
        "fusions_worse_test_z": 1.0,
    }
