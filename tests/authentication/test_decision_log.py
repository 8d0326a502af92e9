import json
import stat
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineament.authentication.cascade import Stage
from lineament.authentication.decision_log import DecisionLog, replay
from lineament.authentication.enrolment import enrol
from lineament.authentication.monitor import Monitor, Observation, Policy
from lineament.errors import JobError
from tests.authentication.test_monitor import COHORT, IMAGE, OWNER, STRANGER, TEMPLATE, Screen
from tests.authentication.toy_cohort import toy_cohort

CHEAP = toy_cohort(seed=1)
QUICK = enrol("ann", OWNER[:10], CHEAP)
POLICY = Policy(half_life=0.7, unlock_after=0.5)
EVENTS = st.tuples(
    st.sampled_from(["owner", "owner", "owner", "stranger", "raise", "nan", "none", "several", "tick"]),
    st.integers(0, 29),
    st.sampled_from([0.1, 0.25, 1 / 3, 1.0, 7.0, -2.0, float("nan")]),
)


def stages(*screens):
    """A cascade of two toy detectors that one screen each speaks for."""
    pairs = ((CHEAP, QUICK), (COHORT, TEMPLATE))
    return [Stage(screen.read, *pair) for screen, pair in zip(screens, pairs, strict=True)]


def keep(path, events):
    """Decisions on these events, as they are logged."""
    screens = Screen(), Screen()
    monitor, told, time = Monitor(stages(*screens), POLICY), [], 0.0
    with DecisionLog(path, monitor) as log:
        for kind, number, step in events:
            time = time + step if np.isfinite(step) else step
            for screen in screens:
                screen.says = {"owner": OWNER[number], "raise": OSError(f"lens: {number}"),
                               "nan": np.full(5, np.nan)}.get(kind, STRANGER[number])  # fmt: skip
            problems = {kind: "Ünsaid."} if kind in ("none", "several") else {}
            seen = time if kind == "tick" else Observation(time, None if problems else IMAGE, problems=problems)
            told.append(monitor.tick(time) if kind == "tick" else monitor.observe(seen))
            log.write(seen, told[-1])
            time = time if np.isfinite(time) else 0.0
    return told


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENTS, max_size=40))
def test_every_decision_is_made_again_bit_for_bit(tmp_path_factory, events):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    told = keep(path, events)
    assert replay(path, stages(Screen(), Screen())) == told


LIVELY = [("owner", k, 0.25) for k in range(20)] + [("raise", 1, 0.2), ("stranger", 2, 0.2), ("tick", 0, 0.1)]


@pytest.fixture
def log(tmp_path):
    told = keep(tmp_path / "log.jsonl", LIVELY)
    assert {one.state for one in told} == {"locked", "unlocked"}
    return tmp_path / "log.jsonl"


def test_the_log_is_its_owners_alone_and_holds_neither_image_nor_template(log):
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[0]["stages"][1] == {"model": "a" * 64, "cohort": COHORT.sha256, "template": TEMPLATE.sha256}
    assert lines[0]["policy"]["half_life"] == 0.7 and len(lines) == 1 + len(LIVELY)
    assert set(lines[1]) == {"time", "tick", "face", "problems", "decision"}


def test_a_log_is_never_overwritten(log):
    before = log.read_bytes()
    with pytest.raises(JobError, match="never overwritten"):
        DecisionLog(log, Monitor(stages(Screen(), Screen()), POLICY))
    assert log.read_bytes() == before


def test_a_last_line_that_was_cut_off_is_left_out(log):
    log.write_bytes(log.read_bytes()[:-20])
    assert len(replay(log, stages(Screen(), Screen()))) == len(LIVELY) - 1


def test_a_changed_decision_is_found(log):
    lines = log.read_text().splitlines(keepends=True)
    number = next(k for k, line in enumerate(lines) if '"state":"unlocked"' in line)
    lines[number - 1] = lines[number - 1].replace('"state":"locked"', '"state":"unlocked"')
    log.write_text("".join(lines))
    with pytest.raises(JobError, match=f"line {number}: the decision comes out differently"):
        replay(log, stages(Screen(), Screen()))


def test_a_log_of_other_templates_is_refused(log):
    other = stages(Screen(), Screen())
    other[1] = replace(other[1], template=enrol("ann", OWNER[:11], COHORT))
    with pytest.raises(JobError, match="line 1: of another format, or of other templates"):
        replay(log, other)


@pytest.mark.parametrize("content", ["", "{}\n", "[]\n", "null\n", "\xff\n", "[" * 50_000 + "\n", "x" * (2 << 20)])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "log.jsonl"
    path.write_text(content, encoding="latin1")
    with pytest.raises(JobError, match=r"log\.jsonl"):
        replay(path, stages(Screen(), Screen()))
    with pytest.raises(JobError, match="could not be read"):
        replay(tmp_path / "absent", stages(Screen(), Screen()))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_hostile_logs_never_raise_anything_else(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    keep(path, LIVELY[:3])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    line = data.draw(st.sampled_from(lines))
    for part in (line, line.get("decision", {}), line.get("policy", {})):
        for key in data.draw(st.lists(st.sampled_from(sorted(part) or ["none"]), max_size=2)):
            part[key] = data.draw(st.sampled_from([None, -1, 1e300, "", [], {}, [[0]], [["x"]], {"a": 1}, True]))
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    with suppress(JobError):
        replay(path, stages(Screen(), Screen()))
