"""Our attacks against torchattacks and cleverhans: the same settings, images and classifiers, one thread.

The peers are installed beside the project, in ``runs/peers``, and only this script sees them; our environment stays as
it is. What is timed is the same for all: adversarial images, and which of them were right before and are wrong after.

So that results can be equal, two faults of torchattacks are kept out of the way. It leaves black and white pixels as
they are, for their atanh is infinite: images are drawn in by 1/255. It takes the best other logit for 0 where it is
below: all logits are raised by the same, which changes no decision. A third is left to it: it stops all images once the
sum of their losses has risen, which saves time and may cost distance. Our PGD stops an image once it is lost, so its
images may lie nearer; only the share of successes is to be equal.
"""

import importlib
import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.harness import ROOT, benchmark, data_root

PEERS = ROOT / "runs" / "peers"
WANTED = ("torchattacks==3.5.1", "cleverhans==4.0.0")

CW = {"c": 100.0, "steps": 100, "rate": 0.01}
EPS, STEPS = 0.1, 40
RAISED = 100.0
ROUNDS = {"cw": 3, "fgsm": 30, "pgd": 5}
"""Attacks, and how often each is timed; the least counts."""

Row = dict[str, Any]
Call = Callable[["Setting"], Any]


class Setting(NamedTuple):
    """What is attacked: a classifier of table 5.5, as a module and as ours, test images of MNIST, their classes."""

    name: str
    network: Any
    classifier: Any
    images: Any
    labels: Any


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Row]]:
    import torch

    torch.manual_seed(seed)
    install()
    calls: dict[str, dict[str, Call]] = {
        "lineament": ours(),
        "torchattacks": torchattacks(),
        "cleverhans": cleverhans(),
    }
    rows: list[Row] = []
    for name, count in {"D": 32 if quick else 256, "A": 8 if quick else 64}.items():
        made = setting(name, count, 1500 if quick else 6000)
        rows += [row for attack in ROUNDS for row in compared(attack, made, calls, 1 if quick else ROUNDS[attack])]
    ratio = {attack: max(row["over_best_peer"] for row in rows if row["attack"] == attack) for attack in ROUNDS}
    metrics = {f"{attack}_time_ratio_best_peer": ratio[attack] for attack in ROUNDS}
    for attack in ROUNDS:
        for what in ("success", "l2")[: 1 if attack == "pgd" else 2]:
            metrics[f"{attack}_{what}_apart"] = max(row[f"{what}_apart"] for row in rows if row["attack"] == attack)
    return metrics, rows


def install() -> None:
    """Put the peers, without what they depend on, where ``import`` looks last."""
    if not all((PEERS / wanted.partition("==")[0]).is_dir() for wanted in WANTED):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", str(PEERS)]
        if subprocess.run([*pip, *WANTED]).returncode:
            sys.exit(f"could not install {' '.join(WANTED)} into {PEERS}; put them there by hand and call again")
    sys.path.append(str(PEERS))


def setting(name: str, count: int, learnt: int) -> Setting:
    """A classifier trained for a moment, and images of which it is asked."""
    import numpy as np
    import torch
    from torch.nn.functional import cross_entropy

    from lineament.classifier import from_module
    from lineament.datasets.labelled import floats, stored
    from lineament.datasets.registry import open_dataset
    from lineament.defense.architectures import build

    digits = open_dataset("mnist", data_root())
    known, asked = np.flatnonzero(digits.split == 0)[:learnt], np.flatnonzero(digits.split == 2)[:count]
    labels = torch.from_numpy(digits.labels.argmax(1))
    network: Any = build(name, (1, 28, 28), 10)
    images, classes = floats(stored(digits, known)), labels[known]
    adam = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(8 if name == "D" else 2):
        for chosen in torch.split(torch.randperm(len(images)), 50):
            adam.zero_grad()
            torch.autograd.backward(cross_entropy(network(images[chosen]), classes[chosen]))
            adam.step()
    network[-1].bias.data += RAISED
    return Setting(
        name, network.eval(), from_module(network), (1 + 253 * floats(stored(digits, asked))) / 255, labels[asked]
    )


def ours() -> dict[str, Call]:
    from lineament.attacks.base import Attack
    from lineament.attacks.carlini_wagner import CarliniWagner
    from lineament.attacks.gradient_sign import FGSM, PGD

    def call(attack: Attack) -> Call:
        return lambda on: attack(on.classifier, on.images, on.labels).images

    cw = CarliniWagner(CW["c"], int(CW["steps"]), CW["rate"])
    return {"cw": call(cw), "fgsm": call(FGSM(EPS)), "pgd": call(PGD(EPS, STEPS, random_start=False))}


def torchattacks() -> dict[str, Call]:
    peer = importlib.import_module("torchattacks")
    pgd = {"alpha": 2.5 * EPS / STEPS, "steps": STEPS, "random_start": False}
    return {
        "cw": judged(lambda on: peer.CW(on.network, CW["c"], 0, int(CW["steps"]), CW["rate"])(on.images, on.labels)),
        "fgsm": judged(lambda on: peer.FGSM(on.network, EPS)(on.images, on.labels)),
        "pgd": judged(lambda on: peer.PGD(on.network, EPS, **pgd)(on.images, on.labels)),
    }


def cleverhans() -> dict[str, Call]:
    attacks = "cleverhans.torch.attacks"
    cw = importlib.import_module(f"{attacks}.carlini_wagner_l2").carlini_wagner_l2
    fgsm = importlib.import_module(f"{attacks}.fast_gradient_method").fast_gradient_method
    pgd = importlib.import_module(f"{attacks}.projected_gradient_descent").projected_gradient_descent
    search = {
        "initial_const": CW["c"], "max_iterations": int(CW["steps"]), "lr": CW["rate"], "binary_search_steps": 1
    }  # fmt: skip
    descent = {"eps": EPS, "eps_iter": 2.5 * EPS / STEPS, "nb_iter": STEPS, "rand_init": False, "sanity_checks": False}
    inside = {"norm": math.inf, "clip_min": 0.0, "clip_max": 1.0}
    return {
        "cw": judged(lambda on: cw(on.network, on.images, 10, y=on.labels, **search)),
        "fgsm": judged(lambda on: fgsm(on.network, on.images, EPS, y=on.labels, **inside)),
        "pgd": judged(lambda on: pgd(on.network, on.images, y=on.labels, **descent, **inside)),
    }


def judged(call: Call) -> Call:
    """A peer's attack and what the classifier makes of the images before and after, which ours tells unasked."""
    import torch

    def whole(on: Setting) -> Any:
        made = call(on).detach()
        with torch.no_grad():
            on.network(on.images), on.network(made)
        return made

    return whole


def compared(attack: str, on: Setting, calls: Mapping[str, Mapping[str, Call]], rounds: int) -> list[Row]:
    """A row an implementation: processor time, the least of rounds taken in turn; successes and their mean distance."""
    print(f"{attack} on {on.name}", flush=True)
    found = {name: judge(on, call[attack](on)) for name, call in calls.items()}  # and what a first call loads is loaded
    seconds = dict.fromkeys(calls, math.inf)
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.process_time()
            call[attack](on)
            seconds[name] = min(seconds[name], time.process_time() - started)
    peers = {name: value for name, value in seconds.items() if name != "lineament"}
    share, distance = found["lineament"]
    return [
        {
            "attack": attack,
            "classifier": on.name,
            "n": len(on.images),
            "implementation": name,
            "ms_per_image": 1000 * seconds[name] / len(on.images),
            "over_best_peer": seconds[name] / min(peers.values()) if name == "lineament" else 0.0,
            "success": found[name][0],
            "l2": found[name][1],
            "success_apart": abs(found[name][0] - share),
            "l2_apart": abs(found[name][1] - distance) / max(distance, 1e-9),
        }
        for name in calls
    ]


def judge(on: Setting, made: Any) -> tuple[float, float]:
    """The share of images that the classifier gets wrong, and their mean L2 distance, 0 where there are none."""
    wrong = on.network(made).argmax(1) != on.labels
    distances = (made - on.images).flatten(1).norm(dim=1)[wrong]
    return float(wrong.float().mean()), float(distances.sum() / max(len(distances), 1))


if __name__ == "__main__":
    benchmark(
        "attack_speed", "Carlini-Wagner takes no more time than the faster of torchattacks and cleverhans", measure
    )
