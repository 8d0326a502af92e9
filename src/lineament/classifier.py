"""What a classifier is to every wing: a callable from an image batch to logits, whatever computes them.

Adapters make one of a torch module, an ONNX file or a plain function. Each checks images at the door and logits on
the way out, and leaves what it wraps as it was: its mode, its gradients and the caller's images.
"""

import copy
import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from lineament.artifacts import write_atomically
from lineament.errors import JobError, UsageError
from lineament.images import check_images

__all__ = ["AdaptedClassifier", "Classifier", "export_onnx", "from_function", "from_module", "from_onnx"]


@runtime_checkable
class Classifier(Protocol):
    """A callable from an image batch to logits; nothing else is asked of one."""

    @property
    def differentiable(self) -> bool:
        """Whether gradients of the logits reach the images."""

    def __call__(self, images: Tensor) -> Tensor:
        """Float32 logits ``(batch, classes)`` or, one for each attribute, ``(batch, attributes)``."""


@dataclass(frozen=True)
class AdaptedClassifier:
    """What the adapters return.

    Attributes:
        name: what to call it in messages.
        differentiable: whether gradients of the logits reach the images.
        batch_size: how many images are computed at once.
        compute: image batch to ``(batch, classes)``; gets a copy, so it may write to its images.
        module: the frozen torch module inside, None if there is none.
    """

    name: str
    differentiable: bool
    batch_size: int
    compute: Callable[[Tensor], ArrayLike | Tensor] = field(repr=False)
    module: nn.Module | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UsageError(f"batch_size: expected at least 1, got {self.batch_size}")

    def __call__(self, images: Tensor) -> Tensor:
        """Float32 logits ``(batch, classes)`` of an image batch.

        Raises ``UsageError`` if ``images`` is no image batch or what came back are no logits, ``JobError`` if they
        are not finite.
        """
        check_images(images)
        chunks = torch.split(images, self.batch_size)
        return torch.cat([self._logits(chunk, first=i * self.batch_size) for i, chunk in enumerate(chunks)])

    def _logits(self, images: Tensor, first: int) -> Tensor:
        logits = torch.as_tensor(self.compute(images.clone()), device=images.device)
        if logits.ndim != 2 or len(logits) != len(images):
            shape = tuple(logits.shape)
            raise UsageError(f"{self.name}: expected logits of shape ({len(images)}, classes), got {shape}")
        logits = logits.float()
        finite = logits.isfinite().all(1)
        if not finite.all():
            wrong = int(finite.logical_not().nonzero()[0])
            raise JobError(f"{self.name}: logits of image {first + wrong} are not finite: {logits[wrong].tolist()[:5]}")
        return logits


def from_module(module: nn.Module, *, batch_size: int = 256) -> AdaptedClassifier:
    """A torch module as a classifier; gradients reach the images, never the module's parameters.

    It runs in evaluation mode as a frozen twin that shares the memory of the weights: training ``module`` in place
    shows at once, and neither its mode, its ``requires_grad`` nor its ``grad`` is ever changed.

    Args:
        module: image batch to ``(batch, classes)``.
        batch_size: images computed at once.
    """
    shared: dict[int, Any] = {id(buffer): buffer for buffer in module.buffers()}
    shared |= {id(weight): nn.Parameter(weight.detach(), requires_grad=False) for weight in module.parameters()}
    name = type(module).__name__
    try:
        twin = copy.deepcopy(module, shared).eval()
    except (RuntimeError, TypeError) as error:
        raise UsageError(f"{name}: cannot be copied ({error}); wrap what computes it with from_function") from None

    def compute(images: Tensor) -> Tensor:
        try:
            logits: Tensor = twin(images)
        except RuntimeError as error:
            raise UsageError(f"{name}: failed on images of shape {tuple(images.shape)}: {error}") from error
        return logits

    return AdaptedClassifier(name, True, batch_size, compute, twin)


def from_function(function: Callable[[Tensor], ArrayLike | Tensor], *, batch_size: int = 256) -> AdaptedClassifier:
    """A plain function as a classifier that has no gradient.

    Args:
        function: image batch to ``(batch, classes)``, a tensor or anything numpy takes.
        batch_size: images handed to it at once.
    """
    name = getattr(function, "__name__", type(function).__name__)

    def compute(images: Tensor) -> ArrayLike | Tensor:
        with torch.no_grad():
            logits = function(images)
        return logits.detach() if isinstance(logits, Tensor) else np.asarray(logits)

    return AdaptedClassifier(name, False, batch_size, compute)


def from_onnx(path: str | Path, *, batch_size: int = 256, threads: int = 1) -> AdaptedClassifier:
    """An ONNX file as a classifier that has no gradient; onnxruntime computes it (extra ``export``).

    Args:
        path: a file with one float input ``(batch, channels, height, width)`` and one output.
        batch_size: images computed at once; 1 where the file fixes its batch to 1.
        threads: processor threads onnxruntime uses.

    Raises ``JobError`` naming the file if it is none, and ``UsageError`` for images of another size than it takes.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise JobError(f"{path}: could not be read ({error.strerror or error})") from None
    return _from_onnx(raw, path, batch_size, threads)


def export_onnx(
    classifier: AdaptedClassifier | nn.Module, path: str | Path, shape: Sequence[int], *, tolerance: float = 1e-4
) -> float:
    """Write a torch classifier as an ONNX file of free batch, once onnxruntime agrees with torch (extra ``export``).

    Args:
        classifier: a module, or what ``from_module`` made of one.
        path: the file; replaced whole or not at all.
        shape: ``(channels, height, width)`` of one image.
        tolerance: how far the logits of random images may be off, as a share of the greatest of them or 1.

    Returns:
        How far they are off. Raises ``JobError`` if that is more than ``tolerance`` or torch cannot export the module.
    """
    made = from_module(classifier) if isinstance(classifier, nn.Module) else classifier
    if made.module is None:
        raise UsageError(f"{made.name}: only a torch module can be exported, and this classifier has none inside")
    if len(shape) != 3:
        raise UsageError(f"shape: expected (channels, height, width) of one image, got {tuple(shape)}")
    _extra("onnxscript")
    device = next((weight.device for weight in made.module.parameters()), None)
    images = torch.rand(7, *shape, generator=torch.Generator().manual_seed(0)).to(device)
    expected = made(images)
    try:
        raw = _traced(made.module, images)
    except torch.onnx.OnnxExporterError as error:
        raise JobError(f"{path}: not written: torch cannot export {made.name}: {error}") from error
    # another batch than the one it was traced with, so that a fixed one shows
    ours = torch.cat([_from_onnx(raw, Path(path), 4, 1)(part) for part in (images[:1], images[1:])])
    apart = float((ours - expected).abs().max() / expected.abs().max().clamp(min=1))
    if not apart <= tolerance:
        raise JobError(f"{path}: not written: its logits are {apart:.2g} off torch's, more than {tolerance:.2g}")
    write_atomically(path, raw)
    return apart


def _traced(module: nn.Module, images: Tensor) -> bytes:
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = log.level
    log.setLevel(logging.ERROR)  # it would complain that there is no torchvision, which nobody needs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch's exporter calls what torch has deprecated
            program = torch.onnx.export(
                module,
                (images,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                input_names=["images"],
                output_names=["logits"],
                verbose=False,
            )
    finally:
        log.setLevel(level)
    raw: bytes = cast(torch.onnx.ONNXProgram, program).model_proto.SerializeToString()
    return raw


def _from_onnx(raw: bytes, path: Path, batch_size: int, threads: int) -> AdaptedClassifier:
    runtime = _extra("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # its errors reach the caller as exceptions; no second copy on the terminal
    try:
        session = runtime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no other base
        raise JobError(f"{path}: not an ONNX file that onnxruntime {runtime.__version__} reads ({error})") from None
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
        found = ", ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in [*inputs, *outputs])
        raise JobError(f"{path}: expected one float input (batch, channels, height, width) and one output, got {found}")
    fixed = [size if isinstance(size, int) else None for size in inputs[0].shape]
    if fixed[0] not in (None, 1):
        raise JobError(f"{path}: takes batches of {fixed[0]} images only; export it with a free batch")

    def compute(images: Tensor) -> ArrayLike:
        if any(size not in (None, came) for size, came in zip(fixed[1:], images.shape[1:], strict=True)):
            raise UsageError(f"{path}: takes images of shape {tuple(fixed[1:])}, got {tuple(images.shape[1:])}")
        try:
            logits: ArrayLike = session.run(None, {inputs[0].name: images.detach().cpu().numpy()})[0]
        except Exception as error:
            raise JobError(f"{path}: failed on images of shape {tuple(images.shape)} ({error})") from None
        return logits

    return AdaptedClassifier(path.name, False, fixed[0] or batch_size, compute)


def _extra(package: str) -> Any:
    try:
        return __import__(package)
    except ImportError as error:
        raise JobError(f"{package} is not installed ({error}); run: pip install 'lineament[export]'") from None
