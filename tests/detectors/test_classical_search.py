"""The search: equal to scikit-learn's pipeline, resumable after SIGKILL, the same on every backend."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Barrier, Event

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from threadpoolctl import threadpool_info, threadpool_limits

from lineament.datasets.portraits import portraits
from lineament.detectors import classical_search
from lineament.detectors.classical import load
from lineament.detectors.classical_features import FAMILIES, MODELS, Family, Model, pixels, stacked, vectors
from lineament.detectors.classical_run import read_fitted
from lineament.detectors.classical_search import Faces, compete, fit, search
from lineament.errors import JobError, UsageError

NAMES = ("Wearing_Hat", "Smiling")
MOUTH = Family("Mouth", "HOG", 8)


@pytest.fixture(scope="module")
def faces(drawn) -> Faces:
    part = drawn.subset(np.flatnonzero(drawn.split == 0)[:120])
    shown = stacked([pixels(part.images(range(60)), torch.from_numpy(part.eyes[:60])),
                     pixels(part.images(range(60, 120)), torch.from_numpy(part.eyes[60:]))])  # fmt: skip
    labels = np.stack([part.column(name) for name in NAMES], 1)
    labels[3, 0] = -1
    return Faces(shown, labels, np.arange(120) >= 96)


@pytest.fixture(scope="module")
def few(drawn):
    return drawn.subset(np.isin(drawn.identity, np.unique(drawn.identity)[:60]))


@pytest.fixture(scope="module")
def quick():
    """Four families compete, so that a search takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        chosen = [own for own in FAMILIES if own.part in ("Hair", "Mouth") and own.base == 8]
        patch.setattr(classical_search, "FAMILIES", tuple(chosen))
        patch.setattr(classical_search, "MODELS", tuple(m for own in chosen for m in own.models))
        yield patch


@pytest.fixture(scope="module")
def found(few, quick, tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    return search(few, folder, attributes=NAMES, faces=150), folder


def pipeline() -> object:
    return make_pipeline(PCA(0.99, svd_solver="full"), SVC(C=1.0, gamma="scale", class_weight="balanced"))


@pytest.mark.parametrize("model", [Model("Mouth", "HOG", 16), Model("Mouth", "ColorHOG", 8)], ids=str)
def test_decisions_are_those_of_scikit_learn(faces: Faces, model: Model) -> None:
    """Once with fewer features than faces, once with more."""
    x = vectors(faces.pixels, [model])[model]
    (entry,) = fit(faces, MOUTH, {model: {1: 0.8, 0: 0.7}})
    assert entry.columns.tolist() == [1, 0]
    for place, column in enumerate(entry.columns):
        known = ~faces.held_out & (faces.labels[:, column] >= 0)
        if known.sum() < (~faces.held_out).sum():
            continue  # PCA is shared by all attributes: it sees faces whose label is unknown
        theirs = pipeline().fit(x[known], faces.labels[known, column]).decision_function(x)
        np.testing.assert_allclose(entry.decisions(x)[:, place], theirs, atol=5e-3)


def test_accuracies_are_mean_recalls_of_the_same_pipeline(faces: Faces) -> None:
    found = compete(faces, MOUTH)
    assert set(found) == {str(model) for model in MOUTH.models}
    for model in MOUTH.models[:3]:
        x, label = vectors(faces.pixels, [model])[model], faces.labels[:, 1]
        said = pipeline().fit(x[~faces.held_out], label[~faces.held_out]).predict(x[faces.held_out])
        truth = label[faces.held_out]
        expected = np.mean([(said[truth == value] == value).mean() for value in (0, 1)])
        assert found[str(model)][1] == pytest.approx(expected, abs=1.01 / min((truth == 0).sum(), (truth == 1).sum()))


def test_the_report_says_which_models_won(found) -> None:
    report = json.loads((found[1] / "search.json").read_text())
    assert len(report["skipped"]) == 24 and len(report["winners"]["Wearing_Hat"]) == 5
    best = max(values[0] for values in report["accuracies"].values())
    assert report["winners"]["Wearing_Hat"][0]["accuracy"] == pytest.approx(best, abs=1e-4)
    assert not list((found[1] / "fitted").iterdir()), "what the artifact holds need not lie there twice"


def test_a_finished_search_is_only_loaded(found, few, monkeypatch) -> None:
    monkeypatch.setattr(classical_search, "pixels", None)
    again = search(few, found[1], attributes=NAMES, faces=150)
    assert again.card == found[0].card


def test_another_search_in_the_same_folder_is_refused(found, few) -> None:
    with pytest.raises(UsageError, match=r"holds another search \(other faces, seed\)"):
        search(few, found[1], attributes=NAMES, faces=80, seed=1)


@pytest.mark.parametrize("backend", ["loky", "threading", "dask"])
def test_every_backend_finds_the_same(backend, found, few, quick, tmp_path) -> None:
    if backend == "dask":
        pytest.importorskip("distributed")
    quick.setattr(classical_search, "FAMILIES", classical_search.FAMILIES)
    twin = search(few, tmp_path, attributes=NAMES, faces=150, jobs=2, backend=backend)
    images, eyes = few.images(range(8)), torch.from_numpy(few.eyes[:8])
    assert torch.equal(twin.probabilities(images, eyes), found[0].probabilities(images, eyes))
    assert (tmp_path / "search.json").read_bytes() == (found[1] / "search.json").read_bytes()


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("backend", ["threading", "dask"])
def test_threads_keep_to_one_thread_each_until_the_last_is_done(backend, few, quick, tmp_path, monkeypatch) -> None:
    if backend == "dask":
        pytest.importorskip("distributed")
    begun, both, seen = Event(), Barrier(2), []

    def uneven(faces: Faces, family: Family) -> dict[str, list[float | None]]:
        """The first to begin is the first to end; then the other one looks."""
        if family.part == "Hair":
            begun.wait(30)
        with classical_search._one_thread():
            begun.set()
            both.wait(30)
            time.sleep(0.2 if family.part == "Hair" else 0)
            seen.append((blas_threads(), torch.get_num_threads()))
        return {str(model): [None] * len(NAMES) for model in family.models}

    two = [own for own in FAMILIES if own.part in ("Mouth", "Hair") and (own.kind, own.base) == ("HOG", 8)]
    monkeypatch.setattr(classical_search, "compete", uneven)
    monkeypatch.setattr(classical_search, "FAMILIES", two)
    monkeypatch.setattr(classical_search, "MODELS", [model for own in two for model in own.models])
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with threadpool_limits(2, "blas"):
            search(few, tmp_path, attributes=NAMES, faces=80, jobs=2, backend=backend)
            assert blas_threads() == {2} and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert seen == [({1}, 1)] * 2


KILLED = """
import sys
from tests.detectors.test_classical_search import few_portraits, shorten
from lineament.detectors.classical_run import read_fitted
from lineament.detectors.classical_search import search
shorten()
search(few_portraits(), sys.argv[1], attributes=("Wearing_Hat", "Smiling"), faces=150)
"""


def few_portraits():
    drawn = portraits(people=100, images_per_person=6, size=32, seed=3)
    return drawn.subset(np.isin(drawn.identity, np.unique(drawn.identity)[:60]))


def shorten() -> None:
    chosen = tuple(own for own in FAMILIES if own.part in ("Hair", "Mouth") and own.base == 8)
    classical_search.FAMILIES = chosen
    classical_search.MODELS = tuple(m for own in chosen for m in own.models)


def test_a_killed_search_goes_on_where_it_was(found, few, quick, tmp_path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=Path(__file__).parents[2],
                               env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)  # fmt: skip
    while process.poll() is None and len(list((tmp_path / "units").glob("*.json"))) < 2:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "units").glob("*.json")}
    assert before and not (tmp_path / "detector").exists(), "it was killed too late to prove anything"
    search(few, tmp_path, attributes=NAMES, faces=150)
    assert all(path.stat().st_mtime_ns == time_ for path, time_ in before.items()), "a finished unit was done again"
    assert (tmp_path / "search.json").read_bytes() == (found[1] / "search.json").read_bytes()
    assert (tmp_path / "detector" / "model.safetensors").read_bytes() == (
        found[1] / "detector" / "model.safetensors"
    ).read_bytes()


def test_a_torn_unit_is_named(found, few, quick, tmp_path) -> None:
    (tmp_path / "fitted").mkdir(parents=True)
    (tmp_path / "fitted" / "Hair-HOG-8.safetensors").write_bytes(b"torn")
    with pytest.raises(JobError, match="Hair-HOG-8.safetensors: torn"):
        read_fitted(tmp_path / "fitted" / "Hair-HOG-8.safetensors")


def test_an_unknown_backend_is_refused(few, tmp_path) -> None:
    with pytest.raises(UsageError, match="expected one of loky, threading, dask, got 'spark'"):
        search(few, tmp_path, backend="spark")  # type: ignore[arg-type]


def test_all_models_are_counted() -> None:
    assert len(MODELS) == 192 and load is not None
