"""One self-contained HTML page out of sections: what a section is, the blocks it is made of, and the page.

A wing writes ``run(subject, progress) -> Fragment`` with the blocks below and offers it as a ``Section``. Every text is
escaped where it enters a block, so a file name cannot become markup; the page's own policy forbids any request.
"""

import base64
import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jinja2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lineament.subject import Subject

__all__ = [
    "ACCENT", "CONTRAST", "INK", "MUTED", "RULE", "Cell", "Finding", "Fragment", "Row", "Section", "axes", "figure",
    "image_grid", "legend", "number", "page", "percent", "prose", "readable", "table",
]  # fmt: skip

INK, MUTED, RULE, ACCENT, CONTRAST = "#1d1c1b", "#5f5b55", "#dfd9cf", "#1c5d8c", "#b04a1f"
"""Draw with these: in the page they become the colours of the reader's light or dark scheme."""

KINDS = {"strength": "Good at", "blind spot": "Blind spots", "weak flank": "Weak flanks", "notice": "To note"}
"""A finding's kind to the heading of its box."""

_VARIABLES = {INK: "ink", MUTED: "muted", RULE: "rule", ACCENT: "accent", CONTRAST: "contrast"}
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": MUTED, "axes.labelcolor": MUTED, "axes.spines.right": False, "axes.spines.top": False,
    "axes.titlecolor": INK, "axes.titlelocation": "left", "axes.titlesize": 11, "font.size": 10,
    "svg.fonttype": "none", "text.color": INK, "text.parse_math": False, "xtick.color": MUTED, "ytick.color": MUTED,
}  # fmt: skip


class Cell(NamedTuple):
    """A number in a table: the text shown, what to sort by, and a smaller remark such as its interval."""

    text: str
    value: float
    note: str = ""


Row = Sequence[str | Cell]


@dataclass(frozen=True)
class Finding:
    """One number worth the top of the page: ``kind`` says in which column it stands there."""

    kind: Literal["strength", "blind spot", "weak flank", "notice"]
    number: str
    text: str


@dataclass(frozen=True)
class Fragment:
    """What a section gives: blocks in reading order, findings for the top of the page, figures for the JSON file."""

    blocks: Sequence[Markup]
    findings: Sequence[Finding] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """One part of the dossier.

    Attributes:
        title: its heading, in words a reader who trains no networks understands.
        run: gives the section; it calls ``progress(share)`` with the share done in [0, 1] as it goes.
        cost: seconds it takes on the embedded data with two cores; weights the progress bar.
    """

    title: str
    run: "Callable[[Subject, Callable[[float], None]], Fragment]"
    cost: float


def prose(*paragraphs: str, heading: str = "") -> Markup:
    """Paragraphs of plain text, under a subheading if there is one."""
    head = Markup("<h3>{}</h3>").format(heading) if heading else Markup()
    return head + Markup().join(Markup("<p>{}</p>").format(text) for text in paragraphs)


def readable(name: str) -> str:
    """An attribute's name as people write it: ``"No_Beard"`` to ``"No Beard"``."""
    return name.replace("_", " ")


def percent(value: float, low: float | None = None, high: float | None = None) -> Cell:
    """A share as a percentage with one decimal, and its interval as the remark; NaN becomes a dash."""
    if not np.isfinite(value):
        return Cell("–", -1.0)
    bounds = low is not None and high is not None and np.isfinite(low + high)
    return Cell(f"{value:.1%}", float(value), f"{100 * (low or 0):.1f}–{100 * (high or 0):.1f}" if bounds else "")


def number(value: float, digits: int = 0, note: str = "") -> Cell:
    """A number with thousands separated; NaN becomes a dash."""
    return Cell(f"{value:,.{digits}f}".replace("-", "−"), float(value), note) if np.isfinite(value) else Cell("–", -1.0)


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str | Cell]], caption: str, *, folded: bool = False
) -> Markup:
    """A table whose columns sort on a click; it scrolls inside its own box where it is wider than the screen.

    A column of `Cell` sorts by value. A ``folded`` table shows only its caption until that is pressed.
    """
    numeric = [bool(rows) and all(isinstance(row[i], Cell) for row in rows) for i in range(len(columns))]
    heads = [
        Markup('<th scope="col"{}><button type="button">{}</button></th>').format(_class("n" if right else ""), name)
        for name, right in zip(columns, numeric, strict=True)
    ]
    lines = [
        Markup("<tr>{}</tr>").format(Markup().join(_cell(x, first=not i) for i, x in enumerate(row))) for row in rows
    ]
    box = Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{0}"><table aria-label="{0}">'
        "<thead><tr>{1}</tr></thead><tbody>{2}</tbody></table></div>"
    ).format(caption, Markup().join(heads), Markup().join(lines))
    around = "<details><summary>{}</summary>{}</details>" if folded else '<p class="caption">{}</p>{}'
    return Markup(around).format(caption, box)


def axes(width: float, height: float, columns: int = 1) -> "tuple[Figure, Any]":
    """A matplotlib figure in the page's style, and its axes (an array if there are several); inches.

    4.4 inches fit a phone; wider figures scroll inside their box there.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        drawing = Figure(figsize=(width, height), layout="constrained")
        return drawing, drawing.subplots(1, columns)


def legend(axis: Any, **place: Any) -> None:
    """A legend in the page's style; what is added after `axes` does not have it by itself."""
    axis.legend(frameon=False, labelcolor=INK, fontsize=10, **place)


def figure(drawing: "Figure", alt: str, caption: str = "") -> Markup:
    """A figure made with `axes` as inline SVG in the reader's colours; ``alt`` says in words what it shows."""
    import matplotlib

    stream = io.StringIO()
    with matplotlib.rc_context(_STYLE | {"svg.hashsalt": alt}):
        drawing.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # names repeat from figure to figure, and nothing refers to them
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"| version="[\d.]+"', "", svg)
    for colour, name in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name})")
    width = round(drawing.get_figwidth() * 96)
    svg = svg.replace("<svg", str(Markup('<svg role="img" aria-label="{}" width="{}"').format(alt, width)), 1)
    return Markup('<figure{}><div class="scroll">{}</div>{}</figure>').format(
        _class("wide" if width > 440 else ""), Markup(svg), _caption(caption)
    )


def image_grid(
    images: Sequence[NDArray[np.uint8]], captions: Sequence[str], *, label: str, width: int = 128, bare: bool = False
) -> Markup:
    """Pictures ``(height, width, channels)`` uint8, shrunk to ``width``, each with a caption that is also its alt text.

    ``label`` names the whole grid. A caption's first line stands out; ``bare`` keeps captions as alt text only.
    """
    items = [
        Markup('<li><img src="{}" alt="{}" width="{}" height="{}" loading="lazy" decoding="async">{}</li>').format(
            *_picture(pixels, width, caption), Markup() if bare else _lines(caption)
        )
        for pixels, caption in zip(images, captions, strict=True)
    ]
    return Markup('<ul class="grid{}" aria-label="{}" style="--cell: {}px">{}</ul>').format(
        " bare" if bare else "", label, width, Markup().join(items)
    )


def page(
    title: str,
    subtitle: str,
    sections: Sequence[tuple[str, Fragment | str]],
    provenance: Sequence[tuple[str, str]],
    *,
    kicker: str = "lineament dossier",
) -> str:
    """The whole page; a section that failed is a message in place of its fragment.

    ``kicker`` stands above the title and says what made the page. Of the boxes at the top, those without a finding
    are left out.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lineament"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    loader = environment.loader
    style, script = (Markup(loader.get_source(environment, name)[0]) for name in ("dossier.css", "dossier.js"))  # type: ignore[union-attr]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    found = {finding.kind for _, part in sections if isinstance(part, Fragment) for finding in part.findings}
    return environment.get_template("dossier.html.jinja").render(
        title=title, subtitle=subtitle, sections=sections, provenance=provenance, style=style, script=script,
        digest=digest, kicker=kicker, kinds={kind: heading for kind, heading in KINDS.items() if kind in found},
    )  # fmt: skip


def _picture(pixels: NDArray[np.uint8], width: int, alt: str) -> tuple[str, str, int, int]:
    image = Image.fromarray(pixels.squeeze()).convert("RGB")
    if image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=82)
    data = "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()
    return data, alt.replace("\n", ", "), image.width, image.height


def _cell(content: str | Cell, first: bool) -> Markup:
    if isinstance(content, Cell):
        note = Markup(" <small>{}</small>").format(content.note) if content.note else Markup()
        return Markup('<td class="n" data-value="{}">{}{}</td>').format(f"{content.value:.9g}", content.text, note)
    return Markup('<th scope="row">{}</th>' if first else "<td>{}</td>").format(content)


def _lines(caption: str) -> Markup:
    head, *rest = caption.split("\n")
    return Markup("<b>{}</b>").format(head) + Markup().join(Markup("<span>{}</span>").format(line) for line in rest)


def _caption(text: str) -> Markup:
    return Markup("<figcaption>{}</figcaption>").format(text) if text else Markup()


def _class(name: str) -> Markup:
    return Markup(' class="{}"').format(name) if name else Markup()
