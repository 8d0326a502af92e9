"""The check of recorded figures: what counts, what does not, and the exit code."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.check import TARGETS, main

HEADER = "wing,benchmark,metric,at,target,meaning\n"


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    path = tmp_path / "targets.csv"
    path.write_text(HEADER + "ground,eyes,auc,>=,0.9,\nground,eyes,seconds,<=,3,\ndefense,noise,gap,>=,-0.02,\n")
    return path


def record(folder: Path, name: str, metrics: dict[str, Any], schedule: str = "full") -> None:
    result = {"name": name, "metrics": metrics, "schedule": schedule, "revision": "abc1234"}
    (folder / f"{name}.{'quick.' * (schedule == 'quick')}json").write_text(json.dumps(result))


def test_nothing_recorded_is_open_and_no_failure(
    targets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], tmp_path, targets) == 0
    assert "0 met, 0 missed, 3 open" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("metrics", "missed"),
    [
        ({"auc": 0.9, "seconds": 3}, 0),
        ({"auc": 0.89, "seconds": 1}, 1),
        ({"auc": 0.95, "seconds": 3.1}, 1),
        ({"auc": float("nan"), "seconds": float("nan")}, 2),
        ({"auc": 0.95}, 1),
    ],
)
def test_a_full_result_decides(
    metrics: dict[str, float], missed: int, targets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path, "eyes", metrics)
    assert main([], tmp_path, targets) == (missed > 0)
    assert f"{2 - missed} met, {missed} missed, 1 open" in capsys.readouterr().out


def test_a_quick_result_is_shown_but_decides_nothing(
    targets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path, "eyes", {"auc": 0.1, "seconds": 9}, "quick")
    assert main([], tmp_path, targets) == 0
    assert "eyes.auc      >= 0.9    0.1     open  quick     abc1234" in capsys.readouterr().out
    record(tmp_path, "eyes", {"auc": 0.91, "seconds": 1})
    main([], tmp_path, targets)
    assert "eyes.auc      >= 0.9    0.91    yes   full      abc1234" in capsys.readouterr().out


def test_one_wing_alone(targets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path, "eyes", {"auc": 0.1})
    assert main(["--wing", "defense"], tmp_path, targets) == 0
    assert "eyes" not in capsys.readouterr().out
    with pytest.raises(SystemExit) as refused:
        main(["--wing", "attic"], tmp_path, targets)
    assert refused.value.code == 2


def test_a_torn_result_is_named(targets: Path, tmp_path: Path) -> None:
    (tmp_path / "noise.json").write_text('{"metrics": {')
    with pytest.raises(SystemExit, match=r"noise\.json: not a benchmark's result"):
        main([], tmp_path, targets)


def test_our_own_targets_are_well_formed_and_each_stands_once() -> None:
    with TARGETS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["at"] in (">=", "<=") and float(row["target"]) == float(row["target"]) for row in rows)
    names = [(row["benchmark"], row["metric"]) for row in rows]
    assert len(set(names)) == len(names) > 30
