"""An explainer as an ONNX file, so that a page or a phone explains without torch (extra ``export``)."""

import logging
import warnings
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from lineament.artifacts import write_atomically
from lineament.errors import JobError
from lineament.explanation.explainer import Explainer

__all__ = ["export_onnx"]

INPUTS, OUTPUTS = ("images", "source", "target"), ("transformed", "mask", "composite")


def export_onnx(explainer: Explainer, path: str | Path, *, tolerance: float = 1e-4) -> float:
    """Write the explainer as an ONNX file of free batch, once onnxruntime agrees with torch.

    Its inputs are ``images`` ``(batch, channels, height, width)`` float32 in [0, 1] and ``source`` and ``target``
    ``(batch,)`` int64; its outputs ``transformed``, ``mask`` and ``composite``.

    Args:
        explainer: what to write.
        path: the file; replaced whole or not at all.
        tolerance: how far a pixel may be off.

    Returns:
        How far the worst one is. Raises ``JobError`` if that is more than ``tolerance``, if torch cannot export the
        network, or if the extra is not installed.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter asks for it only halfway
    except ImportError as error:
        raise JobError(f"{error.name} is not installed; run: pip install 'lineament[export]'") from None
    raw = _traced(explainer, _example(explainer, 3))
    session = onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"])
    apart = 0.0
    for batch in (1, 4):  # others than the one it was traced with, so that a fixed one shows
        example = _example(explainer, batch)
        expected = explainer(*example)
        found = session.run(OUTPUTS, {name: value.numpy() for name, value in zip(INPUTS, example, strict=True)})
        pairs = zip(found, expected, strict=True)
        apart = max(apart, *(float((torch.from_numpy(ours) - theirs).abs().max()) for ours, theirs in pairs))
    if not apart <= tolerance:
        raise JobError(f"{path}: not written: a pixel is {apart:.2g} off torch's, more than {tolerance:.2g}")
    write_atomically(Path(path), raw)
    return apart


def _example(explainer: Explainer, batch: int) -> tuple[Tensor, Tensor, Tensor]:
    source = torch.arange(batch) % len(explainer.classes)
    images = torch.rand(batch, *explainer.shape, generator=torch.Generator().manual_seed(batch))
    return images, source, (source + 1) % len(explainer.classes)


def _traced(explainer: Explainer, example: tuple[Tensor, Tensor, Tensor]) -> bytes:
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = log.level
    log.setLevel(logging.ERROR)  # it would complain that there is no torchvision, which nobody needs
    free: Any = {0: torch.export.Dim("batch")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch's exporter calls what torch has deprecated
            warnings.filterwarnings("ignore", message=".*axis name", category=UserWarning)  # one name for three inputs
            program = torch.onnx.export(
                explainer, example, dynamo=True, dynamic_shapes=(free, free, free), verbose=False,
                input_names=INPUTS, output_names=OUTPUTS,
            )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        raise JobError(f"torch cannot export this explainer: {error}") from error
    finally:
        log.setLevel(level)
    raw: bytes = cast(torch.onnx.ONNXProgram, program).model_proto.SerializeToString()
    return raw
