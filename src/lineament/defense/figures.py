"""Figures of a defence: accuracy over the budget for each threat model, ROC curves, rows of pictures with decisions."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lineament import report
from lineament.defense.detection import Detection
from lineament.defense.threats import CLEAN, WORST
from lineament.errors import UsageError
from lineament.images import check_images, to_uint8

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["UNDEFENDED", "Decision", "accuracy", "budget", "curves", "picture_rows", "roc"]

UNDEFENDED = "no defence"
"""The curve of the bare classifier under the oblivious attack."""

LOOKS = (
    ("#5d8c1c", (0, (5, 2))), (report.ACCENT, "-"), ("#7a3f96", (0, (6, 2, 1, 2))), ("#c29a1b", (0, (3, 1.5))),
    ("#1c8c84", (0, (1, 1.2))), (report.INK, (0, (5, 2))), ("#8c5a1c", "-"),
)  # fmt: skip
"""Colour and dashes of each threat in turn."""

MARKERS = "osD^vPX"
"""Of the budgets that were tried, so that curves of one place can be told apart."""

SIDE = 96
"""Pixels of the longer side of a picture in a row."""

NARROW = "white-space: normal; font-size: .85em; max-width: 7rem"
"""How words in a row wrap: no wider than a picture and a little."""

Curve = list[tuple[float, float, float, float]]
"""Budget, accuracy and the ends of its interval, by rising budget."""


@dataclass(frozen=True)
class Decision:
    """What stands beneath a picture: a few words, and whether the decision is right."""

    text: str
    right: bool


def curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """Accuracy over the budget of each threat of `threats.rows`.

    The bare classifier comes first, under the first oblivious threat, the worst case last. A curve begins with the
    clean accuracy at 0, but not that of a threat tried at one budget, which is a point; one without a budget has none.
    """
    clean = next(row for row in rows if row["threat"] == CLEAN)
    attacked = [row for row in rows if row["threat"] != CLEAN and row["eps"] is not None]
    oblivious = next((row["threat"] for row in attacked if row["undefended"]), None)
    found: dict[str, Curve] = {} if oblivious is None else {UNDEFENDED: []}
    for row in attacked:
        if row["threat"] == oblivious:
            found[UNDEFENDED].append((row["eps"], *row["undefended"]))
        found.setdefault(row["threat"], []).append((row["eps"], *row["accuracy"]))
    starts = {name: clean["undefended" if name == UNDEFENDED else "accuracy"] for name in found}
    return {
        name: sorted(curve) if len(curve) == 1 else [(0.0, *starts[name]), *sorted(curve)]
        for name, curve in found.items()
    }


def accuracy(rows: Sequence[Mapping[str, Any]], chance: float, *, width: float = 4.5, height: float = 4.6) -> "Figure":
    """Accuracy over the budget, a line a threat; the worst case is the broad one, with its 95 % interval.

    Args:
        rows: of `threats.rows`.
        chance: accuracy of guessing, drawn as a dotted line.
        width, height: inches.
    """
    drawing, axis = report.axes(width, height)
    looks = iter(zip(LOOKS * 2, MARKERS * 2, strict=True))
    for name, curve in curves(rows).items():
        eps, share, low, high = zip(*curve, strict=True)
        if name == WORST:
            axis.fill_between(eps, low, high, color=report.CONTRAST, alpha=0.15, linewidth=0)
            axis.plot(eps, share, color=report.CONTRAST, linewidth=6, alpha=0.5, label=name, zorder=1)
        elif name == UNDEFENDED:
            axis.plot(eps, share, color=report.MUTED, linewidth=1.6, marker="x", markersize=5, label=name)
        else:
            (colour, style), marker = next(looks)
            axis.plot(eps, share, color=colour, linestyle=style, linewidth=1.5, marker=marker, markersize=4, label=name)
    axis.axhline(chance, color=report.MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
    ticks = sorted({row["eps"] for row in rows if row["eps"] is not None})
    axis.set_xticks(ticks, [budget(eps) for eps in ticks])
    axis.set(xlabel="greatest change of a value (eps)", ylabel="decisions that are right", ylim=(-0.02, 1.02))
    axis.yaxis.set_major_formatter("{x:.0%}")
    report.legend(axis, loc="upper center", bbox_to_anchor=(0.45, -0.18), ncols=2)
    return drawing


def roc(found: Mapping[str, Detection], *, width: float = 4.5, height: float = 4.2) -> "Figure":
    """ROC curves by name: attacked images flagged against clean ones flagged; the dotted line is guessing."""
    drawing, axis = report.axes(width, height)
    for (name, one), (colour, style) in zip(found.items(), (*LOOKS[1:], LOOKS[0]), strict=False):
        label = f"{name}: {one.auc[0]:.2f}"
        axis.plot(one.fpr, one.tpr, color=colour, linestyle=style, linewidth=1.7, label=label)
    axis.plot([0, 1], [0, 1], color=report.MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
    axis.set(xlabel="clean images flagged", ylabel="attacked images flagged", xlim=(-0.01, 1), ylim=(0, 1.01))
    for ruler in (axis.xaxis, axis.yaxis):
        ruler.set_major_formatter("{x:.0%}")
    report.legend(
        axis, loc="upper center", bbox_to_anchor=(0.45, -0.18), title="area under the curve", alignment="left"
    )
    return drawing


def budget(eps: float) -> str:
    """A budget as people write it: ``"0.3"``, but ``"4/255"`` for a whole number of grey levels."""
    levels = round(eps * 255)
    return f"{eps:g}" if round(eps, 3) == eps or abs(eps * 255 - levels) > 1e-3 else f"{levels}/255"


def picture_rows(
    rows: Mapping[str, Tensor], decisions: Mapping[str, Sequence[Decision]], heads: Sequence[str], *, label: str
) -> Markup:
    """Rows of pictures, one column an image, with the decision on each beneath it.

    Args:
        rows: name of a row to ``(n, channels, height, width)`` in [0, 1], such as clean, attacked and purified.
        decisions: by the same names, ``n`` each; a row may have none.
        heads: ``n`` words above the columns.
        label: names the whole for those who cannot see it.
    """
    for name, images in rows.items():
        check_images(images, name=name)
        if len(images) != len(heads) or len(decisions.get(name, heads)) != len(heads):
            raise UsageError(f"{name}: expected {len(heads)} pictures and as many decisions or none, got {len(images)}")
    top = Markup().join(Markup('<th scope="col" style="{}">{}</th>').format(NARROW, head) for head in ("", *heads))
    body = Markup().join(
        Markup('<tr><th scope="row" style="{}; vertical-align: middle">{}</th>{}</tr>').format(
            NARROW, name, _cells(name, images, decisions.get(name), heads)
        )
        for name, images in rows.items()
    )
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{0}"><table aria-label="{0}"><thead><tr>{1}</tr>'
        "</thead><tbody>{2}</tbody></table></div>"
    ).format(label, top, body)


def _cells(name: str, images: Tensor, decisions: Sequence[Decision] | None, heads: Sequence[str]) -> Markup:
    cells = []
    for i, pixels in enumerate(to_uint8(torch.as_tensor(images))):
        words = Markup() if decisions is None else _words(decisions[i])
        picture = _image(pixels, f"{heads[i]}, {name}")
        cells.append(Markup('<td style="{}">{}{}</td>').format(NARROW, picture, words))
    return Markup().join(cells)


def _words(decision: Decision) -> Markup:
    colour = "muted" if decision.right else "contrast"
    mark = "" if decision.right else "wrong: "
    return Markup('<span style="display: block; color: var(--{})">{}{}</span>').format(colour, mark, decision.text)


def _image(pixels: NDArray[Any], alt: str) -> Markup:
    """A picture of `SIDE` pixels, its own pixels still to be seen if it has few."""
    picture = Image.fromarray(pixels.squeeze()).convert("RGB")
    scale = SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    way = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.LANCZOS
    stream = io.BytesIO()
    picture.resize(size, way).save(stream, "WEBP", quality=90)
    data = "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()
    return Markup('<img src="{}" alt="{}" width="{}" height="{}" loading="lazy" decoding="async">').format(
        data, alt, *size
    )
