"""The benchmarks of explained pairs: which figure becomes which metric, and that runs keep their names."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from benchmarks import aospc, explain_controls
from benchmarks.aospc import ahead, figures, place, published, read
from benchmarks.explain_controls import correlation, plans, randomised
from benchmarks.explain_pairs import Plan, explained_classifier, pair_plans, select
from benchmarks.explain_sheets import heat, sheet
from benchmarks.explain_summary import METHODS, RANGED, SHOWN, pooled, shown, summary
from lineament.classifier import AdaptedClassifier, from_function, from_module
from lineament.datasets.labelled import Labelled
from lineament.explanation import small_classifiers
from lineament.explanation.counterfactuals import wilson
from lineament.explanation.decisions import Decisions
from lineament.explanation.small_classifiers import build


def row(run: str, method: str, **figures: float) -> dict[str, Any]:
    ends = {f"{key}_{end}": figures.get(key, 0.5) + by for key in RANGED for end, by in (("low", -0.3), ("high", 0.4))}
    rest = {"validity_to_3": 0.9, "validity_to_8": 0.8, "oracle_validity_seed": 0.7, "images": 50}
    rest |= dict.fromkeys(("changed", "kid_floor", "fid", "fid_floor"), 0.1)
    made = shown(run, method, dict.fromkeys(SHOWN, 0.5) | ends | rest | figures)
    return made | {"minutes": 2.0} | figures


def test_the_worst_pair_counts_and_seeds_are_averaged():
    found = [row(f"{pair}/seed{seed}", method) for pair in ("3-8", "4-9") for seed in (0, 1) for method in METHODS]
    found[0] |= {"validity": 1.0, "oracle_validity": 0.9, "cout": 0.7, "l1": 0.1, "minutes": 9.0}
    found[3] |= {"validity": 0.9, "oracle_validity": 0.8, "cout": 0.9, "l1": 0.1}
    found[1] |= {"l1": 0.6}
    for k, changed in ((0, 0.6), (1, 0.9), (3, 0.6), (4, 0.9)):
        found[k]["details"]["changed"] = changed
    metrics = summary(found)
    assert metrics["min_validity"] == 0.5 and metrics["max_training_minutes"] == 9
    first = summary(found[:6])
    assert first["min_validity"] == pytest.approx(0.95) and first["min_validity_of_a_seed"] == 0.9
    assert first["min_oracle_validity"] == pytest.approx(0.85) and first["runs"] == 2
    assert first["nearest_over_l1"] == pytest.approx(0.55 / 0.1)
    assert first["nearest_over_mask_area"] == pytest.approx(0.9 / 0.6)  # visible changes decide, where they are more
    assert first["cout_over_baselines"] == pytest.approx(0.8 - 0.5)


def test_a_row_shows_both_ends_of_an_interval_and_keeps_the_rest():
    one = row("3-8/seed0", "pgd", cout=-0.25)
    assert (one["cout"], one["cout 95%"]) == (-0.25, "-.55 .15")
    assert (one["details"]["validity_to_3"], one["details"]["cout_low"]) == (0.9, -0.55)
    assert all(isinstance(value, str | float | None) for key, value in one.items() if key != "details")


def test_seeds_are_pooled_into_one_interval_beside_their_spread():
    rows = [row(f"3-8/seed{k}", "explaingan", validity=v, cout=v) for k, v in enumerate((1.0, 0.9, 0.95))]
    (one,) = pooled(rows)
    assert one["run"] == "3-8" and one["validity"] == pytest.approx(0.95)
    details = one["details"]
    assert details["images"] == 150 and details["validity_spread"] == pytest.approx(0.1)
    assert (details["validity_low"], details["validity_high"]) == wilson(one["validity"], 150)
    assert details["cout_low"] == pytest.approx(0.95 - 0.3 / 3**0.5)  # three intervals of one width, independent
    assert details["cout_high"] == pytest.approx(0.95 + 0.4 / 3**0.5)
    assert details["validity_to_3"] == pytest.approx(0.9) and details["oracle_validity_seed"] == pytest.approx(0.7)


def test_a_run_whose_training_time_is_lost_hides_no_other():
    found = [row(f"3-8/seed{seed}", method) for seed in (0, 1) for method in METHODS]
    found[0]["minutes"] = None
    assert summary(found)["max_training_minutes"] == 2
    found[3]["minutes"] = None
    assert np.isnan(summary(found)["max_training_minutes"])


def test_runs_of_pairs_lie_where_the_other_benchmarks_look_for_them():
    names = [plan.name for plan in pair_plans("mnist", 0, 2, quick=False)]
    assert names[:2] == ["3-8/seed0", "4-9/seed0"] and names[-1] == "3-5/seed1" and len(names) == 8
    assert Plan("mnist", ("4", "9")).folder.parts[-5:] == ("benchmarks", "explain", "mnist", "4-9", "seed0")


def test_no_control_takes_the_folder_of_another_run():
    controls = plans("mnist", ("4", "9"), ("3", "5", "8"), 0, quick=False)
    folders = [plan.folder for plan in [*controls, *pair_plans("mnist", 0, 3, quick=False)]]
    assert len(set(folders)) == len(folders)
    assert Plan("mnist", ("4", "9"), quick=True).folder not in folders
    garments = plans("fashion_mnist", ("Coat", "Pullover"), ("Coat", "Pullover", "Shirt"), 0, quick=False)
    assert len(controls) == 8 and [plan.note for plan in garments] == [""] * 3  # no chain


def test_an_unknown_run_is_not_trained():
    with pytest.raises(SystemExit, match="unknown runs 4-7/seed0; known: 4-9/seed0"):
        select([Plan("mnist", ("4", "9"))], ["4-7/seed0"])


@pytest.mark.parametrize(("ours", "outcome"), [(0.9, (True, True)), (0.55, (False, True)), (0.4, (False, False))])
def test_tied_means_not_below_the_interval_of_the_best(ours: float, outcome: tuple[bool, bool]):
    common = {"data": "mnist", "threshold": 0.5}
    rows = [
        common | {"method": "explaingan", "probability": ours, "probability_interval": [0.0, 1.0]},
        common | {"method": "gradient", "probability": 0.3, "probability_interval": [0.29, 1.0]},
        common | {"method": "occlusion", "probability": 0.6, "probability_interval": [0.5, 1.0]},
        common | {"method": "grad_cam", "probability": float("nan"), "probability_interval": [float("nan"), 1.0]},
        common | {"threshold": 0.7, "method": "gradient", "probability": 0.99, "probability_interval": [0.98, 1.0]},
    ]
    assert place(rows, "mnist", 0.5, "probability") == outcome


def test_a_signed_map_is_read_with_and_without_its_negative_values():
    maps = {"mask": torch.rand(1, 2, 2), "gradient": torch.tensor([[[-1.0, 0.5], [0.0, 2.0]]])}
    found = read(maps)
    assert list(found) == ["mask", "gradient", "gradient >= 0"]
    assert found["gradient"].min() == -1 and found["gradient >= 0"].flatten().tolist() == [0, 0.5, 0, 2]


def test_images_that_do_not_count_are_left_out_of_figures_and_differences():
    parts = ("probability", "log_odds", "control", "excess", "marked")
    ours, best = ({name: torch.tensor(values) for name in parts} for values in ([0.5, 9.0, 0.7], [0.1, 0.2, 9.0]))
    ours["valid"], best["valid"] = torch.tensor([True, False, True]), torch.tensor([True, True, False])
    row = figures(ours)
    assert (row["excess"], row["marked"], row["skipped"]) == pytest.approx((0.6, 0.6, 1 / 3))
    assert row["excess_interval"] == pytest.approx([0.5, 0.7])
    assert ahead(ours, best) == {"ahead": pytest.approx(0.4), "ahead_interval": pytest.approx([0.4, 0.4])}


def test_a_column_tells_who_is_best_and_how_much_was_marked(monkeypatch: pytest.MonkeyPatch):
    decisions = Decisions(from_function(lambda images: 40 * (images[:, 0, :1, 0] - 0.9)), ("a", "b"), column=0)
    images, maps = torch.ones(5, 1, 8, 8), torch.zeros(3, 5, 8, 8)
    maps[0, :, 0, 0] = maps[1, :, 5, 5] = 1  # the pixel that decides, and another one
    maps[2, :, 0, 0], maps[2, :, 3:7, 3:7] = 1, -1
    named = dict(zip(("explaingan", "gradient", "occlusion"), maps, strict=True))
    monkeypatch.setattr(aospc, "mapped", lambda case: (images, named))
    rows = aospc.columns("mnist", [SimpleNamespace(decisions=decisions, plan=Plan("mnist", ("4", "9")))])  # type: ignore[list-item]
    first = {row["method"]: row for row in rows if row["threshold"] == 0.9}
    assert list(first) == ["explaingan", "gradient", "occlusion", "occlusion >= 0"]
    ours = first["explaingan"]
    assert ours["marked"] == pytest.approx(1 / 64) and ours["excess"] == pytest.approx(ours["probability"], abs=0.2)
    assert ours["probability"] > 0.5 and abs(first["gradient"]["probability"]) < 1e-6
    assert ours["ahead_of"].startswith("occlusion") and ours["ahead"] == 0 and ours["published"] == 1474
    assert first["gradient"]["ahead"] is None


def test_published_figures_belong_to_mnist():
    printed = published("mnist")
    assert printed["explaingan", 0.5] == 2622 and printed["grad_cam", 0.9] is None
    assert not published("fashion_mnist")


def test_correlation_leaves_out_maps_that_do_not_vary():
    one = torch.rand(3, 5, 5, generator=torch.Generator().manual_seed(0))
    other = torch.stack([one[0] * 2 + 1, 1 - one[1], torch.ones(5, 5)])
    assert correlation(one, other) == pytest.approx(0.0, abs=1e-6)


def test_a_sheet_marks_failures(tmp_path: Path):
    images = torch.rand(4, 1, 6, 6)
    sheet(tmp_path / "new" / "sheet.png", {"input": images, "map": heat(images[:, 0])}, torch.tensor([1, 0, 0, 0]))
    pixels = np.asarray(Image.open(tmp_path / "new" / "sheet.png"))
    assert ((pixels == (192, 0, 0)).all(2)).sum() == 3 * 12


def test_heat_stretches_each_map():
    maps = heat(torch.tensor([[[-1.0, 1.0]], [[5.0, 5.0]]]))
    assert maps[0].ravel().tolist() == [0, 1] and not maps[1].any()


def test_the_black_box_is_of_another_kind_than_its_student(monkeypatch: pytest.MonkeyPatch):
    def untrained(part: Labelled, classes: int, *, architecture: Any, seed: int) -> AdaptedClassifier:
        return from_module(build(architecture, (1, 8, 8), classes))

    monkeypatch.setattr(small_classifiers, "train_small", untrained)
    part = Labelled(torch.zeros(2, 1, 8, 8).byte(), torch.tensor([0, 1]))
    plan = Plan("mnist", ("4", "9"), kind="black-box", quick=True)
    decisions, weights = explained_classifier(plan, part)
    operations = {node.op_type for node in onnx.load(plan.folder / "classifier.onnx").graph.node}
    assert "Add" in operations  # the way around the convolutions
    assert not decisions.differentiable and len(weights) == 64


def test_one_seed_says_nothing_of_how_alike_seeds_are(monkeypatch: pytest.MonkeyPatch):
    masks = torch.rand(2, 3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(explain_controls, "tested", lambda case: torch.zeros(3, 1, 4, 4))
    monkeypatch.setattr(explain_controls, "crossed", lambda case, images: SimpleNamespace(mask=masks[case.minutes]))
    decisions = SimpleNamespace(predict=lambda images: torch.zeros(3))
    own, other = (SimpleNamespace(minutes=k, decisions=decisions) for k in (0, 1))
    alone = randomised(own, {"shuffled": other})
    assert set(alone) == {"mask_correlation_shuffled", "mask_iou_shuffled", "shuffled_decides_otherwise"}
    both = randomised(own, {"shuffled": other, "seeds": own})
    assert both["mask_correlation_seeds"] == pytest.approx(1) and both["mask_correlation_shuffled"] < 0.9
