"""One suite over every kind of classifier: the same toy, logits known by hand, through each adapter."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lineament.classifier import AdaptedClassifier, Classifier, export_onnx, from_function, from_module, from_onnx
from lineament.errors import JobError, UsageError


class Brightness(nn.Module):
    """Two logits: the mean of the image, and one minus it."""

    def forward(self, images: Tensor) -> Tensor:
        mean = images.mean((1, 2, 3))
        return torch.stack([mean, 1 - mean], 1)


def module(folder: Path, batch_size: int) -> AdaptedClassifier:
    return from_module(Brightness(), batch_size=batch_size)


def function(folder: Path, batch_size: int) -> AdaptedClassifier:
    return from_function(Brightness(), batch_size=batch_size)


def onnx(folder: Path, batch_size: int) -> AdaptedClassifier:
    export_onnx(Brightness(), folder / "brightness.onnx", (3, 4, 6))
    return from_onnx(folder / "brightness.onnx", batch_size=batch_size)


ADAPTERS: list[Callable[[Path, int], AdaptedClassifier]] = [module, function, onnx]


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__, scope="module")
def classifier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AdaptedClassifier:
    made: AdaptedClassifier = request.param(tmp_path_factory.mktemp("classifier"), 3)
    return made


def test_it_is_a_classifier_and_prints_its_settings(classifier: Classifier) -> None:
    assert isinstance(classifier, Classifier)
    assert "batch_size=3" in repr(classifier)


@pytest.mark.parametrize("batch", [1, 3, 4, 8])
def test_logits_are_right_however_the_batch_is_split(batch: int, classifier: Classifier) -> None:
    images = torch.rand(batch, 3, 4, 6)
    mean = images.mean((1, 2, 3))
    logits = classifier(images)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, torch.stack([mean, 1 - mean], 1))


def test_no_images_give_no_logits(classifier: Classifier) -> None:
    assert classifier(torch.zeros(0, 3, 4, 6)).shape == (0, 2)


def test_differentiable_tells_the_truth(classifier: Classifier) -> None:
    images = torch.rand(4, 3, 4, 6, requires_grad=True)
    logits = classifier(images)
    assert logits.requires_grad == classifier.differentiable
    if classifier.differentiable:
        (gradient,) = torch.autograd.grad(logits[:, 0].sum(), images)
        torch.testing.assert_close(gradient, torch.full_like(images, 1 / 72))


def test_images_are_left_as_they_were(classifier: Classifier) -> None:
    images = torch.rand(4, 3, 4, 6)
    before = images.clone()
    classifier(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize(
    "images",
    [torch.rand(3, 4, 6), torch.rand(1, 2, 4, 6), torch.rand(1, 3, 4, 6) + 1, torch.rand(1, 3, 4, 6).double()],
    ids=["no batch", "two channels", "out of range", "float64"],
)
def test_what_is_no_image_batch_is_refused_at_the_door(images: Tensor, classifier: Classifier) -> None:
    with pytest.raises(UsageError, match=r"images: expected"):
        classifier(images)


def test_logits_that_are_not_finite_are_refused() -> None:
    class Broken(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mean((1, 2, 3))[:, None].log()

    for adapted in (from_module(Broken()), from_function(Broken())):
        with pytest.raises(JobError, match="Broken: logits of image 1 are not finite"):
            adapted(torch.tensor([0.5, 0.0]).view(2, 1, 1, 1))
