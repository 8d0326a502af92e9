from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineament.authentication.cascade import Stage
from lineament.authentication.enrolment import enrol
from lineament.authentication.monitor import Monitor, Observation, Policy
from lineament.errors import JobError, UsageError
from tests.authentication.toy_cohort import people, toy_cohort

COHORT = toy_cohort()
OWNER, STRANGER, *OTHERS = people(12, 40, seed=21)
TEMPLATE = enrol("ann", OWNER[:10], COHORT)
POLICY = Policy()
IMAGE = np.zeros((1, 1, 3), np.uint8)


class Screen:
    """A detector in whose place stands what it should say, or raise."""

    def __init__(self):
        self.says: object = OWNER[0]
        self.asked = 0

    def read(self, image, eyes):
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@pytest.fixture
def screen():
    return Screen()


@pytest.fixture
def monitor(screen):
    return Monitor([Stage(screen.read, COHORT, TEMPLATE)], POLICY)


def show(monitor, screen, says, times):
    """The decisions while the detector says this at these times."""
    told = []
    for k, time in enumerate(times):
        screen.says = says if isinstance(says, Exception) or np.ndim(says) < 2 else says[k % len(says)]
        told.append(monitor.observe(Observation(float(time), IMAGE)))
    return told


@pytest.fixture
def unlocked(monitor, screen):
    """A monitor that has watched its owner for ten seconds, ten times a second."""
    assert show(monitor, screen, OWNER[10:], np.arange(0, 10, 0.1))[-1].state == "unlocked"
    return monitor


def test_it_starts_locked_and_unlocks_only_after_lasting_acceptance(monitor, screen):
    assert monitor.state == "locked"
    told = show(monitor, screen, OWNER[10:], np.arange(0, 4, 0.5))
    states = {one.time: one.state for one in told}
    assert all(state == ("unlocked" if time >= POLICY.unlock_after else "locked") for time, state in states.items())
    assert told[0].reasons[0].kind == "waiting" and told[-1].reasons == ()
    assert told[0].score >= told[0].threshold == TEMPLATE.threshold > told[-1].threshold
    assert set(told[0].seen) == set(COHORT.attributes) and told[0].readings == (tuple(OWNER[10].tolist()),)


def test_a_stranger_is_never_let_in_and_told_why(monitor, screen):
    told = show(monitor, screen, STRANGER, np.arange(0, 60, 0.5))
    assert {one.state for one in told} == {"locked"}
    assert {reason.kind for reason in told[-1].reasons} <= {"attribute", "face"}


def test_a_stranger_who_takes_over_is_locked_out_within_the_stated_time(unlocked, screen):
    told = show(unlocked, screen, STRANGER, np.arange(10, 20, 0.1))
    locked = next(one.time for one in told if one.state == "locked") - 10
    assert POLICY.lock_after <= locked <= POLICY.lock_after + POLICY.half_life
    assert all(one.state == "locked" for one in told if one.time >= 10 + locked)


@pytest.mark.parametrize("every", [0.04, 0.5, 1.0])
def test_it_never_locks_on_a_blink(monitor, screen, every):
    now = np.arange(0, 20, every)
    show(monitor, screen, OWNER[10:], now)
    assert monitor.state == "unlocked"
    blink = np.arange(20, 20.3, every)
    told = show(monitor, screen, STRANGER, blink)
    told += show(monitor, screen, OWNER[10:], np.arange(blink[-1] + every, 30, every))
    assert {one.state for one in told} == {"unlocked"}


def blind(time, code="none"):
    return Observation(time, None, problems={code: f"It is {code}."})


def test_no_face_for_long_locks_and_drops_the_evidence(unlocked):
    told = [unlocked.observe(blind(10 + 0.5 * k, "dark")) for k in range(1, 8)]
    states = {one.time: one.state for one in told}
    read = 9.9  # when the owner was last seen
    assert all((state == "locked") == (time - read >= POLICY.no_face_after) for time, state in states.items())
    last = told[-1]
    assert last.state == "locked" and last.score is None and last.seen == {}
    assert [(reason.kind, reason.name, reason.sentence) for reason in last.reasons] == [
        ("situation", "dark", "It is dark.")
    ]


def test_an_observation_without_image_or_problem_counts_as_no_face(monitor):
    assert monitor.observe(Observation(0.0)).reasons[0].name == "none"


def test_a_face_with_a_problem_is_not_read(monitor, screen):
    monitor.observe(Observation(0.0, IMAGE, problems={"blurred": "Hold still."}))
    assert screen.asked == 0


@pytest.mark.parametrize("code", ["several", "lost"])
def test_several_faces_and_a_lost_source_lock_at_once(unlocked, code):
    told = unlocked.observe(Observation(10.0, IMAGE, problems={"dark": "Dark.", code: f"It is {code}."}))
    assert told.state == "locked" and told.reasons[0].name == code and told.score is None


@pytest.mark.parametrize(
    "says", [RuntimeError("boom"), MemoryError(), np.full(5, np.nan), np.array([0, 0, 0, 0, np.inf]), np.zeros(4)]
)
def test_a_detector_that_raises_or_gives_no_number_locks_at_once(unlocked, screen, says):
    (told,) = show(unlocked, screen, says, [10.0])
    assert told.state == "locked" and told.reasons[0].name == "detector" and told.score is None
    assert told.failure and told.failure in told.reasons[0].sentence
    assert show(unlocked, screen, OWNER[10:], [10.1])[0].state == "locked"  # and has forgotten that it was accepted


@pytest.mark.parametrize("time", [9.0, 9.9, 9.9 + 5.01, 1e9, -1.0, float("nan"), float("inf"), None, "10"])
def test_a_clock_that_jumps_stands_still_or_runs_backwards_locks_at_once(unlocked, time):
    told = unlocked.observe(Observation(time, IMAGE))
    assert told.state == "locked" and told.reasons[0].name == "clock"
    assert np.isfinite(told.time)


def test_silence_of_the_source_locks(unlocked):
    assert unlocked.tick(9.9).state == "unlocked"  # no time has passed
    assert unlocked.tick(9.9 + POLICY.no_face_after - 0.1).state == "unlocked"
    told = unlocked.tick(9.9 + POLICY.no_face_after)
    assert told.state == "locked" and told.reasons[0].name == "silent"
    assert unlocked.tick(5.0).reasons[0].name == "clock"


def test_a_late_frame_does_not_make_good_for_the_time_nobody_was_seen(unlocked, screen):
    (told,) = show(unlocked, screen, OWNER[10:], [9.9 + POLICY.no_face_after + 0.5])
    assert told.state == "locked" and told.reasons[0].kind == "waiting"


def test_acceptance_counts_only_without_a_break(monitor, screen):
    show(monitor, screen, OWNER[10:], [0.0, 0.4, 0.8])
    monitor.observe(blind(1.5, "blurred"))
    told = show(monitor, screen, OWNER[10:], np.arange(2, 5, 0.5))
    assert next(one.time for one in told if one.state == "unlocked") == 2 + POLICY.unlock_after


def test_one_check_a_second_unlocks_though_the_source_is_silent_between(monitor, screen):
    for second in range(3):
        show(monitor, screen, OWNER[10:], [float(second)])
        assert monitor.tick(second + 0.5).state == ("unlocked" if second >= POLICY.unlock_after else "locked")


def test_two_glimpses_far_apart_do_not_unlock(monitor, screen):
    apart = (POLICY.lock_after + POLICY.no_face_after) / 2
    assert [one.state for one in show(monitor, screen, OWNER[10:], [0.0, apart, 2 * apart])] == ["locked"] * 3


def test_a_tick_never_unlocks(monitor, screen):
    show(monitor, screen, OWNER[10:], [0.0])
    assert monitor.tick(POLICY.unlock_after + 0.5).state == "locked"


def test_an_exception_without_words_locks(unlocked, screen):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    (told,) = show(unlocked, screen, Mute(), [10.0])
    assert told.state == unlocked.state == "locked" and told.reasons[0].name == "detector"


def test_who_takes_an_unlocked_place_is_not_who_unlocked(unlocked, screen):
    lookalike = replace(unlocked.policy, stay=90.0)  # so lenient that the template alone would let anybody stay
    monitor = Monitor(unlocked.stages, lookalike)
    assert show(monitor, screen, OWNER[10:], np.arange(0, 10, 0.1))[-1].state == "unlocked"
    told = show(monitor, screen, STRANGER, np.arange(10, 15, 0.1))
    locked = next(one for one in told if one.state == "locked")
    assert locked.time - 10 < 3 and locked.reasons[0].kind in ("attribute", "face")


def test_the_session_never_learns_from_who_is_refused(unlocked, screen):
    before = unlocked.cascade._session.mean.copy()
    show(unlocked, screen, STRANGER, np.arange(10, 12, 0.1))
    after = unlocked.cascade._session
    assert after is None or np.abs(after.mean - before).max() < np.abs(STRANGER.mean(0) - before).max() / 4


def test_after_a_fault_no_evidence_is_left(unlocked, screen):
    unlocked.observe(Observation(10.0, problems={"several": "Two."}))
    (told,) = show(unlocked, screen, STRANGER[0], [10.1])
    assert told.score == unlocked.stages[0].score(STRANGER[0]) and told.reasons[0].kind != "waiting"


def test_hiding_between_frames_does_not_stop_the_clock_of_refusal(unlocked, screen):
    refused = next(time for time in np.arange(10, 20, 0.1) for one in show(unlocked, screen, STRANGER[0], [time])
                   if one.score < one.threshold)  # fmt: skip
    assert unlocked.state == "unlocked"
    told = [unlocked.observe(blind(refused + 0.1 * k)) for k in range(1, 30)]
    locked = next(one.time for one in told if one.state == "locked") - refused
    assert locked < POLICY.lock_after + 0.11 < POLICY.no_face_after


BAD = st.one_of(
    st.builds(lambda i: ("stranger", i), st.integers(0, 39)),
    st.sampled_from([("raise", 0), ("nan", 0), ("none", 0), ("dark", 0), ("several", 0), ("lost", 0), ("tick", 0)]),
    st.builds(lambda s: ("jump", s), st.sampled_from([-3.0, 0.0, 100.0, float("nan")])),
)


def feed(monitor, screen, bad, time):
    """One bad observation; the decision and the time after it."""
    kind, value = bad
    time += 0.3 if kind != "jump" else value
    screen.says = {"raise": ValueError("x"), "nan": np.full(5, np.nan)}.get(
        kind, STRANGER[int(value) if kind == "stranger" else 0]
    )
    if kind == "tick":
        return monitor.tick(time), time
    face = kind in ("stranger", "raise", "nan", "jump")
    problems = {} if face else {kind: kind}
    told = monitor.observe(Observation(time, IMAGE if face else None, problems=problems))
    return told, time if np.isfinite(time) else 0.0


@settings(max_examples=60, deadline=None)
@given(st.lists(BAD, max_size=60))
def test_no_sequence_of_bad_observations_unlocks(sequence):
    screen, time = Screen(), 0.0
    monitor = Monitor([Stage(screen.read, COHORT, TEMPLATE)])
    for bad in sequence:
        told, time = feed(monitor, screen, bad, time)
        assert told.state == monitor.state == "locked" and told.reasons


@settings(max_examples=60, deadline=None)
@given(st.lists(BAD, min_size=40, max_size=60))
def test_every_lasting_sequence_of_bad_observations_locks_for_good(sequence):
    screen, time = Screen(), 9.9
    monitor = Monitor([Stage(screen.read, COHORT, TEMPLATE)])
    show(monitor, screen, OWNER[10:], np.arange(0, 10, 0.1))
    states = []
    for bad in sequence:
        told, time = feed(monitor, screen, bad, time)
        states.append(told.state)
    assert states[-1] == "locked" and "unlocked" not in states[states.index("locked") :]


def test_the_next_stage_is_asked_only_in_doubt():
    cheap, costly = Screen(), Screen()
    own, other = toy_cohort(seed=1), COHORT
    sure = Stage(cheap.read, own, enrol("ann", OWNER[:10], own))
    monitor = Monitor([sure, Stage(costly.read, other, TEMPLATE)])
    costly.says = OWNER[11]
    lower, upper = sure.doubt
    assert lower < upper
    line = np.linspace(0, 1, 400)[:, None] * (STRANGER[0] - OWNER[:10].mean(0)) + OWNER[:10].mean(0)
    scores = sure.score(line)
    doubtful = line[np.argmax((scores < upper) & (scores > lower))]
    for reading, expected, accepted in ((line[0], 0, True), (doubtful, 1, True), (line[-1], 0, False)):
        fresh = Monitor(monitor.stages)
        cheap.says, before = reading, costly.asked
        told = fresh.observe(Observation(0.0, IMAGE))
        assert (told.stage, costly.asked - before, len(told.readings)) == (expected, expected, 1 + expected)
        assert (told.score >= told.threshold) == accepted


def test_the_fading_mean_is_what_it_says(monitor, screen):
    times = [0.0, 0.5, 3.0, 3.1]
    told = show(monitor, screen, OWNER[10:14], times)[-1]
    weights = 0.5 ** ((times[-1] - np.array(times)) / POLICY.half_life)
    evidence = weights @ OWNER[10:14] / weights.sum()
    assert told.score == pytest.approx(monitor.stages[0].score(evidence))
    np.testing.assert_allclose(list(told.seen.values()), 1 / (1 + np.exp(-evidence)))


def test_foreign_parts_are_refused(screen):
    other = toy_cohort(model="c" * 64)
    with pytest.raises(JobError, match="another detector"):
        Stage(screen.read, other, TEMPLATE)
    with pytest.raises(JobError, match="another cohort"):
        Stage(screen.read, toy_cohort(seed=5), TEMPLATE)
    bob = Stage(screen.read, COHORT, enrol("bob", STRANGER[:5], COHORT))
    with pytest.raises(UsageError, match="all of one person"):
        Monitor([Stage(screen.read, COHORT, TEMPLATE), bob])
    with pytest.raises(UsageError, match="all of one person"):
        Monitor([])
    with pytest.raises(UsageError, match="enrolled at an FMR of 0.01"):
        Monitor([Stage(screen.read, COHORT, TEMPLATE)], replace(POLICY, fmr=0.02))


@pytest.mark.parametrize(
    "wrong", [{"fmr": 0.0}, {"fmr": 1.0}, {"half_life": 0}, {"lock_after": -1}, {"stay": 0.5}, {"stay": 100.0},
              {"max_gap": float("nan")}, {"no_face_after": float("inf")}, {"unlock_after": "2"}, {"fmr": True}]
)  # fmt: skip
def test_a_policy_out_of_range_is_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Policy(**wrong)
