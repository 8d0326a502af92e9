"""The images that the verbs `attack` and `defend` work on, and where their results may go."""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float32, Int64
from rich.console import Console
from torch import Tensor

from lineament.classifier import Classifier
from lineament.datasets.base import AttributeDataset
from lineament.datasets.files import IMAGE_SUFFIXES
from lineament.datasets.registry import open_dataset
from lineament.defense.choices import Chosen, Request
from lineament.defense.pictures import Pictures, drawn, read_files, truth
from lineament.errors import UsageError

__all__ = ["check_out", "decided", "given_images", "is_page", "say"]


def given_images(
    request: Request, given: Chosen, device: torch.device, extra: int = 0
) -> tuple[Pictures, Pictures | None, list[str]]:
    """What to attack or to defend, ``extra`` further test images, and what was wrong with files that cannot be taken.

    Raises:
        UsageError: test images that the classifier does not take, or a classifier whose logits are not one a class.
        JobError: no file can be taken.
    """
    further, failures = None, list[str]()
    if request.images:
        pictures, failures = read_files(request.images, given.shape, fit=request.fit)
    else:
        dataset = open_dataset(str(request.data), request.root)
        known = truth(dataset, given.classes, _attribute(request, given, dataset))
        every = drawn(dataset, known, given.shape, n=request.n + extra, seed=request.seed, fit=request.fit)
        if len(every) < request.n:
            say(f"--n {request.n}: {dataset.name} has {len(every):,} test images of the classes, which are all taken")
        pictures, further = every[: request.n], every[request.n :] if extra else None
    pictures = pictures.to(device)
    logits = given.classifier(pictures.images[:1])
    if logits.shape[1] != len(given.classes):
        raise UsageError(
            f"{given.classifier.name}: gives {logits.shape[1]} logits for the {len(given.classes)} classes "
            f"{', '.join(given.classes)}; name one class a logit with --classes"
        )
    return pictures, None if further is None else further.to(device), failures


def _attribute(request: Request, given: Chosen, dataset: AttributeDataset) -> str | None:
    """The attribute whose absence and presence are the classes; None where each class is an attribute of its own.

    Raises ``UsageError`` that names both sets where the one does not have the other's classes.
    """
    alone = given.classes[-1] if given.classes[:-1] == (f"no {given.classes[-1]}",) else None
    if not {*((alone,) if alone else given.classes)} <= {*dataset.attributes}:
        other = given.data if given.data != request.data else None
        raise UsageError(
            f"--data {request.data}: shows {_some(dataset.attributes)}, and {given.classifier.name}"
            f"{f', which learnt {other},' if other else ''} tells {_some(given.classes)} apart; name "
            f"{f'--data {other}' if other else 'a set that shows these'}, or a classifier of {request.data}"
        )
    return alone


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


@torch.no_grad()
def decided(classifier: Classifier, images: Tensor) -> tuple[Int64[Tensor, " n"], Float32[Tensor, " n"]]:
    """The class that each image is taken for, and its probability in [0, 1], both ``(n,)``; 256 images at a time."""
    parts = [classifier(part).softmax(1).max(1) for part in torch.split(images, 256)]
    return torch.cat([part.indices for part in parts]), torch.cat([part.values for part in parts])


def is_page(out: Path | None) -> bool:
    """Whether ``--out`` names a page, and not a folder."""
    return out is not None and out.suffix.lower() == ".html"


def check_out(out: Path | None) -> None:
    """``UsageError`` unless ``out`` is None, a name that ends in .html, or a folder that is new or empty."""
    if out is None or is_page(out):
        return
    if out.suffix.lower() in {*IMAGE_SUFFIXES, ".json", ".htm", ".csv"} or out.is_file():
        raise UsageError(f"--out {out}: expected a folder, or a name that ends in .html for a page")
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"--out {out}: holds files already; name a new or an empty folder")


def say(text: str) -> None:
    """One line for a person, on standard error."""
    Console(stderr=True).print(text, highlight=False, soft_wrap=True, markup=False)
