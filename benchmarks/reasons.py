"""Is the reason true that a refused person is told, and how often is an owner locked out at work?

Portraits of people whom neither the detector nor the cohort nor any choice of a constant has seen. Owners are enrolled
on four days, three pictures each, and come on a fifth, with what they wear, the light and the background of that day.

- An hour is 3,600 checks, one a second, by the real monitor with its default policy. What varies within it: expression,
  pose and camera, drawn anew on average every five seconds out of 30 pictures of that day. What does not: clothes,
  light, background. A false lock is any lock after the owner was let in, however soon it unlocks again; an owner who is
  never let in cannot be locked out, and is counted apart.
- Strangers come to a locked place, and take over one that its owner unlocked, for a minute each.
- Owners also come with one attribute added or removed (the true counterfactual) that was the same in all enrolled
  pictures.
- A reason is true if both halves of its sentence are: "enrolled no" by most labels of the enrolled pictures, "seen yes"
  by the label of what is seen. The control gives the reasons of another person's template.

Where nothing happened, or everything did, the interval is the exact bound over owners instead of the bootstrap's.

The detector was trained on seed 0, the cohort is seed 101, the policy was chosen on seed 202. A first full run, on
people of seed 777,000, had shown false locks in 2.8 % of hours; the session check (`authentication.cascade`) was built
after that, so these people are others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import benchmark
from benchmarks.intervals import bounded
from lineament.authentication.cascade import Stage
from lineament.authentication.cohort import shipped as shipped_cohort
from lineament.authentication.enrolment import enrol
from lineament.authentication.monitor import Decision, Monitor, Observation
from lineament.authentication.readings import read_all
from lineament.authentication.reasons import ACTIONABLE, Reason, differences
from lineament.authentication.refusals import share_true
from lineament.datasets.base import AttributeDataset
from lineament.datasets.portraits import ATTRIBUTES, Scene, counterfactual, labels, landmarks, render, sample_scene
from lineament.detectors.detector import shipped
from lineament.detectors.evaluation import interval, person_weights, ratio

PEOPLE = 999_000
"""Seed of the people, whom no choice has seen. Of the hours of people 777,000 2.8 % had a false lock, before the check
of the session was built; of those of 888,000 1.7 %, when it let half as much pass as it does now."""

DAYS, PICTURES, MOMENTS, DWELL = 4, 3, 30, 5.0
BEFORE, MINUTE = 20, 60
IMAGE = np.zeros((1, 1, 3), np.uint8)

Array = NDArray[np.float64]


class Bench:
    """Owners, their templates, and a monitor each that is fed readings instead of pictures."""

    def __init__(self, owners: int, seed: int) -> None:
        self.detector, self.cohort, self.owners, self.seed = shipped(), shipped_cohort(), owners, PEOPLE + seed
        self.draw = np.random.default_rng(seed)
        enrolled = [[sample_scene(self.seed, i, day, k) for day in range(DAYS) for k in range(PICTURES)]
                    for i in range(owners)]  # fmt: skip
        self.known = np.array([[labels(scene) for scene in own] for own in enrolled])
        self.truth = vote(self.known)
        days = [str(day) for day in range(DAYS) for _ in range(PICTURES)]
        readings = self.read([scene for own in enrolled for scene in own]).reshape(owners, len(days), -1)
        self.templates = [enrol(str(i), own, self.cohort, occasions=days) for i, own in enumerate(readings)]
        self.today = [[sample_scene(self.seed, i, DAYS, k) for k in range(MOMENTS)] for i in range(owners)]
        self.seen = self.read([scene for own in self.today for scene in own]).reshape(owners, MOMENTS, -1)

    def read(self, scenes: Sequence[Scene]) -> Array:
        """The detector's readings of scenes."""
        n = len(scenes)
        pictures = AttributeDataset(
            "scenes", lambda i: render(scenes[i], 64), [str(i) for i in range(n)], (), np.empty((n, 0), np.int8),
            np.arange(n), np.full(n, ""), np.zeros(n, np.int8), eyes=np.stack([landmarks(s)[:2] for s in scenes]),
        )  # fmt: skip
        return read_all(self.detector, pictures)

    def moments(self, person: int, seconds: int) -> Array:
        """What is read of a person, second by second: one of the day's pictures until the next change."""
        change = self.draw.random(seconds) < 1 / DWELL
        return self.seen[person, self.draw.integers(0, MOMENTS, change.sum() + 1)[change.cumsum()]]

    def watch(self, template: int, readings: Array) -> list[Decision]:
        """The decisions of a fresh monitor, one reading a second."""
        now: list[Array] = []
        stage = Stage(lambda image, eyes: now[-1], self.cohort, self.templates[template])
        monitor, told = Monitor([stage]), []
        for time, reading in enumerate(readings):
            now[:] = [reading]
            told.append(monitor.observe(Observation(float(time), IMAGE)))
        return told


def hours(bench: Bench, seconds: int) -> dict[str, Array]:
    """For each owner's hour: falsely locked and how often (NaN if never let in), never so, ends locked, time locked."""
    found: dict[str, list[float]] = {
        key: [] for key in ("false_locks", "locks", "never_unlocked", "ends_locked", "time_locked")
    }
    for i in range(bench.owners):
        for key, value in outcome([told.state for told in bench.watch(i, bench.moments(i, seconds))]).items():
            found[key].append(value)
    return {key: np.array(values, dtype=float) for key, values in found.items()}


def outcome(told: Sequence[str]) -> dict[str, float]:
    """One owner's figures of `hours` from the state of each second."""
    states = np.array(told) == "unlocked"
    let_in = bool(states.any())
    locks = float((states[:-1] & ~states[1:]).sum()) if let_in else np.nan
    return {
        "false_locks": min(locks, 1.0) if let_in else np.nan,
        "locks": locks,
        "never_unlocked": float(not let_in),
        "ends_locked": float(not states[-1]),
        "time_locked": float(1 - states.mean()),
    }


def strangers(bench: Bench, each: int) -> dict[str, Any]:
    """Strangers before a locked place, and after 20 s of its owner; one entry a pair of people."""
    rows: dict[str, list[Any]] = {key: [] for key in ("owner", "stranger", "unlocked", "seconds", "true", "control")}
    for i in range(bench.owners):
        for j in (i + 1 + bench.draw.choice(bench.owners - 1, each, replace=False)) % bench.owners:
            readings = bench.moments(j, MINUTE)
            told = bench.watch(i, readings)
            after = bench.watch(i, np.concatenate([bench.moments(i, BEFORE), readings]))[BEFORE - 1 :]
            locked = next((k for k, one in enumerate(after) if one.state == "locked"), np.inf)
            label = labels(bench.today[j][0])
            rows["owner"].append(i)
            rows["stranger"].append(j)
            rows["unlocked"].append(any(one.state == "unlocked" for one in told))
            rows["seconds"].append(locked if locked else np.nan)  # NaN: the owner was not let in
            refused = next((one for one in told[5:] if one.score is not None and one.score < one.threshold), None)
            rows["true"].append(is_true(refused, bench.truth[i], label))
            other = bench.templates[(i + bench.owners // 2) % bench.owners]
            named = differences(bench.cohort, other, readings[:6].mean(0))[0]
            rows["control"].append(holds(named, bench.truth[i], label))
    return {key: np.array(values, dtype=float) for key, values in rows.items()}


def changed(bench: Bench, each: int) -> dict[str, Any]:
    """Owners with one attribute changed that was the same in every enrolled picture; one reading of two moments."""
    scenes: list[Scene] = []
    who: list[int] = []
    added: list[bool] = []
    for i in range(bench.owners):
        steady = [name for k, name in enumerate(ATTRIBUTES) if name in ACTIONABLE and np.ptp(bench.known[i, :, k]) == 0]
        for name in bench.draw.choice(steady, min(each, len(steady)), replace=False):
            on = bench.truth[i, ATTRIBUTES.index(name)] == 1
            pair = [counterfactual(scene, **{name: not on}) for scene in bench.today[i][:2]]
            if is_changed(pair[0], name, on):
                scenes += pair
                who.append(i)
                added.append(not on)
    seen = bench.read(scenes).reshape(len(who), 2, -1)
    rows: dict[str, list[Any]] = {"owner": who, "added": added, "refused": [], "true": [], "asked": []}
    for row, i in enumerate(who):
        label = labels(scenes[2 * row])
        told = bench.watch(i, seen[row, [0, 0, 0, 1, 1, 1]])[-1]
        refused = told.score is not None and told.score < told.threshold
        rows["refused"].append(refused)
        rows["true"].append(is_true(told if refused else None, bench.truth[i], label))
        named = differences(bench.cohort, bench.templates[i], seen[row].mean(0))[0]
        rows["asked"].append(holds(named, bench.truth[i], label))
    return {key: np.array(values, dtype=float) for key, values in rows.items()}


def is_changed(scene: Scene, name: str, on: bool) -> bool:
    """Whether a counterfactual differs as was asked: some attributes exclude each other, and then nothing changes."""
    return (name in scene.present) != on


def vote(known: NDArray[np.int8]) -> NDArray[np.int8]:
    """The majority label of each owner, -1 where there is none or it is unknown; ``(owners, attributes)``."""
    balance = (known == 1).sum(1) - (known == 0).sum(1)
    return np.where(balance == 0, -1, balance > 0).astype(np.int8)


def is_true(told: Decision | None, enrolled: NDArray[np.int8], seen: NDArray[np.int8]) -> float:
    """1 if the first reason is true, 0 if not; NaN if none is given or a label is unknown."""
    return holds(told.reasons[0], enrolled, seen) if told and told.reasons else np.nan


def holds(reason: Reason, enrolled: NDArray[np.int8], seen: NDArray[np.int8]) -> float:
    """Whether both labels are as the sentence says, "enrolled no, seen yes"; NaN as `is_true`."""
    if reason.kind != "attribute":
        return np.nan
    column, said = ATTRIBUTES.index(reason.name), "enrolled yes" in reason.sentence
    one, other = enrolled[column], seen[column]
    return np.nan if min(one, other) < 0 else float(one == said != other)


def over_people(values: Array, owner: Array, people: int, *, counts: bool = False) -> list[float]:
    """A share (or a mean count) and its 95 % interval over owners; NaN are left out."""
    kept = np.isfinite(values)
    cells = [np.bincount(owner[kept].astype(int), weights, people) for weights in (values[kept], np.ones(kept.sum()))]
    weights = person_weights(people, 1000, 0)
    found: list[float] = interval(np.asarray(ratio(weights @ cells[0], weights @ cells[1]))).tolist()
    return bounded(found, len(np.unique(owner[kept])), counts=counts)


def pairs(values: Array, found: Mapping[str, Array]) -> list[float]:
    """A share of comparisons of two people and its 95 % interval over both sides' people; NaN are left out."""
    kept = np.isfinite(values)
    sides = [found[side][kept].astype(np.int64) for side in ("owner", "stranger")]
    share: list[float] = share_true(values[kept] > 0, *sides).tolist()
    return bounded(share, len(np.unique(sides[0])))


def measure(*, quick: bool, seed: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
    bench, length = Bench(30 if quick else 300, seed), 300 if quick else 3600
    used, met, worn = hours(bench, length), strangers(bench, 3 if quick else 5), changed(bench, 4)
    people, everyone = bench.owners, np.arange(bench.owners)
    seconds = met["seconds"][~np.isnan(met["seconds"])]
    stays = np.where(np.isnan(met["seconds"]), np.nan, np.isinf(met["seconds"]))
    locks = over_people(used.pop("locks"), everyone, people, counts=True)
    figures = {
        "impostors_first_reason_correct": (pairs(met["true"], met), np.isfinite(met["true"]).sum()),
        **changes(worn, people),
        "control_other_template_reason_correct": (pairs(met["control"], met), np.isfinite(met["control"]).sum()),
        **{f"hours_{key}": (over_people(values, everyone, people), np.isfinite(values).sum())
           for key, values in used.items()},
        "locks_per_hour": ([each * 3600 / length for each in locks], np.isfinite(used["false_locks"]).sum()),
        "strangers_let_in_within_a_minute": (pairs(met["unlocked"], met), len(met["unlocked"])),
        "strangers_taking_over_stay_a_minute": (pairs(stays, met), len(seconds)),
    }  # fmt: skip
    rows = [{"figure": key, "value": share[0], "low": share[1], "high": share[2], "n": int(n)}
            for key, (share, n) in figures.items()]  # fmt: skip
    metrics = {row["figure"]: row["value"] for row in rows}
    metrics["false_locks_per_hour"] = metrics["hours_false_locks"]  # hours that end in one: a second lock ends no more
    metrics["first_reason_correct"] = min(
        metrics["impostors_first_reason_correct"], metrics["owner_changed_first_reason_correct"]
    )
    metrics |= {
        f"stranger_seconds_to_lock_p{q}": float(np.quantile(seconds, q / 100, method="lower")) for q in (50, 95)
    }
    return metrics, rows


def changes(worn: Mapping[str, Array], people: int) -> dict[str, tuple[list[float], int]]:
    """Figures of `changed` of all changes, of attributes added, and of attributes removed, each with its number."""
    found = {}
    for which, among in (("", worn["added"] >= 0), ("_added", worn["added"] == 1), ("_removed", worn["added"] == 0)):
        for name, key in (("first_reason_correct", "true"), ("asked_though_accepted", "asked"), ("refused", "refused")):
            values = np.where(among, worn[key], np.nan)
            share = over_people(values, worn["owner"], people)
            found[f"owner_changed{which}_{name}"] = (share, int(np.isfinite(values).sum()))
    return found


if __name__ == "__main__":
    benchmark(
        "reasons", "The first reason named is truly different; owners at work are not locked out", measure, threads=1
    )
