"""What every benchmark shares: a record of one part leaves the others, a quick one leaves all."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import harness


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data")


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a benchmark of two parts on some revision with these flags, and give what it left behind."""
    monkeypatch.setattr(harness, "RESULTS", tmp_path)

    def run(at: str, value: float, *words: str) -> dict[str, Any]:
        def measure(*, quick: bool, seed: int, data: str | None) -> tuple[dict[str, float], Sequence[dict[str, Any]]]:
            names = [data] if data else ["apples", "pears"]
            rows = [{"data": name, "place": place, "value": value} for name in names for place in (1, 2)]
            return {f"{name}_mean": value for name in names}, rows

        monkeypatch.setattr("sys.argv", ["x", *words])
        monkeypatch.setattr(harness, "revision", lambda: at)
        harness.benchmark("fruit", "that fruit is sweet", measure, arguments=flags, parts="data")
        found: dict[str, Any] = json.loads((tmp_path / "fruit.json").read_text())
        return found

    return run


def test_a_record_of_one_part_leaves_the_other_with_its_revision(record: Any) -> None:
    record("old", 1)
    found = record("new", 2, "--data", "apples")
    assert found["metrics"] == {"apples_mean": 2, "pears_mean": 1}
    assert found["revision"] == "new" and found["command"].endswith("--data apples")
    told = [(row["data"], row["place"], row["value"], row["revision"]) for row in found["rows"]]
    assert told == [("apples", 1, 2, "new"), ("apples", 2, 2, "new"), ("pears", 1, 1, "old"), ("pears", 2, 1, "old")]
    assert {row["revision"] for row in record("newer", 3)["rows"]} == {"newer"}


def test_the_first_part_needs_no_other(record: Any) -> None:
    assert [row["data"] for row in record("first", 1, "--data", "pears")["rows"]] == ["pears", "pears"]


def test_a_quick_run_touches_no_record(record: Any, tmp_path: Path) -> None:
    before = record("old", 1)
    assert record("new", 2, "--quick", "--data", "pears") == before
    quick = json.loads((tmp_path / "fruit.quick.json").read_text())
    assert quick["schedule"] == "quick" and [row["value"] for row in quick["rows"]] == [2, 2]
