"""The classical search shared over attributes against the plain one, and its features against scikit-image.

Plain is what a reader of section 2.3.2 would write: for each attribute and each of the 216 models crop, features, PCA
and SVC. It is measured on one attribute and counted for all, twice: with our PCA, so that sharing is all that differs,
which is the ratio claimed; and with scikit-learn's of all singular values, timed on a quarter of the models. Both have
our features, so neither ratio contains the second claim. All figures are processor seconds of one thread.
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
    timed = np.random.default_rng(seed).permutation(len(models))[: max(1, len(models) // 4)].tolist()
    plain = [plain_model(material, faces, model, column, k in timed) for k, model in enumerate(models)]
    ours_alone = sum(seconds for seconds, _ in plain)
    theirs_alone = ours_alone * sum(plain[k][1] for k in timed) / sum(plain[k][0] for k in timed)
    sample = material.train[: 2 if quick else 20]
    theirs, _ = cpu(lambda: material.each(sample, lambda images, eyes: peer_features(images, eyes, models)))
    n, attributes = len(material.train), len(material.attributes)
    rows: list[dict[str, Any]] = [
        {"what": f"search, {attributes} attributes, shared", "cpu_s": pixel_seconds + shared},
        {"what": f"search, {ATTRIBUTE} alone, plain, our PCA", "cpu_s": ours_alone},
        {"what": f"search, {attributes} attributes, plain, our PCA (counted)", "cpu_s": attributes * ours_alone},
        {
            "what": f"search, {ATTRIBUTE} alone, plain, scikit-learn's PCA (counted from {len(timed)} models)",
            "cpu_s": theirs_alone,
        },
        {
            "what": f"search, {attributes} attributes, plain, scikit-learn's PCA (counted)",
            "cpu_s": attributes * theirs_alone,
        },
        {"what": f"features of {n} faces, ours", "cpu_s": pixel_seconds + ours},
        {
            "what": f"features of {n} faces, scikit-image (counted from {len(sample)})",
            "cpu_s": theirs / len(sample) * n,
        },
    ]
    metrics = {
        "faces": n,
        "models": len(models),
        "work_ratio_unshared": attributes * ours_alone / (pixel_seconds + shared),
        "work_ratio_sklearn": attributes * theirs_alone / (pixel_seconds + shared),
        "feature_ratio_skimage": theirs / len(sample) * n / (pixel_seconds + ours),
    }
    return metrics | ({} if quick else accuracy(dataset, seed)), rows


def plain_model(material: Any, faces: Any, model: Any, column: int, also_theirs: bool) -> tuple[float, float]:
    """Seconds of one model for one attribute from the images on, sharing nothing: with our PCA, and scikit-learn's."""
    from sklearn.decomposition import PCA
    from sklearn.svm import SVC

    from lineament.detectors import hog, lbp
    from lineament.detectors.classical import principal
    from lineament.faces.parts import CLASSICAL_PARTS

    kind = lbp if model.feature.endswith("LBP") else hog
    of = lbp.COLOUR if model.feature.startswith("Color") else lbp.GREY
    window, label, held_out = CLASSICAL_PARTS[model.part], faces.labels[:, column], faces.held_out

    def chosen(reduced: Callable[[Any], Callable[[Any], Any]]) -> None:
        scores = reduced(x[~held_out])
        SVC(class_weight="balanced").fit(scores(x[~held_out]), label[~held_out]).predict(scores(x[held_out]))

    features, x = cpu(lambda: np.concatenate(
        material.each(material.train, lambda a, b: kind.histograms(a, b, window, model.cell, of=of))
    ))  # fmt: skip
    ours, _ = cpu(lambda: chosen(lambda z: principal(z).scores))
    if not also_theirs:
        return features + ours, float("nan")
    theirs, _ = cpu(lambda: chosen(lambda z: PCA(0.99, svd_solver="full").fit(z).transform))
    return features + ours, features + theirs


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
