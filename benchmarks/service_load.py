"""The service under load, as a process of its own: rate, waiting time, memory, and that every answer is the true one.

Ten people enrol by portraits of three days and are asked for by 16 clients at once with portraits of a fourth day,
theirs and other people's. The true answers are computed beforehand in this process, one face at a time, by the same
detector and its cohort but none of the service's code; whatever differs is wrong. Then services are killed (signal 9)
while 16 clients enrol people: whoever was told that they are enrolled must be, on SQLite and, where it is installed,
on PostgreSQL.
"""

import contextlib
import http.client
import io
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.harness import benchmark
from benchmarks.service_client import PASSPHRASE, Serving

CLIENTS, PEOPLE, DAYS, EACH = 16, 10, 4, 3
FLAGS = ("--rate", "100000", "--address-rate", "100000", "--framed")
TOLERANCE = 0.051
"""Scores are told to one decimal, and the last bits of a face depend on how many go through the networks at once."""


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    faces, truth = scene(seed)
    requests = 500 if quick else 10_000
    with tempfile.TemporaryDirectory() as folder:
        metrics, rows = load(Path(folder) / "load", faces, truth, requests, seed)
        with databases() as found:
            for database, url in found.items():
                lost, kept = kills(Path(folder) / database, url, 1 if quick else 2, seed)
                metrics[f"lost_enrolments_{database}"] = lost
                rows.append({"what": f"enrol, {CLIENTS} clients, killed, {database}", "n": kept, "wrong": lost})
    return metrics, rows


def scene(seed: int) -> tuple[list[list[bytes]], np.ndarray]:
    """PNGs by person and number, and what is true: ``(users, faces, 2)`` score and threshold for the last day's."""
    from lineament.authentication import cohort as cohorts
    from lineament.authentication.enrolment import enrol
    from lineament.authentication.readings import read
    from lineament.authentication.scoring import scorer
    from lineament.datasets.portraits import portraits
    from lineament.detectors.detector import shipped

    detector, cohort = shipped(), cohorts.shipped()
    people = portraits(2 * PEOPLE, DAYS * EACH, sessions=DAYS, size=detector.shape[0], seed=seed + 1000)
    pixels = [people.read(i) for i in range(len(people))]
    readings = np.stack([read(detector, face, None) for face in pixels]).reshape(2 * PEOPLE, DAYS * EACH, -1)
    days = np.repeat(np.arange(DAYS), EACH)
    truth = np.empty((PEOPLE, 2 * PEOPLE * EACH, 2))
    for user in range(PEOPLE):
        known = enrol("anybody", readings[user, days < DAYS - 1], cohort, occasions=days[days < DAYS - 1].astype(str))
        probes = readings[:, days == DAYS - 1].reshape(-1, readings.shape[2])
        truth[user] = np.stack(
            [scorer(cohort, known.mean, known.occasions)(probes), [known.threshold] * len(probes)], 1
        )
    encoded = [_png(face) for face in pixels]
    return [encoded[i : i + DAYS * EACH] for i in range(0, len(encoded), DAYS * EACH)], truth


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def load(
    folder: Path, faces: list[list[bytes]], truth: np.ndarray, requests: int, seed: int
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Enrol, then ask, first one client alone, then 16 at once."""
    probes, draw = [face for person in faces for face in person[-EACH:]], np.random.default_rng(seed)
    pairs = np.stack([draw.integers(0, size, requests) for size in truth.shape[:2]], 1).tolist()
    with Serving(folder, *FLAGS) as service:
        with contextlib.closing(service.client()) as client:
            for user in range(PEOPLE):
                days = [(str(i // EACH), face) for i, face in enumerate(faces[user][:-EACH])]
                status, body = client.enrol(f"user-{user}", days)
                if status != 201:
                    raise RuntimeError(f"an enrolment was refused: {body}")
        memory, used = [service.resident()], service.processor()
        alone = ask(service, pairs[: requests // 20], probes, truth, clients=1)
        tenths = []
        for start in range(0, requests, requests // 10):
            tenths.append(ask(service, pairs[start : start + requests // 10], probes, truth, clients=CLIENTS))
            memory.append(service.resident())
        used = service.processor() - used
    together = {key: [entry for tenth in tenths for entry in tenth[key]] for key in ("waits", "wrong", "accepted")}
    seconds = sum(tenth["seconds"] for tenth in tenths)
    waits = 1000 * np.array(together["waits"])
    metrics = {
        "wrong_answers": float(len(together["wrong"]) + len(alone["wrong"])),
        "verifications_per_second": requests / seconds,
        "p50_ms": float(np.quantile(waits, 0.5)),
        "p99_ms": float(np.quantile(waits, 0.99)),
        "slowest_ms": float(waits.max()),
        "memory_start_mb": memory[0],
        "memory_after_a_tenth_mb": memory[1],
        "memory_end_mb": memory[-1],
        "memory_growth_mb": memory[-1] - memory[1],
        "processor_ms_a_verification": 1000 * used / (len(waits) + len(alone["waits"])),
        "accepted_share": len(together["accepted"]) / requests,
        "least_margin": float(np.abs(truth[..., 0] - truth[..., 1]).min()),
    }
    rows = [
        {"what": f"verify, {clients} client{'s' * (clients > 1)}", "n": len(found["waits"]),
         "wrong": len(found["wrong"]), "per_second": len(found["waits"]) / lasted,
         "p50_ms": 1000 * float(np.quantile(found["waits"], 0.5)),
         "p99_ms": 1000 * float(np.quantile(found["waits"], 0.99)), "memory_mb": after}
        for clients, found, lasted, after in ((1, alone, alone["seconds"], memory[0]),
                                              (CLIENTS, together, seconds, memory[-1]))
    ]  # fmt: skip
    for complaint in (together["wrong"] + alone["wrong"])[:5]:
        print(complaint)
    return metrics, rows


def ask(
    service: Serving, pairs: Sequence[Sequence[int]], probes: list[bytes], truth: np.ndarray, clients: int
) -> dict[str, Any]:
    """Ask for all pairs (user, probe), shared among so many clients: waits, wrong answers, seconds in all."""
    waits: list[float] = []
    wrong: list[str] = []
    accepted: list[int] = []
    todo, lock = iter(pairs), threading.Lock()

    def work() -> None:
        with contextlib.closing(service.client()) as client:
            while True:
                with lock:
                    pair = next(todo, None)
                if pair is None:
                    return
                began = time.perf_counter()
                status, body = client.verify(f"user-{pair[0]}", probes[pair[1]])
                waits.append(time.perf_counter() - began)
                score, threshold = truth[pair[0], pair[1]]
                right = status == 200 and body["accepted"] == bool(score >= threshold)
                if not (right and abs(body["score"] - score) < TOLERANCE and body["accepted"] != bool(body["reasons"])):
                    wrong.append(f"user {pair[0]}, probe {pair[1]}: expected {score} at {threshold}, got {body}")
                elif body["accepted"]:
                    accepted.append(pair[1])

    began = time.perf_counter()
    in_threads(work, clients)
    seconds = time.perf_counter() - began
    wrong += ["an answer never came"] * (len(pairs) - len(waits))
    return {"waits": waits, "wrong": wrong, "accepted": accepted, "seconds": seconds}


def kills(folder: Path, url: str | None, rounds: int, seed: int) -> tuple[int, int]:
    """How many enrolments were acknowledged and then lost or changed by a kill, and how many were acknowledged."""
    from lineament.authentication.store import Store
    from lineament.service import audit

    told: dict[str, str] = {}
    for number in range(rounds):
        with Serving(folder, *FLAGS, store=url) as service:
            told |= enrolled_until_killed(service, number, wait=0.2 + np.random.default_rng([seed, number]).random())
    with Store.open(service.store, PASSPHRASE) as store:
        faults = store.check()
        model = {entry.model for entry in store.entries()}.pop()
        known = {user: store.get(user, model).sha256 for user in store.users()}
    audit.check(service.audit)
    return len(faults) + sum(known.get(user) != template for user, template in told.items()), len(told)


def enrolled_until_killed(service: Serving, number: int, wait: float) -> dict[str, str]:
    """Enrol with 16 clients and kill the service so many seconds after its first answer; who it said is enrolled."""
    told: dict[str, str] = {}
    first, count, lock = threading.Event(), iter(range(1_000_000)), threading.Lock()
    answers = dict.fromkeys(("Eyeglasses", "Gray_Hair", "Male", "Mustache"), "yes")

    def work() -> None:
        with contextlib.closing(service.client()) as client, contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                with lock:
                    user = f"{number}-{next(count)}"
                status, body = client.enrol_typed(user, answers)
                if status == 201:
                    told[user] = body["template"]
                    first.set()

    def kill() -> None:
        first.wait(60)
        time.sleep(wait)
        service.kill()

    in_threads(work, CLIENTS, kill)
    if not told:
        raise RuntimeError("the service enrolled nobody within a minute")
    return told


def in_threads(work: Callable[[], None], count: int, *others: Callable[[], None]) -> None:
    threads = [threading.Thread(target=target) for target in [*[work] * count, *others]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextlib.contextmanager
def databases() -> Iterator[dict[str, str | None]]:
    """Name to URL; None for the SQLite file that every service has of its own."""
    from pytest import skip

    from tests.postgresql import running_postgresql

    with contextlib.ExitStack() as stack:
        found: dict[str, str | None] = {"sqlite": None}
        try:
            found["postgresql"] = stack.enter_context(running_postgresql())
        except skip.Exception as reason:
            print(f"without PostgreSQL: {reason}")
        yield found


if __name__ == "__main__":
    benchmark(
        "service_load",
        "16 clients at once get the true answer 10,000 times in level memory; what was acknowledged outlives a kill",
        measure,
    )
