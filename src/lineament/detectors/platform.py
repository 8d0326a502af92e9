"""The platform variant (sections 2.3.8 to 2.3.11): one linear SVM an attribute on LBP of the full face, nothing else.

The value of an attribute is the signed distance from the margin. Everything that does not depend on the attribute is
computed once: features, their Gram matrix, and its Cholesky factor, whose rows have the inner products of the feature
vectors but only as many entries as there are faces. An SVM on these rows is the SVM on the features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits
from torch import Tensor

from lineament import artifacts
from lineament.datasets.base import AttributeDataset
from lineament.detectors import lbp
from lineament.detectors.calibrated import ValueDetector, calibration, from_artifact
from lineament.detectors.heads import Head
from lineament.detectors.material import gathered
from lineament.errors import JobError, UsageError
from lineament.faces.parts import Window
from lineament.training.progress import StepProgress

__all__ = ["CELL", "WINDOWS", "PlatformDetector", "features", "length", "linear_svms", "load", "train"]

WINDOWS: dict[float, Window] = {
    scale: Window(0, 24, width, height, zoom=scale)
    for scale, width, height in ((1.0, 128, 168), (0.7, 88, 112), (0.5, 64, 80), (0.3, 32, 48))
}
"""The full face at the four scales of table 2.9; as there, what is no whole cell is cut off."""

CELL = 8

REGULARISATION = 0.3
"""C for feature vectors of unit mean square. On CelebA's development part 0.1 has the best AUC, 1 the best balanced
accuracy; this lies between."""


def features(images: Tensor, eyes: Tensor, scale: float) -> NDArray[np.float32]:
    """LBP of the full face, grey, R, G and B: ``(batch, 76800, 33280, 16128 or 3840)`` for scales 1, 0.7, 0.5, 0.3."""
    _check(scale)
    return lbp.histograms(images, eyes, WINDOWS[scale], CELL, of=lbp.GREY + lbp.COLOUR)


def length(scale: float) -> int:
    """Features at a scale: ``(width / 8 - 1) (height / 8 - 1) 64 4``."""
    _check(scale)
    return (WINDOWS[scale].width // CELL - 1) * (WINDOWS[scale].height // CELL - 1) * lbp.BINS * 4


def _check(scale: float) -> None:
    if scale not in WINDOWS:
        raise UsageError(f"scale: expected one of {', '.join(map(str, WINDOWS))}, got {scale!r}")


@dataclass(frozen=True)
class PlatformDetector(ValueDetector):
    """Linear SVMs on LBP; `values` are signed distances from the margins, in units of the features.

    Attributes:
        head: ``weight (attributes, features)`` of unit rows and ``bias (attributes,)``.
        scale: a key of `WINDOWS`.
    """

    kind: ClassVar[str] = "platform"

    head: Head = field(kw_only=True, repr=False)
    scale: float = field(kw_only=True)

    def _values(self, images: Tensor, eyes: Tensor) -> NDArray[np.float32]:
        return self.head(features(images, eyes, self.scale))

    def _only(self, rows: Sequence[int]) -> Self:
        return replace(self, head=Head(self.head.weight[rows], self.head.bias[rows]))

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"weight": self.head.weight, "bias": self.head.bias}, {"scale": self.scale}


def load(folder: str | Path) -> PlatformDetector:
    """The detector in an artifact or in the folder of the run that made it; ``JobError`` says what is wrong with it."""
    if (run := Path(folder) / "detector").is_dir():
        folder = run
    artifact = artifacts.load(folder, kind=PlatformDetector.kind)
    try:
        shared, scale = from_artifact(artifact.card, artifact.tensors), artifact.card["config"]["scale"]
        head = Head(artifact.tensors["weight"].numpy(), artifact.tensors["bias"].numpy())
        if head.weight.shape != (len(shared["attributes"]), length(scale)) or head.bias.shape != head.weight.shape[:1]:
            raise ValueError(f"weights of shape {head.weight.shape}, expected {length(scale)} for each attribute")
        return PlatformDetector(**shared, head=head, scale=scale)
    except (LookupError, TypeError, ValueError) as error:
        raise JobError(f"{folder}: its card and its weights do not describe a platform detector ({error})") from None


def linear_svms(
    x: NDArray[np.float32], labels: NDArray[np.int8], *, c: float = REGULARISATION, seed: int = 0, jobs: int = 1,
    progress: bool = False,
) -> Head:  # fmt: skip
    """One linear SVM a column of labels (squared hinge, classes balanced by weight), weight vectors of unit length.

    Args:
        x: ``(n, d)`` features; the C of the SVM is ``c`` for features scaled to unit mean square about their mean.
        labels: ``(n, attributes)``, -1 unknown. A column of one class has no margin: weight 0, bias 1 or -1.
        c: regularisation, larger fits closer.
        seed: of the solver's order of faces.
        jobs: processes that share the columns, with one BLAS thread each.
        progress: whether to show a bar on standard error.
    """
    mean = x.mean(0)
    centred = x - mean
    gram = centred @ centred.T
    unit = float(np.trace(gram)) / len(x) or 1.0
    gram[np.diag_indices(len(x))] += 1e-4 * unit  # keeps it definite: as if C were smaller by less than 1 in 1000
    rows = cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
    weights, biases = np.zeros((labels.shape[1], x.shape[1]), np.float32), np.zeros(labels.shape[1], np.float32)
    tasks = (delayed(_svm)(rows, column, c / unit, seed) for column in labels.T)
    with StepProgress("linear SVMs", labels.shape[1], 0, visible=progress) as bar:
        for k, (direction, bias) in enumerate(Parallel(n_jobs=jobs, return_as="generator")(tasks)):
            # the direction is in the span of the faces: w = X' a with L' a = direction
            weight = centred.T @ solve_triangular(rows, direction, trans=1, lower=True).astype(np.float32)
            size = float(np.linalg.norm(weight)) or 1.0
            weights[k], biases[k] = weight / size, (bias - weight @ mean) / size
            bar.advance()
    return Head(weights, biases)


def _svm(rows: NDArray[np.float32], label: NDArray[np.int8], c: float, seed: int) -> tuple[NDArray[np.float64], float]:
    known = label >= 0
    if len(np.unique(label[known])) < 2:
        return np.zeros(rows.shape[1]), 1.0 if (label == 1).any() else -1.0
    with threadpool_limits(1):
        svm = LinearSVC(
            C=c, class_weight="balanced", tol=1e-3, max_iter=2000, intercept_scaling=1 / np.sqrt(c), random_state=seed
        ).fit(rows[known], label[known])
    return svm.coef_[0], float(svm.intercept_[0])


def train(
    dataset: AttributeDataset, folder: str | Path, *, scale: float = 0.5, attributes: Sequence[str] = (),
    faces: int | None = None, seed: int = 0, jobs: int = 1, progress: bool = False,
) -> PlatformDetector:  # fmt: skip
    """Train on the training part, calibrate on the development part, write the artifact to ``folder``/detector.

    Args:
        dataset: any with labels.
        folder: of the run.
        scale: a key of `WINDOWS`; 0.5 is the dissertation's choice.
        attributes: names; none means all of the set.
        faces: how many training faces at most (whole people); None takes all.
        seed: of the draw of people and the solver.
        jobs: processes.
        progress: whether to show a bar on standard error.
    """
    _check(scale)
    material = gathered(dataset, attributes, faces=faces, seed=seed)
    first, second = (
        np.concatenate(material.each(index, lambda images, eyes: features(images, eyes, scale)))
        for index in (material.train, material.development)
    )
    head = linear_svms(first, material.labels(material.train), seed=seed, jobs=jobs, progress=progress)
    found = calibration(head(second), material.labels(material.development))
    detector = PlatformDetector(**material.shared(), calibration=found, head=head, scale=scale)
    return load(detector.save(Path(folder) / "detector", **material.card()))
