"""Who can be told apart: equal error rates of every method on real faces and on portraits, by the protocols' own code.

Detectors are taken from folders (see the flags); what is not there is left out, and named. For each trial the rows hold
every method, whether its order is the dissertation's (networks below classical and platform, those below LBP), and
whether each fusion is at most its interval above the best of its parts.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, benchmark, data_root
from lineament.errors import LineamentError

FOLDERS = {
    "lineament": ("detector", "runs/benchmarks/detector_celeba/full/lineament"),
    "paper": ("detector", "runs/benchmarks/detector_celeba/full/paper"),
    "classical": ("classical", "runs/celeba_classical"),
    "platform": ("platform", "runs/celeba_platform"),
    "discovered": ("discovered", "runs/celeba_discovered"),
}
"""Kind and usual folder of each detector, all trained on CelebA."""

EVERY = {"celeba": 6, "extended_yale_b": 4, "orl": 4, "yale": 2, "portraits": 5}
"""Of how many people a quick run takes one."""

RANK = {"lbp": 2, "classical": 1, "platform": 1, "lineament": 0, "paper": 0, "discovered": 0}
"""The order the dissertation finds across sessions and on unconstrained images: a lower number has fewer errors."""

WHY = {
    "extended_yale_b": "grey crops of one sitting, only the lamp changes: patterns of skin repeat; the networks never "
    "saw a grey face or one half in the dark; in one light, table 2.6 has LBP ahead too",
    "orl": "grey photos before one wall: heads and their framing repeat, which LBP compares and attributes do not",
    "yale": "grey photos of one sitting: patterns of skin repeat, while expressions change attributes such as Smiling",
    "celeba": "one split of a small part of CelebA; published figures are of MOBIO and AA01",
    "portraits": "rendered faces: what is drawn alike is alike to the pixel",
}
"""What is special about each set, the likely reason where the order is not the dissertation's; not itself measured."""


def flags(parser: argparse.ArgumentParser) -> None:
    for name, (kind, folder) in FOLDERS.items():
        parser.add_argument(f"--{name}", type=Path, default=ROOT / folder, help=f"a {kind} artifact, trained on CelebA")


def measure(*, quick: bool, seed: int, **folders: Path) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    from lineament.authentication.protocol_run import run
    from lineament.authentication.protocols import PROTOCOLS
    from lineament.datasets.registry import open_dataset

    own = {"lbp": "lbp", "own": "detector", "own@published": "detector@published", "lbp + own": "lbp+detector"}
    names, absent = spelled(folders, quick)
    faces, rendered = opened(names), opened(own)
    rows: list[dict[str, Any]] = []
    for protocol_name in EVERY:
        protocol = PROTOCOLS[protocol_name]
        dataset = open_dataset(protocol.data, data_root(), **protocol.options)
        if quick:
            people = np.unique(dataset.identity)
            dataset = dataset.subset(np.isin(dataset.identity, people[:: EVERY[protocol_name]]))
        methods = rendered if protocol_name == "portraits" else faces
        outcome = run(protocol, dataset, methods, resamples=200 if quick else 1000, seed=seed)
        for trial in dict.fromkeys(result.trial for result in outcome.results):
            results = {r.method: r.rates for r in outcome.results if r.trial == trial}
            rows += described(protocol_name, trial, results, outcome.tuned_on)
    rows += [
        {"protocol": "", "trial": "", "method": name, "remark": f"left out: {why}"} for name, why in absent.items()
    ]
    return metrics(rows), rows


def spelled(folders: Mapping[str, Path], quick: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Every method's name here and for `methods.parse`, and the detectors that cannot be opened, with the reason."""
    words, absent = {}, {}
    for name in ("lineament",) if quick else FOLDERS:
        words[name] = f"{FOLDERS[name][0]}:{folders[name]}"
        try:
            opened({name: words[name]})
        except LineamentError as error:
            absent[name] = str(error).replace(f"{ROOT}/", "")
            del words[name]
    names = {"lbp": "lbp", **words}
    names |= {f"{name}@published": f"{word}@published" for name, word in words.items()}
    names |= {f"lbp + {name}": f"lbp+{word}" for name, word in words.items()}
    return names, absent


def opened(names: Mapping[str, str]) -> list[Any]:
    """The methods, under the names they have here."""
    from lineament.authentication.methods import parse

    return [replace(method, name=name) for method, name in zip(parse(",".join(names.values())), names, strict=True)]


def described(protocol: str, trial: str, results: Mapping[str, Any], tuned_on: str) -> list[dict[str, Any]]:
    """A row a method, and one that says where the order of the dissertation does not hold."""
    rows = []
    for name, rates in results.items():
        parts = [results[part] for part in name.split(" (")[0].split(" + ")] if " + " in name else []
        best = min((part.eer for part in parts), key=lambda eer: eer[0], default=None)
        worse = best is not None and rates.eer[0] > best[2]
        rows.append(
            {"protocol": protocol, "trial": trial, "method": name}
            | {"eer": float(rates.eer[0]), "low": float(rates.eer[1]), "high": float(rates.eer[2])}
            | {"fnmr_at_fmr_1": float(rates.fnmr_at_fmr_1[0]), "hter": number(rates.hter[0])}
            | {"remark": "worse than its best part by more than that one's interval" if worse else ""}
            | {"rates": rates.to_dict(), "tuned_on": tuned_on}
        )
    return [*rows, {"protocol": protocol, "trial": trial, "method": "(order)", "remark": order(results, WHY[protocol])}]


def order(results: Mapping[str, Any], why: str) -> str:
    """Which pairs of methods stand the other way round than in the dissertation, whether beyond chance, and why."""
    known = {name: results[name].eer for name in RANK if name in results}
    turned = [
        f"{later} {100 * known[later][0]:.1f} < {earlier} {100 * known[earlier][0]:.1f}"
        + ("" if known[later][2] < known[earlier][1] else " (intervals overlap)")
        for earlier in known
        for later in known
        if RANK[earlier] < RANK[later] and known[later][0] < known[earlier][0]
    ]
    return "; ".join([*turned, f"likely because: {why}"]) if turned else "as in the dissertation"


def number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def metrics(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The figures with targets, and how many fusions of each kind are worse than their best part's interval."""
    eer = {(row["protocol"], row["trial"], row["method"]): row["eer"] for row in rows if "eer" in row}
    named = {
        f"celeba_{label}_{kind}_eer": eer.get(("celeba", trial, method))
        for label, method in (("network", "lineament"), ("lbp", "lbp"))
        for kind, trial in (("set", "half → half"), ("single", "half → one image"))
    }
    worse = [str(row["method"]) for row in rows if "worse than" in row["remark"]]
    kinds = {"fusions_worse": lambda name: "(" not in name, "fusions_worse_weighted": lambda name: "(w" in name,
             "fusions_worse_test_z": lambda name: "(t" in name}  # fmt: skip
    counts = {key: float(sum(map(fits, worse))) for key, fits in kinds.items()}
    return {key: value for key, value in named.items() if value is not None} | counts


if __name__ == "__main__":
    benchmark(
        "verification",
        "equal error rates of every method on CelebA's test people, Extended Yale B, ORL, Yale and portraits",
        measure,
        arguments=flags,
    )
