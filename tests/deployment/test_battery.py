"""Equation 2.10 against its printed and recomputed values."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.deployment.battery import NEXUS_5_WH, endurance, endurance_at_rate
from lineament.errors import UsageError

PUBLISHED = Path(__file__).parents[2] / "benchmarks" / "published" / "table_2_10.csv"
SHARE, POWER = st.floats(0, 1), st.floats(0.01, 100)


def test_the_check_values_come_out() -> None:
    assert endurance(NEXUS_5_WH, 0.6, 0.78) == pytest.approx(6.33, abs=0.005)
    assert endurance(NEXUS_5_WH, 0.6, 0.78, use=0.2, rate=0.5) == pytest.approx(12.89, abs=0.005)
    assert endurance(NEXUS_5_WH, 0.52, 0) == pytest.approx(16.8, abs=0.05)


def test_table_2_10_follows_from_its_own_energies() -> None:
    with PUBLISHED.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    for row in rows:
        hours = endurance_at_rate(NEXUS_5_WH, 0.52, float(row["energy_per_frame_mj"]) / 1000, 1.0)
        assert hours == pytest.approx(float(row["endurance_at_1fps_hours"]), abs=0.1)


@given(POWER, POWER, POWER, SHARE, SHARE)
def test_more_use_never_lengthens_life(capacity: float, idle: float, extra: float, use: float, rate: float) -> None:
    assert endurance(capacity, idle, extra) <= endurance(capacity, idle, extra, use, rate) <= capacity / idle


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"use": 1.1}, "use"), ({"rate": -0.1}, "rate"), ({"idle": float("nan")}, "idle"), ({"extra": -1}, "extra")],
)
def test_values_out_of_range_are_refused(wrong: dict[str, float], named: str) -> None:
    with pytest.raises(UsageError, match=f"^{named}: expected"):
        endurance(**({"capacity": 8.74, "idle": 0.6, "extra": 0.78} | wrong))


def test_a_device_that_draws_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="for ever"):
        endurance(8.74, 0, 0)
