"""The rows of one explainer on test images: its composites, the nearest image of the other class, an adversarial image.

KID and FID look through the 128 inputs of the last layer of a small convolutional network that tells all ten classes of
the set apart (`onlooker`: the explainer's part of seed 2001, true labels), one target class at a time, mean over
classes. A picture sheet of each run is left beside the runs.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from benchmarks.explain_pairs import EPSILON, SPACE, Case, onlooker, oracles
from benchmarks.explain_sheets import sheet
from benchmarks.explain_summary import shown


def crossed(case: Case, images: Any) -> Any:
    """Every image explained towards every other class: one explanation an image for a pair, ``k - 1`` for ``k``."""
    import torch

    from lineament.explanation.explainer import Explanation, explain

    k, source = len(case.plan.classes), case.decisions.predict(images)
    found = [explain(case.explainer, case.decisions, images, (source + other) % k) for other in range(1, k)]
    return Explanation(
        **{one.name: torch.cat([getattr(part, one.name) for part in found]) for one in fields(Explanation)}
    )


def tested(case: Case) -> Any:
    """The test images ``(n, channels, height, width)``; fewer for a quick run."""
    from lineament.datasets.labelled import floats

    return floats(case.parts.test.images[: 200 if case.plan.quick else None])


def rivals(case: Case, explanation: Any) -> dict[str, tuple[Any, Any]]:
    """Counterfactuals and mask (None: what visibly changes) by method; no adversarial image of a black box."""
    from lineament.datasets.labelled import floats
    from lineament.explanation.baselines import nearest, pgd

    images, target = explanation.images, explanation.target
    candidates = floats(case.parts.explainer.images[: 1000 if case.plan.quick else None])
    found = {
        "explaingan": (explanation.composite, explanation.mask),
        "nearest": (nearest(images, target, candidates, case.decisions.predict(candidates)), None),
    }
    if case.decisions.differentiable:
        steps = 5 if case.plan.quick else 40
        found["pgd"] = (pgd(case.decisions, images, target, epsilon=EPSILON[case.plan.data], steps=steps), None)
    return found


def rows(case: Case) -> list[dict[str, Any]]:
    """One row a method, and a picture sheet of the run."""
    from lineament.explanation.counterfactuals import measure
    from lineament.explanation.explainer import flips
    from lineament.explanation.small_classifiers import accuracy

    explanation = crossed(case, tested(case))
    judges = oracles(case.plan.data, case.plan.classes, case.plan.quick)
    found, made = rivals(case, explanation), []
    for method, (others, mask) in found.items():
        print(f"  measuring {method}", flush=True)
        figures: dict[str, Any] = measure(
            case.decisions, {} if case.plan.kind == "shuffled" else judges, explanation.images, others,
            explanation.source, explanation.target, mask,
        )  # fmt: skip
        figures |= distances(onlooker(case.plan.data, case.plan.quick), explanation, others, len(case.plan.classes))
        figures |= {"images": len(explanation), "feature_space": SPACE}
        parts = {
            key: value for key, value in figures.items() if "validity_" in key and not key.endswith(("_low", "_high"))
        }
        print("    " + ", ".join(f"{key} {value:.3f}" for key, value in parts.items()), flush=True)
        made.append(shown(case.plan.name, method, figures))
    made[0]["minutes"] = None if np.isnan(case.minutes) else case.minutes
    places = flips(explanation, case.decisions)
    made[0]["details"] |= {
        "classifier_accuracy": accuracy(case.decisions.classifier, case.parts.test),
        **{f"oracle_accuracy_{name}": accuracy(judge.classifier, case.parts.test) for name, judge in judges.items()},
        "transformed_validity": share(case.decisions.predict(explanation.transformed) == explanation.target),
        "reconstruction_l1": float((explanation.reconstruction - explanation.images).abs().mean()),
        "median_flip": float(places[places.isfinite()].median()) if places.isfinite().any() else None,
    }
    picture(case, explanation, found, judges)
    return made


def distances(judge: Any, explanation: Any, others: Any, classes: int) -> dict[str, float]:
    """KID and FID of the counterfactuals of each class against the test images decided for it, mean over classes."""
    from lineament.explanation.small_classifiers import features
    from lineament.training.distances import compare

    first = len(explanation) // (classes - 1)
    real, made = (features(judge, images) for images in (explanation.images[:first], others))
    parts = [(real[explanation.source[:first] == j], made[explanation.target == j]) for j in range(classes)]
    found = [compare(*part) for part in parts if len(part[0]) > 3 and len(part[1]) > 1]
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]} if found else {}


def picture(case: Case, explanation: Any, found: Mapping[str, tuple[Any, Any]], judges: Mapping[str, Any]) -> None:
    """Twelve images of each target class, then up to twelve that failed; failures bear a red bar."""
    failed = case.decisions.predict(explanation.composite) != explanation.target
    if case.plan.kind != "shuffled":
        failed |= judges["architecture"].predict(explanation.composite) != explanation.target
    targets = range(len(case.plan.classes))
    chosen = [int(i) for j in targets for i in (explanation.target == j).nonzero()[:12, 0]]
    chosen += [int(i) for i in failed.nonzero()[:12, 0]]
    one = explanation[chosen]
    columns = {"input": one.images, "again": one.reconstruction, "transf.": one.transformed, "mask": one.mask}
    columns |= {name: others[chosen] for name, (others, _) in found.items()}
    sheet(case.plan.sheet, columns, failed[chosen])


def share(which: Any) -> float:
    """Of true values."""
    return float(which.double().mean())
