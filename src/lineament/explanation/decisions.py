"""What a classifier decides between: the log-probability of each class, whatever shape its logits have.

The whole wing asks a classifier nothing else, so a detector's attribute, a network of two outputs, an ONNX file and a
black box are explained by the same code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from lineament.classifier import Classifier
from lineament.errors import JobError, LineamentError, UsageError, nearest
from lineament.images import check_images

__all__ = ["Decisions", "of_attribute"]


@dataclass(frozen=True)
class Decisions:
    """A classifier seen as a choice between classes.

    Attributes:
        classifier: image batch to logits ``(batch, n)``.
        classes: names, in the order of the logits; two or more.
        column: which logit is the log-odds of ``classes[1]`` against ``classes[0]``; None where every class has a
            logit of its own. A binary classifier of one output has ``column=0``.
        threshold: probability of ``classes[1]`` from which it is decided for; only with ``column``.
    """

    classifier: Classifier
    classes: tuple[str, ...]
    column: int | None = None
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise UsageError(f"classes: expected two or more different names, got {', '.join(self.classes) or 'none'}")
        if self.column is not None and self.column < 0:
            raise UsageError(f"column: expected 0 or more, got {self.column}")
        if self.column is not None and len(self.classes) != 2:
            raise UsageError(f"column: one logit tells two classes apart, not {len(self.classes)}; leave it out")
        if not 0 < self.threshold < 1 or (self.column is None and self.threshold != 0.5):
            raise UsageError(
                f"threshold: expected a probability in (0, 1), and 0.5 without a column; got {self.threshold}"
            )

    @property
    def differentiable(self) -> bool:
        """Whether gradients of the log-probabilities reach the images."""
        return self.classifier.differentiable

    def __call__(self, images: Tensor) -> Float[Tensor, "batch classes"]:
        """Log-probabilities ``(batch, classes)``, shifted so that the greatest is the decision.

        Raises ``UsageError`` for logits of another shape, ``JobError`` if the classifier raises or gives no numbers.
        """
        check_images(images)
        try:
            logits = self.classifier(images.to(_device(self.classifier) or images.device)).to(images.device)
        except LineamentError:
            raise
        except Exception as error:  # a black box raises whatever it likes
            told = f"{type(error).__name__}: {error}"
            raise JobError(f"the classifier failed on {len(images)} images of {_size(images)} ({told})") from error
        wanted = len(self.classes) if self.column is None else self.column + 1
        if logits.ndim != 2 or len(logits) != len(images) or logits.shape[1] < wanted:
            raise UsageError(self._wrong(tuple(logits.shape), len(images)))
        if self.column is None and logits.shape[1] > wanted:
            raise UsageError(self._wrong(tuple(logits.shape), len(images)))
        if not torch.compiler.is_compiling() and not logits.isfinite().all():
            raise JobError("the classifier gave logits that are not finite; nothing can be explained by them")
        if self.column is None:
            return logits.float().log_softmax(1)
        log_odds = logits[:, self.column].float() - log(self.threshold / (1 - self.threshold))
        return torch.stack([logsigmoid(-log_odds), logsigmoid(log_odds)], 1)

    @torch.no_grad()
    def predict(self, images: Tensor, *, batch_size: int = 256) -> Int64[Tensor, " batch"]:
        """The class decided for ``(batch,)``, an index into ``classes``; computed ``batch_size`` images at a time."""
        parts = [self(part).argmax(1) for part in torch.split(images, batch_size)] if len(images) else []
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64)

    def _wrong(self, shape: tuple[int, ...], images: int) -> str:
        wanted = f"({images}, {len(self.classes)})" if self.column is None else f"({images}, more than {self.column})"
        return (
            f"the classifier: expected logits of shape {wanted} for the classes {', '.join(self.classes)}, got "
            f"{shape}; name as many classes as it has outputs, or the column of one attribute"
        )


def of_attribute(
    classifier: Classifier, attributes: Sequence[str], attribute: str, threshold: float = 0.5
) -> Decisions:
    """The decisions of a multi-attribute classifier about one attribute: without it (class 0) or with it (class 1).

    Args:
        classifier: image batch to log-odds ``(batch, attributes)``.
        attributes: the names of its outputs.
        attribute: one of them.
        threshold: the probability from which it counts as present.
    """
    if attribute not in attributes:
        raise UsageError(nearest(attribute, attributes, "attribute"))
    return Decisions(classifier, (f"no {attribute}", attribute), list(attributes).index(attribute), threshold)


def _device(classifier: Classifier) -> torch.device | None:
    """Where a classifier's weights are, as far as it has any that can be seen."""
    module = classifier if isinstance(classifier, nn.Module) else getattr(classifier, "module", None)
    weights = next(module.parameters(), None) if isinstance(module, nn.Module) else None
    return None if weights is None else weights.device


def _size(images: Tensor) -> str:
    return f"{images.shape[1]} x {images.shape[2]} x {images.shape[3]}"
