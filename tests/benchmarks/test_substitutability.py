"""The printed cells of table 4.2, and when one counts as reached."""

import json

import pytest

from benchmarks.substitutability import CELLS, against, published, summary


def test_twenty_printed_cells_are_on_digits_and_garments():
    rows = published()
    assert [(data, classes) for data, classes, _ in rows] == [
        ("fashion_mnist", ("Coat", "Pullover")),
        ("fashion_mnist", ("Coat", "Shirt")),
        ("mnist", ("3", "8")),
        ("mnist", ("4", "9")),
        ("mnist", ("3", "5")),
    ]
    assert rows[0][2] == dict(zip((*CELLS, "ceiling"), (75.8, 73.7, 84.8, 69.1, 94.1), strict=True))


def row(cell, share, *, train="classifier", method="ExplainGAN-full", high=None):
    head = {"data": "mnist", "classes": "4/9", "train": train, "method": method, "cell": cell, "share": share}
    return head | {"high": share if high is None else high, "published": None, "published_share": None, "reached": None}


def test_a_cell_is_reached_by_its_share_of_the_ceiling_not_by_accuracy():
    printed = {"transformed_0": 90.0, "ceiling": 100.0}
    assert against(row("transformed_0", 0.9), printed)["reached"] == "yes"
    assert against(row("transformed_0", 0.899), printed)["reached"] == "no"
    assert against(row("ceiling", 1.0), printed)["reached"] is None
    assert against(row("both_transformed", 1.0), printed) == {}


def test_the_summary_counts_each_training_set_for_itself():
    printed = {"transformed_0": 90.0, "transformed_1": 80.0, "ceiling": 100.0}
    rows = [
        row("ceiling", 1.0),
        row("transformed_0", 0.85, high=0.95),
        row("transformed_1", 0.9),
        row("ceiling", 1.0, train="explainer"),
        row("transformed_0", 0.7, train="explainer"),
    ]
    found = summary([one | against(one, printed) for one in rows])
    assert (found["cells_reached"], found["cells_reached_or_within"]) == (0.5, 1)
    assert (found["cells_reached_explainer"], found["cells_reached_or_within_explainer"]) == (0, 0)
    assert found["worst_margin"] == pytest.approx(-0.05)


def test_methods_are_compared_in_what_all_of_them_make():
    printed = {"transformed_0": 90.0, "ceiling": 100.0}
    rows = [
        row("ceiling", 1.0, method=""),
        row("transformed_0", 0.9),
        row("transformed_1", 0.8),
        row("both_transformed", 0.4),
        row("composite_0", 0.1),
        row("transformed_0", 0.6, method="PixelDA"),
        row("transformed_0", 0.7, method="CycleGAN"),
        row("transformed_1", 0.6, method="CycleGAN"),
        row("transformed_0", 0.2, train="explainer"),
    ]
    found = summary(json.loads(json.dumps([one | against(one, printed) for one in rows])))
    assert {key: value for key, value in found.items() if key.startswith("mnist_")} == pytest.approx(
        {
            "mnist_explaingan_full_transformed_0": 0.9,
            "mnist_explaingan_full_transformed": 0.7,
            "mnist_pixelda_transformed_0": 0.6,
            "mnist_cyclegan_transformed_0": 0.7,
        }
    )
