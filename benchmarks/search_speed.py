"""The classical search shared over attributes against the plain one, and its features against scikit-image.

Plain is what a reader of section 2.3.2 would write: for each attribute and each of the 216 models crop, features,
scikit-learn's PCA and SVC. It is measured on one attribute and counted for all. Its features are ours, so the ratio
does not contain the second claim. All figures are processor seconds of one thread.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, benchmark, data_root

ATTRIBUTE = "Smiling"


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    from lineament.datasets.celeba import celeba
    from lineament.detectors.classical_features import FAMILIES, MODELS, pixels, stacked, vectors
    from lineament.detectors.classical_search import Faces, compete, held_out_people
    from lineament.detectors.material import gathered
    from lineament.training.memory import keep_freed_memory

    keep_freed_memory()
    dataset = celeba(data_root() / "celeba")
    material = gathered(dataset, (), faces=120 if quick else 1000, seed=seed)
    families = [own for own in FAMILIES if own.part in ("Mouth", "Hair")] if quick else FAMILIES
    models = [model for model in MODELS for own in families if model in own.models]
    pixel_seconds, shown = cpu(lambda: stacked(material.each(material.train, pixels)))
    faces = Faces(shown, material.labels(material.train), held_out_people(dataset.identity[material.train], seed))
    shared, _ = cpu(lambda: [compete(faces, own) for own in families])
    ours, _ = cpu(lambda: [vectors(shown, own.models) for own in families])
    print(f"shared: {pixel_seconds + shared:.0f} s", flush=True)
    column = material.attributes.index(ATTRIBUTE)
    plain = {model: cpu(lambda model=model: plain_model(material, faces, model, column))[0] for model in models}  # type: ignore[misc]
    sample = material.train[: 2 if quick else 20]
    theirs, _ = cpu(lambda: material.each(sample, lambda images, eyes: peer_features(images, eyes, models)))
    n, attributes = len(material.train), len(material.attributes)
    rows: list[dict[str, Any]] = [
        {"what": f"search, {attributes} attributes, shared", "cpu_s": pixel_seconds + shared},
        {"what": f"search, {ATTRIBUTE} alone, plain", "cpu_s": sum(plain.values())},
        {"what": f"search, {attributes} attributes, plain (counted)", "cpu_s": attributes * sum(plain.values())},
        {"what": f"features of {n} faces, ours", "cpu_s": pixel_seconds + ours},
        {
            "what": f"features of {n} faces, scikit-image (counted from {len(sample)})",
            "cpu_s": theirs / len(sample) * n,
        },
    ]
    metrics = {
        "faces": n,
        "models": len(models),
        "work_ratio_unshared": attributes * sum(plain.values()) / (pixel_seconds + shared),
        "feature_ratio_skimage": theirs / len(sample) * n / (pixel_seconds + ours),
    }
    return metrics | ({} if quick else accuracy(dataset, seed)), rows


def plain_model(material: Any, faces: Any, model: Any, column: int) -> float:
    """One model for one attribute from the images on, sharing nothing."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    from lineament.detectors import hog, lbp
    from lineament.faces.parts import CLASSICAL_PARTS

    kind = lbp if model.feature.endswith("LBP") else hog
    of = lbp.COLOUR if model.feature.startswith("Color") else lbp.GREY
    window = CLASSICAL_PARTS[model.part]
    x = np.concatenate(material.each(material.train, lambda a, b: kind.histograms(a, b, window, model.cell, of=of)))
    label, held_out = faces.labels[:, column], faces.held_out
    fitted = make_pipeline(PCA(0.99, svd_solver="full"), SVC(class_weight="balanced"))
    said = fitted.fit(x[~held_out], label[~held_out]).predict(x[held_out])
    return float((said == label[held_out]).mean())


def peer_features(images: Any, eyes: Any, models: Sequence[Any]) -> None:
    """The same features by scikit-image: codes once a part and plane, HOG once a part, plane and cell size."""
    from skimage.feature import hog, local_binary_pattern

    from lineament.detectors.cells import planes
    from lineament.faces.parts import CLASSICAL_PARTS

    for part, window in CLASSICAL_PARTS.items():
        cells = sorted({model.cell for model in models if model.part == part})
        if not cells:
            continue
        for plane in planes(images, eyes, window).numpy()[:, :, 1:-1, 1:-1].reshape(-1, window.height, window.width):
            codes = local_binary_pattern(plane, 8, 1).astype(np.int64)
            for cell in cells:
                hog(plane, 9, (cell, cell), (2, 2), block_norm="L2-Hys")
                rows, columns = window.height // cell, window.width // cell
                inner = codes[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
                index = (np.arange(rows)[:, None, None, None] * columns + np.arange(columns)[:, None]) * 256 + inner
                np.bincount(index.ravel(), minlength=rows * columns * 256)


def accuracy(dataset: Any, seed: int) -> dict[str, float]:
    """The vote detectors of a search on 1,000 faces, on test people."""
    from lineament.detectors.classical_search import search
    from lineament.detectors.evaluation import commonest, evaluate
    from lineament.detectors.prediction import decoded, log_odds, sigmoid

    detector = search(dataset, ROOT / "runs" / "benchmarks" / "search_speed" / str(seed), faces=1000, seed=seed)
    rows = np.flatnonzero(dataset.split == 2)
    scores = sigmoid(log_odds(detector, dataset, decoded(dataset, detector.shape), rows))
    majority = commonest(dataset.labels[dataset.split == 0])
    found = evaluate(scores, dataset.labels[rows], detector.thresholds, dataset.identity[rows],
                     attributes=dataset.attributes, majority=majority, seed=seed)  # fmt: skip
    means = {f"mean_{key}": float(value[0]) for key, value in found.means.items()}
    return means | {"majority_accuracy": float(found.majority.mean())}


if __name__ == "__main__":
    benchmark("search_speed", "the search shared over attributes, and its features, against the plain ones", measure)
