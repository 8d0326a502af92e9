"""What each term of the editor is for: portraits as in `edit_portraits`, with one term at a time taken away.

All are `SMALL`, the whole preset among them as ``all``, and start from its classifier, eraser and style reader, as far
as they have one. Figures are means over attributes, on the test portraits of `edit_portraits`; the oracle has seen a
fifth as many people as that one. So short a training of so small a network says which terms a code needs to be learnt
at all; what only a long one brings it does not show.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.edit_figures import of_model, setting
from benchmarks.edit_portraits import HEADLINE, Figures, judge, material, of_one
from benchmarks.edit_task import ABLATIONS, Plan, flags, mean, trained
from benchmarks.harness import benchmark


def measure(*, quick: bool, seed: int, train: str | None) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    if train is not None and train not in ABLATIONS:
        raise SystemExit(f"--train: unknown run {train!r}; known: {', '.join(ABLATIONS)}")
    names = ABLATIONS if train is None else (train,)
    given = setting(judge(quick, seed, "lesser oracle"), quick, seed)
    found: dict[str, Figures] = {}
    table: list[dict[str, Any]] = []
    for name in list(names)[: 2 if quick else None]:
        model, minutes = trained(Plan("portraits", f"ablations/{name}", seed, quick), material(quick, seed))
        table += of_one(name, of_model(model, given), model, given, found, minutes)[-1:]
    if train is not None:
        raise SystemExit(0)
    return {
        f"{name.replace('-', '_')}_{key}": float(mean(drawn[key])[0])
        for name, drawn in found.items()
        for key in HEADLINE
    }, table


if __name__ == "__main__":
    benchmark(
        "edit_ablations",
        "What is lost if one term is taken from the training of an editor",
        measure,
        arguments=flags,
    )
