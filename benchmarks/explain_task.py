"""Put the parts of `explain_mnist` and `explain_fashion` together, which differ in nothing but their classes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import explain_controls
from benchmarks.explain_measures import rows
from benchmarks.explain_pairs import Plan, case, pair_plans, select
from benchmarks.explain_summary import pooled, summary


def task(data: str, *, control: tuple[str, str], several: tuple[str, ...]) -> Callable[..., Any]:
    """What `harness.benchmark` runs.

    Args:
        data: registered set.
        control: the pair of the control runs.
        several: the classes of the one network for more than two.
    """

    def measure(
        *, quick: bool, seed: int, seeds: int, train: Sequence[str] | None
    ) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
        pairs = pair_plans(data, seed, seeds, quick)
        controls = explain_controls.plans(data, control, several, seed, quick)
        select([*pairs, *controls], train)
        found = [row for plan in pairs for row in rows(case(plan))]
        metrics = summary(found)
        if quick:
            return metrics, found
        alike = [Plan(data, control, s) for s in range(seed, seed + min(2, seeds))]
        more, extra = explain_controls.measure(controls, alike)
        return metrics | more, [*found, *(pooled(found) if seeds > 1 else []), *extra]

    return measure
