"""The live view: at a glance it says locked or unlocked, why, and which attribute differs."""

import io

import numpy as np
import pytest
from rich.console import Console

from lineament.authentication.cascade import Stage
from lineament.authentication.enrolment import enrol
from lineament.authentication.live import WIDTH, Costs, View, bar, sparkline, telling
from lineament.authentication.monitor import Decision, Monitor, Observation, Policy
from lineament.authentication.reasons import NEVER_A_REASON, Reason
from tests.authentication.toy_cohort import people, toy_cohort

COHORT = toy_cohort()
OWNER, STRANGER = people(2, 40, seed=21)
TEMPLATE = enrol("ann", OWNER[:10], COHORT)
STAGE = Stage(lambda image, eyes: OWNER[11], COHORT, TEMPLATE)


def shown(view: View) -> str:
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(view)
    return console.export_text()


def decision(state: str, reasons: tuple[Reason, ...] = (), score: float | None = 4.0) -> Decision:
    seen = dict.fromkeys(TEMPLATE.attributes, 0.5)
    return Decision(1.5, state, score, 2.0, 0, reasons, seen)  # type: ignore[arg-type]


def test_before_the_first_picture_and_while_unlocked() -> None:
    view = View("desk.mkv", [STAGE], Policy())
    assert "waiting for the first picture of desk.mkv" in shown(view)
    view.show(decision("unlocked"))
    told = shown(view)
    assert "UNLOCKED" in told and "ann" in told and "desk.mkv" in told and "+4.0" in told and "+2.0" in told
    assert f"locks after {Policy().lock_after:g} s" in told


def test_why_it_is_locked_stands_on_top_and_in_the_table() -> None:
    name = telling(TEMPLATE, COHORT)[-1]
    view = View("desk.mkv", [STAGE], Policy())
    view.show(decision("locked", (Reason("attribute", name, "It does not match: enrolled no, seen yes.", 3.0),)))
    lines = shown(view).splitlines()
    assert " LOCKED " in lines[0] and "enrolled no, seen yes" in lines[1]
    rows = [line for line in lines[4:] if any(each.replace("_", " ") in line for each in TEMPLATE.attributes)]
    assert name.replace("_", " ") in rows[0] and len(rows) == len(telling(TEMPLATE, COHORT))


def test_nothing_seen_yet_is_shown_too() -> None:
    view = View("desk.mkv", [STAGE], Policy())
    view.show(Decision(0.0, "locked", None, 2.0, 0, (Reason("situation", "none", "No face."),), {}))
    assert "No face." in shown(view) and "none yet" in shown(view)


def test_what_a_monitor_decides_can_be_shown() -> None:
    monitor, view = Monitor([STAGE], Policy()), View("desk.mkv", [STAGE], Policy())
    for k in range(40):
        with view.costs("detector"):
            view.show(monitor.observe(Observation(k / 10, np.zeros((1, 1, 3), np.uint8))))
    assert "UNLOCKED" in shown(view) and "detector" in shown(view) and view.costs.rate > 0


def test_attributes_that_are_any_or_never_a_reason_are_not_shown() -> None:
    names = telling(TEMPLATE, COHORT)
    assert set(names) == set(TEMPLATE.attributes) - NEVER_A_REASON


@pytest.mark.parametrize(("seen", "full"), [(None, 0), (0.0, 0), (0.5, WIDTH // 2), (1.0, WIDTH)])
def test_a_bar_is_as_long_as_what_is_seen_with_a_tick_at_what_is_enrolled(seen, full) -> None:
    text = bar(seen, 0.0, differs=False).plain
    assert len(text) == WIDTH and text[0] == "┃"
    assert text.count("━") == max(0, full - 1)


def test_a_sparkline_is_blank_where_there_was_no_score() -> None:
    line = sparkline([1.0, float("nan"), -1.0, 3.0])
    assert line.plain[1] == " " and line.plain[3] == "█" and line.plain[2] == "▁"
    assert {str(span.style) for span in line.spans} == {"green", "red"}
    assert sparkline([]).plain == "" and sparkline([float("nan")]).plain == " "


def test_costs_follow_what_is_measured() -> None:
    costs = Costs()
    assert costs.rate == 0
    with pytest.raises(ValueError), costs("detector"):
        raise ValueError
    with costs("face"):
        pass
    assert 0 <= costs.seconds["face"] < 0.1
