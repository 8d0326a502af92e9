"""The command line: one function a verb. Heavy imports (torch above all) happen inside a verb, so help is instant.

Here are the verbs of detectors and the dossier; others stand in a ``cli_….py`` of their own.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import tyro
from tyro.conf import Positional

from lineament import (
    cli_authentication,
    cli_data,
    cli_defense,
    cli_editing,
    cli_explanation,
    cli_monitor,
    cli_reproduction,
    cli_service,
    cli_studio,
)
from lineament.errors import LineamentError

__all__ = ["main"]

ABOUT = "Train, deploy and audit image-attribute detectors: what they see, whom they tell apart, and why they refuse."


def train_detector(
    out: Path,
    data: str = "portraits",
    root: Path | None = None,
    preset: str | None = None,
    attributes: tuple[str, ...] = (),
    epochs: int | None = None,
    size: int | None = None,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    jobs: int = 1,
    dry_run: bool = False,
) -> None:
    """Train an attribute detector; killed and called again, it goes on where it was.

    Args:
        out: folder of the run; the detector is written to its subfolder "detector".
        data: a data set that `lineament data list` names.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        preset: portraits, lineament, paper, wide or binary; lineament unless given, for portraits portraits.
        attributes: train these alone.
        epochs: instead of the preset's number.
        size: bring images to this longer side, in the first one's proportion; needed where they differ in size.
        seed: of weights, batches and augmentation.
        device: where to compute.
        precision: of the arithmetic; auto takes bfloat16 where it is faster.
        jobs: processes that fit the linear SVMs.
        dry_run: print the resolved run as JSON and stop.
    """
    from lineament.detectors.commands import train

    train(
        out=out, data=data, root=root, preset=preset, attributes=attributes, epochs=epochs, size=size, seed=seed,
        device=device, precision=precision, jobs=jobs, dry_run=dry_run,
    )  # fmt: skip


def evaluate(
    data: str = "portraits",
    root: Path | None = None,
    detector: Path | None = None,
    part: Literal["train", "development", "test"] = "test",
    criterion: Literal["stored", "accuracy", "balanced_accuracy", "mixed"] = "stored",
    seed: int = 0,
    json: Path | None = None,
) -> None:
    """Hold a detector against the labels of a data set: accuracy, balanced accuracy, F1, AUC, calibration.

    Args:
        data: a data set that `lineament data list` names.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        detector: an artifact or a run folder; the detector that comes with the package unless given.
        part: which part of the data.
        criterion: whence the thresholds: stored in the detector, or chosen anew on the development part.
        seed: of the bootstrap over people.
        json: also write every figure to this file.
    """
    from lineament.detectors.commands import evaluate

    evaluate(data=data, root=root, detector=detector, part=part, criterion=criterion, seed=seed, json=json)


def predict(
    images: Positional[tuple[Path, ...]],
    detector: Path | None = None,
    attributes: tuple[str, ...] = (),
    find_faces: bool = False,
    grey: bool = False,
    form: Literal["table", "json", "csv"] = "table",
    out: Path | None = None,
) -> None:
    """Say which attributes the faces in pictures have.

    Args:
        images: picture files, or folders of them.
        detector: an artifact or a run folder; the detector that comes with the package unless given.
        attributes: predict these alone, at the cost of these alone.
        find_faces: look for faces first; else each picture counts as one face, framed as the training images were.
        grey: take grey pictures too, as colour ones of three equal channels.
        form: of what is printed.
        out: write there instead of printing.
    """
    from lineament.detectors.commands import predict

    predict(images, detector=detector, attributes=attributes, find_faces=find_faces, grey=grey, form=form, out=out)


def export(out: Path, detector: Path | None = None) -> None:
    """Write a detector as an ONNX file: any number of images in, probabilities out, checked against PyTorch.

    They have the size of its training images. A JSON file beside it holds names, thresholds and where the eyes belong.

    Args:
        out: the .onnx file.
        detector: an artifact or a run folder; the detector that comes with the package unless given.
    """
    from lineament.detectors.commands import export

    export(out, detector=detector)


def dossier(
    data: str = "portraits",
    root: Path | None = None,
    detector: Path | None = None,
    out: Path = Path("dossier.html"),
    seed: int = 0,
    quick: bool = False,
    json: Path | None = None,
    explainer: tuple[Path, ...] = (),
    generator: Path | None = None,
    editor: Path | None = None,
) -> None:
    """Write one self-contained page about a detector: what it is good at, where it is blind, where it is weak.

    Args:
        data: a data set that `lineament data list` names, with attribute labels.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        detector: an artifact or a run folder; for portraits, the detector that comes with the package unless given.
        out: the HTML file.
        seed: of everything drawn at random.
        quick: read some hundred images of each part: a first look, not a measurement.
        json: also write every figure to this file.
        explainer: folders of `lineament train explainer`, of this detector, beside those that come with the package.
        generator: folder of `lineament train generator`: before the detector, images are projected on it.
        editor: folder of `lineament train editor`, to edit such images; for portraits, one comes with the package.
    """
    from lineament.dossier import dossier

    dossier(
        data=data, root=root, detector=detector, out=out, seed=seed, quick=quick, json=json, explainers=explainer,
        generator=generator, editor=editor,
    )  # fmt: skip


VERBS: dict[str, Callable[..., Any]] = {
    "dossier": dossier,
    "train detector": train_detector,
    "evaluate": evaluate,
    "predict": predict,
    "export": export,
    **cli_authentication.VERBS,
    **cli_data.VERBS,
    **cli_defense.VERBS,
    **cli_editing.VERBS,
    **cli_explanation.VERBS,
    **cli_monitor.VERBS,
    **cli_reproduction.VERBS,
    **cli_service.VERBS,
    **cli_studio.VERBS,
}
"""Every verb; the first of two words is a group, with a help of its own. A verb may return an exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return what it returns or 0, 1 for a job that failed, 2 for a call that was wrong."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    verbs, prog = VERBS, "lineament"
    group = {verb[len(words[0]) + 1 :]: run for verb, run in VERBS.items() if words and verb.startswith(f"{words[0]} ")}
    if group:
        verbs, prog = group, f"lineament {words.pop(0)}"
    try:
        try:
            code: int | None = tyro.extras.subcommand_cli_from_dict(
                verbs, prog=prog, args=words, description=ABOUT, config=(tyro.conf.FlagCreatePairsOff,)
            )
        finally:
            print(end="", flush=True)  # here, where a full disk can still be told
    except LineamentError as error:
        print(f"lineament: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # whoever read our output has seen enough
        _drop_output()
        return 1
    except OSError as error:
        _drop_output()  # the one stream that a verb does not open by name
        print(f"lineament: {error.filename or 'standard output'}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lineament: stopped", file=sys.stderr)
        return 130
    return code or 0


def _drop_output() -> None:
    """Drop what cannot be written to standard output, or Python would complain of it once more when it ends."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
