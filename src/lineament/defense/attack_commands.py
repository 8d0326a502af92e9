"""What the verb `attack` does: attack test images or files, and tell how the classifier stands."""

import json as json_module
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from lineament.artifacts import check_writable
from lineament.attacks.adaptive import BPDA
from lineament.attacks.base import Attack, title
from lineament.attacks.black_box import BlackBox, train_substitute
from lineament.attacks.gradient_sign import FGSM
from lineament.attacks.manifold import OnManifold
from lineament.defense.architectures import build
from lineament.defense.attack_page import attack_page
from lineament.defense.attack_report import NOTHING, Stand, show, write_folder
from lineament.defense.attack_settings import BLACK_BOX, prepared
from lineament.defense.choices import Chosen, Request, chosen, levels
from lineament.defense.pictures import Pictures
from lineament.defense.shields import compute_on, shield
from lineament.defense.subjects import check_out, decided, given_images, is_page, say
from lineament.defense.threats import trials
from lineament.errors import JobError, UsageError
from lineament.purifier import Defended, Purifier, defended

__all__ = ["attack_images"]

HELD = 150
"""Test images that the substitute of a black box begins with (section 5.4); none of them is attacked."""


def attack_images(
    request: Request, *, attacks: Sequence[str], eps: Sequence[float], settings: Sequence[str], out: Path | None,
    json: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Attack picture files, or test images of a set; arguments as on the command line.

    Files that cannot be taken are named on standard error; the rest is still attacked, and then ``JobError`` is raised.
    """
    budgets = _budgets(eps)
    planned = prepared(attacks, budgets[0], settings)
    check_out(out)
    device = compute_on(request.device)
    given = chosen(request, device)
    target = _behind(request, given, device)
    _check_targets(planned.values(), target)
    pictures, held, failures = given_images(request, given, device, HELD if BLACK_BOX in attacks else 0)
    if BLACK_BOX in attacks:
        _check_held(pictures, held)
    if dry_run:
        facts = _planned(request, given, target, planned, budgets, BLACK_BOX in attacks)
        return print(json_module.dumps(facts | {"n": len(pictures)}, indent=1))
    if held is not None:
        planned[BLACK_BOX] = _black_box(target, given, held, budgets[0], request.seed)
    labels = decided(given.classifier, pictures.images)[0] if pictures.labels is None else pictures.labels
    if out is not None:
        check_writable(out.parent if is_page(out) else out)
    found = trials(target, pictures.images, labels, planned, budgets, seed=request.seed)
    stand = Stand(request, given, target, pictures, labels, found)
    if out is not None:
        (attack_page if is_page(out) else write_folder)(stand, out)
        say(f"What the attacks made: {out}")
    if json:
        print(json_module.dumps(stand.figures(), indent=1))
    else:
        show(stand)
    if failures:
        raise JobError("\n".join(failures))


def _budgets(eps: Sequence[float]) -> list[float]:
    if not eps:
        raise UsageError("--eps: expected at least one budget in [0, 1], such as 0.3")
    if wrong := [each for each in eps if not 0 <= each <= 1]:
        got = f"{wrong[0]:g}{levels(wrong[0])}"
        raise UsageError(f"--eps: expected the greatest change of a value, in [0, 1], got {got}")
    return sorted(set(eps))


def _behind(request: Request, given: Chosen, device: torch.device) -> Defended:
    if request.defense is None:
        return defended(given.classifier, NOTHING, seed=request.seed)
    stands = shield(request.defense, shape=given.shape, data=given.data or request.data, generator=request.generator,
                    mode=request.mode, device=device)  # fmt: skip
    return defended(given.classifier, stands.purifier, seed=request.seed)


def _check_targets(attacks: Iterable[Attack], target: Defended) -> None:
    """``UsageError`` for an attack that can work neither on the defence nor on the classifier."""
    for attack in attacks:
        if attack.needs_gradient and not target.classifier.differentiable:
            raise UsageError(
                f"--attack {attack.name}: needs a gradient, and {title(target.classifier)} has none; take square, "
                "noise, or black_box, which goes through a substitute"
            )
        if isinstance(attack, BPDA | OnManifold):
            _check_defence(attack, target.purifier)


def _check_defence(attack: BPDA | OnManifold, purifier: Purifier) -> None:
    """``UsageError`` for an attack on a defence where none stands, or one that does not let it through."""
    if purifier is NOTHING:
        raise UsageError(
            f"--attack {attack.name}: works on what stands before a classifier; name that with --defense, or take pgd"
        )
    if isinstance(attack, OnManifold) and purifier.manifold is None:
        raise UsageError(
            f"--attack {attack.name}: searches what a generator makes, and {purifier.name} has none; take --defense "
            "defense_gan, or --attack bpda"
        )
    if isinstance(attack, BPDA) and attack.route not in purifier.routes:
        raise UsageError(
            f"--attack {attack.name}: goes back through the defence by the route {attack.route}, and {purifier.name} "
            f"has {' and '.join(purifier.routes)}; take bpda with --settings route={purifier.routes[-1]}"
        )


def _check_held(pictures: Pictures, held: Pictures | None) -> None:
    if held is None or len(held) < HELD:
        there = "files are named" if held is None else f"there are {len(pictures) + len(held)} in all"
        raise UsageError(
            f"--attack black_box: a substitute begins with {HELD} test images that are not attacked, and {there}; name "
            f"{'a set with --data' if held is None else 'a smaller --n, or a larger set with --data'}"
        )


def _black_box(target: Defended, given: Chosen, held: Pictures, eps: float, seed: int) -> Attack:
    channels, height, width = held.images.shape[1:]
    make = partial(build, "E", (channels, height, width), len(given.classes))
    asked = target.classifier if target.purifier is NOTHING else target
    return BlackBox(train_substitute(asked, held.images, architecture=make, seed=seed), FGSM(eps=eps))


def _planned(
    request: Request,
    given: Chosen,
    target: Defended,
    planned: Mapping[str, Attack],
    budgets: Sequence[float],
    box: bool,
) -> dict[str, Any]:
    return {
        "classifier": given.classifier.name,
        "classes": list(given.classes),
        "shape": list(given.shape),
        "defense": None if target.purifier is NOTHING else target.purifier.name,
        "images": [str(path) for path in request.images] or f"{request.n} test images of {request.data}",
        "attacks": [*map(repr, planned.values())] + ["FGSM on a substitute"] * box,
        "eps": list(budgets),
        "seed": request.seed,
    }
