"""Are attacked images told from clean ones by what the projection leaves of them? AUC and a threshold (eq. 5.8).

Defense-GAN has two scores: the mean squared error between an image and its projection, and how far the classifier's
answers to the two lie apart (Jensen-Shannon divergence). The attack is FGSM on the bare classifier of Defense-GAN-Rec;
figures 5.4 and 5.5 have it on a substitute, and print their AUC in the picture alone. MagNet has three detectors of its
own, and is attacked on the classifier of the images. Thresholds are set on development images for a false positive rate
of 5 %; ``false_positive`` is what that came to on test images. The reference mode looks at one image in ``FEWER`` where
no other benchmark has projected them already. The last rows are of attackers who know the defence, though not that it
looks at the error too: theirs are the images of `benchmarks.adaptive`.
"""

from collections.abc import Iterator, Mapping

from torch import Tensor

from benchmarks import adaptive
from benchmarks.defense_task import Row, Task, arguments, over
from benchmarks.harness import benchmark
from lineament.attacks.gradient_sign import FGSM
from lineament.datasets.labelled import floats
from lineament.defense.classifiers import Recipe
from lineament.defense.detection import Detection, detection, disagreement, error
from lineament.defense.magnet import MagNet
from lineament.reproduction.trained import Trained

EPS = (0.1, 0.2, 0.3)
RATE = 0.05

DEVELOPMENT = 200
"""Images that thresholds are set on."""

FEWER = 4

LEARNT: dict[str, Recipe] = {"reference": "rec", "fast": "rec", "MagNet": "orig"}
"""The recipe of the classifier that is attacked and asked, by what projects or reforms."""


def scores(task: Task, mode: str, images: Tensor) -> Mapping[str, Tensor]:
    """The scores of each image, ``(n,)``; the greater, the more it looks attacked."""
    material = task.material
    bare = material.classifier(Trained(task.models[0], LEARNT[mode]))
    if mode == "MagNet":
        return MagNet(bare, material.purifier("magnet").purifier).scores(images)
    made = material.purified(material.purifier(mode), images)
    return {"error": error(images, made), "disagreement": disagreement(bare, images, made)}


def rows(task: Task, mode: str, attack: str, adversarial: Tensor) -> Iterator[Row]:
    """One row a score for the first test images, attacked."""
    count = 20 if task.quick else DEVELOPMENT
    material = task.material
    sets = (
        floats(material.parts.development.images[:count]).to(material.where),
        material.images[: len(adversarial)],
        adversarial,
    )
    development, clean, under = (scores(task, mode, images) for images in sets)
    for name in clean:
        yield line(task, mode, attack, name, detection(clean[name], under[name], development[name], rates=[RATE]))


def line(task: Task, mode: str, attack: str, score: str, found: Detection) -> Row:
    """The figures of one ROC curve."""
    (at,) = found.operating
    auc, low, high = found.auc
    return {
        "data": task.data, "attack": attack, "mode": mode, "score": score, "n": found.n, "auc": auc, "low": low,
        "high": high, "detected": at["detected"][0], "false_positive": at["false_positive"][0], "details": at,
    }  # fmt: skip


def measure(task: Task) -> tuple[dict[str, float], list[Row]]:
    """Metrics and rows of one set; of the two modes, the lower AUC by error counts."""
    model, found = task.models[0], list[Row]()
    for eps in EPS:
        for mode, recipe in LEARNT.items():
            few = mode == "reference" and eps != max(EPS)
            adversarial = task.material.attacked(FGSM(eps), task.material.classifier(Trained(model, recipe)))
            found += rows(task, mode, f"FGSM {eps}", adversarial[: max(1, task.n // FEWER) if few else None])
    by_error = [one for one in found if one["score"] == "error"]
    metrics = {
        f"{task.prefix}_auc_eps_{eps}": min(
            one["auc"] for one in by_error if one["attack"] == f"FGSM {eps}" and one["mode"] != "MagNet"
        )
        for eps in EPS
    }
    for threat, attack in adaptive.attackers(task, adaptive.OURS, adaptive.EPS).items():
        one = adaptive.trial(task, model, adaptive.OURS, threat, attack, max(1, task.n // 10))
        if not one.oblivious:
            found += rows(task, "fast", f"{threat} {adaptive.EPS}", one.adversarial.images)
    return metrics, found


if __name__ == "__main__":
    claim = "FGSM at 0.3 is told from clean digits by the reconstruction error, AUC >= 0.95; beside it smaller budgets"
    benchmark("detection", claim, over(measure, few=6), arguments=arguments(1000), parts="data")
