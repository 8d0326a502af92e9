"""The platform variant (tables 2.8 to 2.10): memory a classifier, EER at four scales, frames a second.

Measured on CelebA people, ORL and Extended Yale B instead of UMDAA-01, and on this processor instead of a Nexus 5.
Speeds of the two cannot be compared, so what a smaller scale gains stands beside them: that can. Energy cannot be
measured here at all. Faces are read as the protocols read them: larger ones are shrunk into the frame of the training
set. Where the eyes are nearer then than a scale has them, it sees enlarged pictures: no more detail than a smaller one.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, benchmark, data_root, processor_seconds

LENGTHS = {1.0: 76800, 0.7: 33280, 0.5: 16128, 0.3: 3840}
EER = {"celeba": "test", "orl": "test", "extended_yale_b": "test"}


def published(name: str) -> list[dict[str, str]]:
    with (ROOT / "benchmarks" / "published" / f"table_{name}.csv").open() as file:
        return list(csv.DictReader(file))


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    from lineament.datasets.celeba import celeba
    from lineament.detectors import platform

    dataset = celeba(data_root() / "celeba")
    faces = 150 if quick else 2000
    names = dataset.attributes[:6] if quick else dataset.attributes
    scales = (0.5, 0.3) if quick else tuple(LENGTHS)
    folder = ROOT / "runs" / "benchmarks" / "platform" / ("quick" if quick else "full")
    detectors = {
        scale: platform.train(dataset, folder / str(scale), scale=scale, attributes=names, faces=faces, seed=seed)
        for scale in scales
    }
    sets = {name: opened(name, quick) for name in EER}
    memory = classifier_memory(dataset, 150 if quick else 1000, seed, names[:4] if quick else names)
    rows: list[dict[str, Any]] = [
        *table_2_8(memory),
        *table_2_9(detectors, sets, seed),
        *table_2_10(detectors, sets["celeba"], quick),
    ]
    metrics = {
        "feature_lengths_exact": sum(platform.length(scale) == count for scale, count in LENGTHS.items()),
        "linear_over_pca_rbf_memory": memory["Linear SVM"] / memory["PCA+RBFSVM"],
        **{f"memory_mb_{key}": value for key, value in memory.items()},
        **{
            f"celeba_set_eer_{row['what'].split()[-1]}": row["ours"]
            for row in rows
            if row["what"].startswith("EER celeba")
        },
        **{f"fps_{row['what'].split()[-1]}": row["ours"] for row in rows if row["what"].startswith("fps, face found")},
    }
    return metrics, rows


def opened(name: str, quick: bool) -> Any:
    from lineament.datasets.registry import open_dataset

    dataset = open_dataset(name, data_root()).part("test")
    people = np.unique(dataset.identity)
    return dataset.subset(np.isin(dataset.identity, people[:12])) if quick else dataset


def classifier_memory(dataset: Any, faces: int, seed: int, names: Sequence[str]) -> dict[str, float]:
    """MB of float32 that one classifier of the full face needs: 90 % of the energy, as in section 2.3.9."""
    from sklearn.svm import SVC

    from lineament.detectors import platform
    from lineament.detectors.classical import principal, rbf
    from lineament.detectors.material import gathered

    material = gathered(dataset, names, faces=faces, seed=seed)
    x = np.concatenate(material.each(material.train, lambda a, b: platform.features(a, b, 1.0)))
    basis = principal(x, 0.9)
    sizes: dict[str, list[int]] = {"PCA+RBFSVM": [], "RBFSVM": []}
    for key, z in (("PCA+RBFSVM", basis.scores(x)), ("RBFSVM", x)):
        kernel = rbf(z, z, 1 / float(((z - z.mean(0)) ** 2).sum(1).mean())).astype(float)
        for label in material.labels(material.train).T:
            if len(np.unique(label)) == 2:
                vectors = len(SVC(kernel="precomputed", class_weight="balanced").fit(kernel, label).support_)
                shared = (z.shape[1] + 1) * x.shape[1] if key == "PCA+RBFSVM" else 0
                sizes[key].append(4 * (shared + vectors * (z.shape[1] + 1)))
    return {key: float(np.mean(found)) / 1e6 for key, found in sizes.items()} | {
        "Linear SVM": 4 * (x.shape[1] + 1) / 1e6
    }


def line(what: str, ours: float, published: float | None, **more: Any) -> dict[str, Any]:
    """A row; what is not told of it is None, so that all rows have one form."""
    return dict.fromkeys(("what", "ours", "low", "high", "published", "eyes_px", "enlarged")) | {
        "what": what, "ours": float(ours), "published": published, **more
    }  # fmt: skip


def table_2_8(memory: Mapping[str, float]) -> list[dict[str, Any]]:
    printed = {row["learning_method"]: float(row["average_memory_mb"]) for row in published("2_8")}
    return [line(f"MB a classifier, {key}", value, printed[key]) for key, value in memory.items()]


def table_2_9(detectors: Mapping[float, Any], sets: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    """EER of set against set; the published column is UMDAA-01's pooled one."""
    from lineament.authentication.face_readings import read_faces
    from lineament.authentication.methods import parse
    from lineament.authentication.verification import set_eer

    printed = {row["method"]: float(row["altogether_eer"]) for row in published("2_9")}
    ((lbp,),) = (method.parts for method in parse("lbp"))
    scales = {f"L-SVM {scale:g}": scale for scale in detectors} | {"LBP": 1.0}
    readers = [
        replace(lbp.reader, name=f"L-SVM {scale:g}", shape=detector.shape, read=detector.values)
        for scale, detector in detectors.items()
    ]
    rows = []
    for name, dataset in sets.items():
        readers_of = [*readers, replace(lbp.reader, name="LBP")]
        kept, vectors = read_faces(readers_of, dataset, "given", progress=False)
        names = [dataset.names[i] for i in kept]
        for reader in readers_of:
            eer, low, high = set_eer(vectors[reader.name], dataset.identity[kept], names, seed=seed).eer.tolist()
            eyes = eye_distance(dataset, reader.shape)
            rows.append(line(
                f"EER {name}, {reader.name}", eer, printed[reader.name], low=low, high=high, eyes_px=eyes,
                enlarged=enlarged(scales[reader.name], eyes),
            ))  # fmt: skip
    return rows


def eye_distance(dataset: Any, shape: tuple[int, int]) -> float:
    """Median px between the eyes of a set's pictures as a reader of that frame sees them: larger ones are shrunk."""
    from lineament.datasets.celeba import LOOSE_EYES

    height, width = dataset.read(0).shape[:2]
    apart = np.hypot(*(np.diff(dataset.eyes, axis=1)[:, 0] * (width, height)).T)
    most = np.hypot(*(np.diff(LOOSE_EYES, axis=0)[0] * shape[::-1]))
    return float(np.median(apart if (height, width) == shape else np.minimum(apart, most)))


def enlarged(scale: float, eyes: float) -> str:
    """How much a scale has to enlarge such a picture, "" if by less than a tenth."""
    from lineament.faces.parts import EYE_DISTANCE

    times = scale * EYE_DISTANCE / eyes
    return f"{times:.1f} times" if times > 1.1 else ""


def table_2_10(detectors: Mapping[float, Any], dataset: Any, quick: bool) -> list[dict[str, Any]]:
    """Frames a second of all attributes with the face found already, and with finding it in a 640x480 frame.

    And how many times as many they are as at the largest scale, which is what a phone and this machine may share.
    """
    import torch

    image, eyes = dataset.images([0]), torch.from_numpy(dataset.eyes[:1])
    printed = {(row["scale"], row["detection_and_alignment"]): float(row["fps"]) for row in published("2_10")}
    reading = {
        scale: processor_seconds(lambda detector=detector: detector.values(image, eyes), quick=quick)  # type: ignore[misc]
        for scale, detector in detectors.items()
    }
    rows, largest = [], max(detectors)
    for setting, words, finding in (("without", "face found", 0.0), ("with", "face to find", face_seconds(quick))):
        for scale in detectors:
            ours, theirs = 1 / (reading[scale] + finding), printed[f"{scale:g}", setting]
            gain, their_gain = (reading[largest] + finding) * ours, theirs / printed[f"{largest:g}", setting]
            rows.append(line(f"fps, {words}, scale {scale:g}", ours, theirs))
            if scale != largest:
                rows.append(line(f"times the fps of scale {largest:g}, {words}, scale {scale:g}", gain, their_gain))
    return rows


def face_seconds(quick: bool) -> float:
    """Finding one face and its landmarks in a webcam frame; NaN where no clip or no face model is at hand."""
    from lineament.datasets.registry import open_dataset
    from lineament.errors import LineamentError
    from lineament.faces.landmarks import find

    try:
        frame = open_dataset("clips", data_root() / "face_video").read(0)
        return processor_seconds(lambda: find(frame), quick=quick)
    except LineamentError:
        return float("nan")


if __name__ == "__main__":
    benchmark("platform", "one linear SVM an attribute on LBP: memory, EER and speed at four scales", measure)
