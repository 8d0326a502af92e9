"""What more steps (L), more restarts (R) and a larger budget do: tables 5.3, 5.8 to 5.11 and 5.13, and their curves.

Classifier F, attacked by FGSM through substitute E, behind the projection as the dissertation has it; ``lineament
reproduce table`` measures the same. Each curve is drawn with the printed points, into ``docs/images``. One descent
passes through every L. A thousand images are some six hours of a core and minutes of a large GPU (``--device cuda``);
what is done is kept, and a killed run goes on.
"""

import argparse
import io
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, benchmark, data_root
from lineament import report
from lineament.artifacts import write_atomically
from lineament.reproduction.chapter_5 import TABLES, Setting, Table

SETS: dict[str, tuple[Table, Table, Table]] = {"mnist": ("5.8", "5.10", "5.3"), "fashion_mnist": ("5.9", "5.11", "5.3")}
"""The tables over L, over R and over eps."""

AXES = ("steps L (R = 10)", "restarts R (L = 100)", "eps (L = 400, R = 10)")
TIMES: Table = "5.13"
LOOKS = {
    "Defense-GAN-Rec no attack": (report.ACCENT, "-", "o"),
    "Defense-GAN-Orig no attack": (report.ACCENT, "--", "s"),
    "Defense-GAN-Rec FGSM black-box": (report.CONTRAST, "-", "o"),
    "Defense-GAN-Orig FGSM black-box": (report.CONTRAST, "--", "s"),
    "Defense-GAN-Rec": (report.CONTRAST, "-", "o"),
}
"""Colour, line and marker of a column."""


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n", type=int, help="test images: 1,000, or 12 if quick")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="cpu")


def measure(
    *, quick: bool, seed: int, n: int | None, device: str
) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    home = ROOT / "runs" / "benchmarks"
    setting = Setting(data_root(), home, quick=quick, seed=seed, device=device, n=n or (12 if quick else None),  # type: ignore[arg-type]
                      mode="reference")  # fmt: skip
    sets = dict(list(SETS.items())[: 1 if quick else None])
    rows = list(measured("mnist", TIMES, setting))
    for data, tables in sets.items():
        for number in tables[: 2 if quick else None]:
            rows += measured(data, number, setting)
        folder = home / "defense" / "quick" if quick else ROOT / "docs" / "images"
        draw(data, rows, folder / f"projection_effects_{data}.png")
    return summary(rows), rows


def measured(data: str, number: Table, setting: Setting) -> Iterator[dict[str, Any]]:
    """A row a printed number."""
    for entry in TABLES[number](replace(setting, data=(data,))):
        print(f"{data} table {number}: {entry.row} {entry.column} {entry.value:.3f}", flush=True)
        axis, _, at = entry.row.partition(" ")
        yield {
            "data": data, "table": number, "over": axis, "at": float(at), "series": entry.column,
            "measured": entry.value, "low": entry.low, "high": entry.high, "published": entry.printed,
            "n": entry.n, "details": {"schedule": entry.schedule},
        }  # fmt: skip


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Mean of measured less printed accuracy by table, the L that defends best, seconds at L 200, R 10."""
    metrics: dict[str, float] = {}
    for row in rows:
        if row["table"] != TIMES:
            of = [each for each in rows if (each["data"], each["table"]) == (row["data"], row["table"])]
            gap = statistics.fmean(each["measured"] - each["published"] for each in of)
            metrics[f"{row['data']}_gap_over_{row['over']}"] = gap
    for data in SETS:
        attacked = [
            r for r in rows if (r["data"], r["over"]) == (data, "L") and r["series"].endswith("Rec FGSM black-box")
        ]
        if attacked:
            metrics[f"{data}_best_L"] = max(attacked, key=lambda row: row["measured"])["at"]
    if found := [
        r["measured"] for r in rows if (r["table"], r["over"], r["at"], r["series"]) == (TIMES, "R", 10, "L 200")
    ]:
        metrics["seconds_L200_R10"] = found[0]
    return metrics


def draw(data: str, rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Three panels of accuracy and one of seconds; lines are measured, hollow markers printed."""
    drawing, axes = report.axes(13.5, 3.8, 4)
    for axis, number, title in zip(axes, SETS[data], AXES, strict=False):
        of = [row for row in rows if (row["data"], row["table"]) == (data, number)]
        for name in dict.fromkeys(row["series"] for row in of):
            told = name.removeprefix("Defense-GAN-").replace(" FGSM black-box", ", attacked").replace(" no", ", no")
            curve(axis, [row for row in of if row["series"] == name], told, *LOOKS[name])
        axis.set(xlabel=title, ylabel="accuracy", ylim=(0, 1.02))
        if of and of[0]["over"] != "eps":
            marked(axis, of)
    times = [row for row in rows if row["table"] == TIMES]
    seconds = [row | {"restarts": row["at"], "at": float(row["series"].split()[1])} for row in times]
    for shade, restarts in zip((0.75, 0.6, 0.45, 0.25, 0.0), (1, 2, 5, 10, 20), strict=True):
        curve(axes[3], [row for row in seconds if row["restarts"] == restarts], f"R = {restarts}", str(shade), "-", "o")
    axes[3].set(xlabel="steps L", ylabel="seconds an image", yscale="log")
    marked(axes[3], seconds)
    report.legend(axes[0], loc="lower right")
    report.legend(axes[3], loc="upper left")
    axes[0].set_title(f"{data}: lines measured, hollow markers printed")
    stream = io.BytesIO()
    drawing.savefig(stream, format="png", dpi=110)
    write_atomically(path, stream.getvalue())


def marked(axis: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """A logarithmic axis with a label at each value that was measured."""
    values = sorted({row["at"] for row in rows})
    axis.set_xscale("log")
    axis.set_xticks(values, [f"{value:g}" for value in values])
    axis.minorticks_off()


def curve(axis: Any, rows: Sequence[Mapping[str, Any]], name: str, colour: str, line: str, marker: str) -> None:
    """One series: measured with its interval, and the printed points."""
    ordered = sorted(rows, key=lambda row: row["at"])
    at, values, low, high, printed = (
        [row[key] for row in ordered] for key in ("at", "measured", "low", "high", "published")
    )
    axis.plot(at, values, line, color=colour, label=name, linewidth=1.6)
    axis.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
    axis.plot(at, printed, marker, color=colour, markerfacecolor="none", linestyle="", markersize=5)


if __name__ == "__main__":
    claim = "more steps and restarts fit better, and from some L on they fit the attack, too; the printed points beside"
    benchmark("projection_effects", claim, measure, arguments=flags)
