"""Error curves: DET, both rates on normal-deviate axes, and ROC. The dossier and the protocols draw with these."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from lineament import report
from lineament.authentication.verification import error_rates

__all__ = ["Curve", "curve", "draw_det", "draw_roc"]

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""FMR, falling, and FNMR, rising, of one method's operating points."""

TICKS = (0.001, 0.01, 0.05, 0.2, 0.5)
RANGE = (5e-4, 0.6)
POINTS = 400
"""A curve is drawn through at most this many operating points."""

LOOKS = (
    (report.ACCENT, "-"), (report.CONTRAST, (0, (5, 2))), (report.INK, (0, (1, 1.2))), (report.MUTED, "-"),
    ("#5d8c1c", "-"), ("#7a3f96", (0, (5, 2))), ("#c29a1b", (0, (1, 1.2))), ("#1c8c84", (0, (6, 2, 1, 2))),
)  # fmt: skip
"""Colour and dashes of each curve in turn; the first two pairs also differ in grey."""


def curve(genuine: NDArray[Any], impostor: NDArray[Any]) -> Curve:
    """FMR and FNMR of every operating point, thinned out to what a figure can show."""
    _, fmr, fnmr = error_rates(genuine, impostor)
    # evenly along the curve, not along the points: most points of a large set lie where FNMR is still 0
    way = np.cumsum(np.hypot(*(np.diff(ndtri(np.clip(rate, *RANGE)), prepend=0) for rate in (fmr, fnmr))))
    keep = np.unique(np.searchsorted(way, np.linspace(way[0], way[-1], POINTS)))
    return fmr[keep], fnmr[keep]


def draw_det(axis: Any, curves: Mapping[str, Curve]) -> None:
    """Draw detection error trade-off: nearer to the lower left is better; errors are equal on the dotted line."""
    for (name, rates), (colour, style) in _styled(curves):
        x, y = (ndtri(np.clip(rate, *RANGE)) for rate in rates)
        axis.plot(x, y, color=colour, linestyle=style, linewidth=1.6, label=name)
    edge = ndtri(RANGE)
    axis.plot(edge, edge, color=report.MUTED, linewidth=0.7, linestyle=(0, (2, 3)))
    axis.set(xlim=edge, ylim=edge, xlabel="strangers accepted (FMR)", ylabel="owners refused (FNMR)")
    labels = [f"{tick:.1%}" if tick < 0.01 else f"{tick:.0%}" for tick in TICKS]
    axis.set_xticks(ndtri(TICKS), labels)
    axis.set_yticks(ndtri(TICKS), labels)


def draw_roc(axis: Any, curves: Mapping[str, Curve]) -> None:
    """Draw ROC curves, as the dissertation shows them: owners accepted against strangers accepted."""
    for (name, (fmr, fnmr)), (colour, style) in _styled(curves):
        axis.plot(fmr, 1 - fnmr, color=colour, linestyle=style, linewidth=1.6, label=name)
    axis.plot([0, 1], [1, 0], color=report.MUTED, linewidth=0.7, linestyle=(0, (2, 3)))
    axis.set(xlim=(0, 1), ylim=(0, 1.005), xlabel="strangers accepted (FMR)", ylabel="owners accepted (1 − FNMR)")


def _styled(curves: Mapping[str, Curve]) -> Any:
    return ((entry, LOOKS[i % len(LOOKS)]) for i, entry in enumerate(curves.items()))
