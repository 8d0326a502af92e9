"""The verbs of the explanation wing, as `lineament.cli` calls them. Heavy imports happen inside a verb here too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

__all__ = ["VERBS"]


def train_explainer(
    out: Path,
    data: str = "portraits",
    root: Path | None = None,
    detector: Path | None = None,
    attribute: str | None = None,
    onnx: Path | None = None,
    classes: str = "",
    column: int | None = None,
    preset: str | None = None,
    size: int | None = None,
    steps: int | None = None,
    kappa: float | None = None,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    dry_run: bool = False,
) -> None:
    """Train an explainer: it shows what would flip a classifier's decision. Killed and called again, it goes on.

    Explained is --attribute NAME of a detector, or --onnx FILE with --classes A,B, or, with --classes 3,8 alone, a
    small classifier that is made here from a fraction of the images, as chapter 4 does.

    Args:
        out: folder of the run; the explainer is written to its subfolder "explainer", beside a copy of the classifier.
        data: a data set that `lineament data list` names; its labels are not needed, but for --classes alone.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        detector: an artifact or a run folder; the detector that comes with the package unless given.
        attribute: of the detector, which decides between images without it and images with it.
        onnx: a classifier as an ONNX file: a float batch of images in [0, 1] in, logits out.
        classes: names of its classes, separated by commas, in the order of its logits.
        column: where one logit of several is the log-odds of the second class against the first: which, from 0.
        preset: faces, garments or digits; unless given faces for an attribute, garments for fashion_mnist, else digits.
        size: bring images to this longer side in pixels; unless given their own, or the detector's, at most 64, or
            what the ONNX file fixes.
        steps: instead of the preset's number.
        kappa: share of the image, in [0, 1], below which a smaller mask earns nothing: about what the change covers;
            the preset's unless given, or that of the pair for digits of chapter 4.
        seed: of the split, weights and batches.
        device: where to compute.
        precision: of the arithmetic; auto takes bfloat16 where it is faster.
        dry_run: print the resolved run as JSON and stop.
    """
    from lineament.explanation.commands import train

    train(
        out=out, data=data, root=root, detector=detector, attribute=attribute, onnx=onnx, classes=classes,
        column=column, preset_name=preset, changes={"steps": steps, "kappa": kappa}, size=size, seed=seed,
        device=device, precision=precision, dry_run=dry_run,
    )  # fmt: skip


def explain(
    images: Positional[tuple[Path, ...]] = (),
    explainer: Path | None = None,
    attribute: str | None = None,
    detector: Path | None = None,
    data: str | None = None,
    root: Path | None = None,
    n: int = 12,
    target: str | None = None,
    out: Path | None = None,
    json: bool = False,
    seed: int = 0,
    dry_run: bool = False,
) -> None:
    """Show what would flip a classifier's decision about each image, where, and after how much of the change.

    Args:
        images: picture files, framed as the classifier's training images were.
        explainer: folder of a run of `lineament train explainer`, or an explainer's artifact.
        attribute: instead, an explainer that comes with the package, of the detector that does.
        detector: the detector that the explainer was made for; the one in its folder, or in the package, unless given.
        data: instead of files, a data set whose test images are drawn.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        n: how many test images, as many of each class as there are.
        target: the class to cross to, where there are more than two; the next likely one unless given.
        out: write strips: a page if the name ends in .html, one picture if it ends in .png.
        json: print the figures as JSON instead of a table.
        seed: which test images.
        dry_run: print what would be explained as JSON and stop.
    """
    from lineament.explanation.explain_commands import explain_images

    explain_images(
        images, explainer=explainer, attribute=attribute, detector=detector, data=data, root=root, n=n, target=target,
        out=out, json=json, seed=seed, dry_run=dry_run,
    )  # fmt: skip


def export_explainer(out: Path, explainer: Path) -> None:
    """Write an explainer as an ONNX file: images, their classes and the wanted ones in; change, mask, composite out.

    Args:
        out: the .onnx file.
        explainer: folder of a run of `lineament train explainer`, or an explainer's artifact.
    """
    from lineament.explanation.commands import export

    export(explainer, out)


VERBS: dict[str, Callable[..., Any]] = {
    "train explainer": train_explainer,
    "explain": explain,
    "explainer export": export_explainer,
}
"""Train explainers, explain pictures."""
