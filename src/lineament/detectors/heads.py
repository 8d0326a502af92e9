"""From the parts' embeddings to calibrated log-odds: a linear head an attribute, sparse over parts, Platt-scaled."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

__all__ = ["Head", "calibrated", "svm_head"]

REGULARISATION = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
"""Values of the SVM's C that compete on the development part, for embeddings of unit deviation."""


@dataclass(frozen=True)
class Head:
    """Log-odds of every attribute as an affine function of the concatenated embeddings.

    Attributes:
        weight: ``(attributes, embedding)`` float32; zero where a part does not carry the attribute.
        bias: ``(attributes,)`` float32.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(n, embedding)`` to log-odds ``(n, attributes)``."""
        return embeddings @ self.weight.T + self.bias


def calibrated(head: Head, embeddings: NDArray[np.float32], labels: NDArray[np.int8]) -> Head:
    """The head with its scores scaled and shifted into log-odds (Platt 1999), fitted on the development part.

    Scale and shift are folded into weight and bias. An attribute of which the labels show only one value keeps its
    scores as they are.

    Args:
        head: any linear head.
        embeddings: ``(n, embedding)`` of the development part.
        labels: ``(n, attributes)`` int8, -1 unknown.
    """
    scores = head(embeddings)
    scale, shift = np.ones(len(head.bias), np.float32), np.zeros(len(head.bias), np.float32)
    for k, (score, label) in enumerate(zip(scores.T, labels.T, strict=True)):
        known = label >= 0
        if len(np.unique(label[known])) == 2:
            spread = max(float(score[known].std()), 1e-6)  # so that the weak penalty means the same for every scale
            platt = LogisticRegression(C=100.0).fit(score[known, None] / spread, label[known])
            # a negative scale would turn the detector's sense round; a useless score is worth its prevalence
            scale[k], shift[k] = max(platt.coef_[0, 0], 1e-3) / spread, platt.intercept_[0]
    return Head(head.weight * scale[:, None], head.bias * scale + shift)


def svm_head(
    train: tuple[NDArray[np.float32], NDArray[np.int8]],
    development: tuple[NDArray[np.float32], NDArray[np.int8]],
    carried: NDArray[np.bool_],
    *,
    jobs: int = 1,
) -> Head:
    """One linear SVM an attribute on the embeddings of the parts that carry it (section 2.4.2).

    C is the one of `REGULARISATION` with the best development accuracy. Scores are uncalibrated margins.

    Args:
        train: embeddings ``(n, embedding)`` and labels ``(n, attributes)``.
        development: likewise.
        carried: ``(attributes, embedding)``, which embedding units an attribute's SVM may use.
        jobs: processes that share the attributes.
    """
    mean, deviation = train[0].mean(0), train[0].std(0) + 1e-6
    first, second = (train[0] - mean) / deviation, (development[0] - mean) / deviation
    fitted = Parallel(n_jobs=jobs)(
        delayed(_best_svm)(first[:, units], train[1][:, k], second[:, units], development[1][:, k])
        for k, units in enumerate(carried)
    )
    weight, bias = np.zeros(carried.shape, np.float32), np.zeros(len(carried), np.float32)
    for k, (coefficients, intercept) in enumerate(fitted):
        weight[k, carried[k]] = coefficients
        bias[k] = intercept
    weight /= deviation
    return Head(weight, bias - weight @ mean)


def _best_svm(
    x: NDArray[np.float32], y: NDArray[np.int8], x_dev: NDArray[np.float32], y_dev: NDArray[np.int8]
) -> tuple[Sequence[float], float]:
    known, known_dev = y >= 0, y_dev >= 0
    if len(np.unique(y[known])) < 2:
        return [0.0] * x.shape[1], 1.0 if (y[known] == 1).any() else -1.0
    best, best_accuracy = None, -1.0
    for c in REGULARISATION:
        with warnings.catch_warnings():
            # primal liblinear on a wide grid: an unfinished fit merely loses the competition
            warnings.simplefilter("ignore", ConvergenceWarning)
            svm = LinearSVC(C=c, dual=False, max_iter=200, tol=1e-3).fit(x[known], y[known])
        accuracy = float((svm.predict(x_dev[known_dev]) == y_dev[known_dev]).mean()) if known_dev.any() else -c
        if accuracy > best_accuracy:
            best, best_accuracy = svm, accuracy
    return best.coef_[0], float(best.intercept_[0])  # type: ignore[union-attr]
