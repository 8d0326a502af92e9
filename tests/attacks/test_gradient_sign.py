"""Gradient-sign attacks against hand-worked answers and against literal twins, slower and closer to the definition."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lineament.attacks.gradient_sign import FGSM, PGD, RandFGSM, for_others
from lineament.classifier import Classifier
from lineament.errors import UsageError
from tests.attacks.toys import linear, network, pictures, row


def sign_of_gradient(classifier: Classifier, image: Tensor, label: Tensor) -> Tensor:
    image = image.detach().requires_grad_()
    cross_entropy(classifier(image), label).backward()
    assert image.grad is not None
    return image.grad.sign()


def test_fgsm_on_a_linear_model_is_what_it_is_by_hand() -> None:
    """Class 1 needs 2a - b > 0; to be wrong, a falls by eps, b rises, and c, without weight, stays: sign(0) = 0."""
    made = FGSM(0.125)(linear([2.0, -1.0, 0.0]), row(0.5, 0.25, 0.5), torch.tensor([1]))
    assert made.images.flatten().tolist() == [0.375, 0.375, 0.5] and not made.success.item()
    assert made.linf.item() == 0.125 and made.l2.item() == pytest.approx(0.125 * 2**0.5)
    made = FGSM(0.3)(linear([2.0, -1.0, 0.0]), row(0.5, 0.25, 0.5), torch.tensor([1]))
    assert made.success.item() and made.predictions.item() == 0


def test_fgsm_through_a_cut_gradient_returns_the_image() -> None:
    made = FGSM(0.3)(linear([0.0, 0.0], bias=5), row(0.5, 0.25), torch.tensor([1]))
    assert made.images.flatten().tolist() == [0.5, 0.25] and made.linf.item() == 0


def test_fgsm_equals_its_formula_image_by_image() -> None:
    classifier, batch, labels = network(1), pictures(8), torch.arange(8) % 3
    made = FGSM(0.2)(classifier, batch, labels, batch_size=3).images
    for image, label, ours in zip(batch.split(1), labels.split(1), made.split(1), strict=True):
        twin = (image + 0.2 * sign_of_gradient(classifier, image, label)).clamp(0, 1)
        torch.testing.assert_close(ours, twin)


def test_rand_fgsm_spends_its_budget_once() -> None:
    """All noise up or all down, then eps - alpha along the gradient: a value ends at eps or at eps - 2 alpha."""
    batch = torch.full((50, 1, 1, 2), 0.5)
    made = RandFGSM(0.25, alpha=0.0625)(linear([1.0, -2.0], bias=3), batch, torch.ones(50, dtype=torch.int64))
    change = (made.images - batch).flatten(1)
    assert sorted(set(change[:, 0].tolist())) == [-0.25, -0.125]
    assert sorted(set(change[:, 1].tolist())) == [0.125, 0.25]


def test_rand_fgsm_takes_the_gradient_where_the_noise_led() -> None:
    classifier, batch, labels, alpha = network(2), pictures(40), torch.arange(40) % 3, 0.3
    made = RandFGSM(0.4, alpha)(classifier, batch, labels).images
    seeds = torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(0))
    drawn = torch.randn(batch.shape, generator=torch.Generator().manual_seed(int(seeds)))
    for image, noise, label, ours in zip(*(each.split(1) for each in (batch, drawn, labels, made)), strict=True):
        moved = (image + alpha * noise.sign()).clamp(0, 1)
        torch.testing.assert_close(ours, (moved + 0.1 * sign_of_gradient(classifier, moved, label)).clamp(0, 1))


def test_a_random_step_beyond_the_budget_is_refused() -> None:
    with pytest.raises(UsageError, match=r"rand_fgsm: alpha: expected at most eps = 0.04, .* got 0.05"):
        RandFGSM(0.04)


def literal_pgd(classifier: Classifier, image: Tensor, label: Tensor, eps: float, steps: int) -> Tensor:
    """One image from itself, until it is wrong; else the point of most loss, the last one included."""
    current, points = image, []
    for _ in range(steps + 1):
        logits = classifier(current)
        if logits.argmax() != label:
            return current
        points.append((cross_entropy(logits, label).item(), current))
        moved = current + 2.5 * eps / steps * sign_of_gradient(classifier, current, label)
        current = torch.max(torch.min(moved, image + eps), image - eps).clamp(0, 1)
    return max(points, key=lambda point: point[0])[1]


@pytest.mark.parametrize("eps", [0.02, 0.1, 0.4])
def test_pgd_equals_its_literal_twin(eps: float) -> None:
    classifier, batch = network(3), pictures(30)
    labels = classifier(batch).argmax(1)
    made = PGD(eps, steps=7, random_start=False)(classifier, batch, labels, batch_size=11)
    for image, label, ours in zip(batch.split(1), labels.split(1), made.images.split(1), strict=True):
        torch.testing.assert_close(ours, literal_pgd(classifier, image, label, eps, 7))
    assert 0 < made.success.sum() < 30 or eps == 0.4


def deepest(classifier: Classifier, image: Tensor, label: Tensor, eps: float, steps: int) -> Tensor:
    """Every step, from the image itself: of the points at which it is wrong, else of all, the one of most loss."""
    current, points = image, []
    for _ in range(steps + 1):
        logits = classifier(current)
        points.append((bool(logits.argmax() != label), cross_entropy(logits, label).item(), current))
        moved = current + 2.5 * eps / steps * sign_of_gradient(classifier, current, label)
        current = torch.max(torch.min(moved, image + eps), image - eps).clamp(0, 1)
    return max(points, key=lambda point: point[:2])[2]


def test_for_another_classifier_pgd_goes_as_deep_as_it_can() -> None:
    classifier, batch = network(3), pictures(30)
    labels = classifier(batch).argmax(1)
    attack = for_others(PGD(0.1, steps=7, random_start=False))
    made = attack(classifier, batch, labels, batch_size=11)
    for image, label, ours in zip(batch.split(1), labels.split(1), made.images.split(1), strict=True):
        torch.testing.assert_close(ours, deepest(classifier, image, label, 0.1, 7))
    barely = PGD(0.1, steps=7, random_start=False)(classifier, batch, labels)
    loss = [cross_entropy(classifier(each.images), labels, reduction="none") for each in (made, barely)]
    assert (made.success == barely.success).all()
    assert (loss[0] > loss[1] + 1e-3)[made.success].float().mean() > 0.5
    assert for_others(FGSM(0.1)) == FGSM(0.1)


def test_pgd_leaves_an_image_that_is_already_wrong() -> None:
    made = PGD(0.3, random_start=False)(linear([1.0]), row(0.5), torch.tensor([0]))
    assert made.images.item() == 0.5 and made.success.item() and not made.clean.item()


def test_pgd_works_only_on_images_that_withstand() -> None:
    """Steps of 0.075 down to 0.4: the first image needs one, the second two, the third never gets there."""
    asked: list[int] = []

    class Counting:
        differentiable = True

        def __call__(self, images: Tensor) -> Tensor:
            asked.append(len(images))
            return linear([1.0], bias=-0.4)(images)

    batch = torch.cat([row(0.45), row(0.5), row(0.99)])
    PGD(0.3, steps=10, random_start=False)(Counting(), batch, torch.tensor([1, 1, 1]))
    before, points, after = asked[0], asked[1:-1], asked[-1]
    assert before == after == 3 and points == [3, 3, 2, *[1] * 8]


def test_pgd_is_no_weaker_than_fgsm_and_more_restarts_never_weaker() -> None:
    classifier, batch = network(4), pictures(150)
    labels = classifier(batch).argmax(1)

    def fooled(attack: FGSM | PGD) -> Tensor:
        return attack(classifier, batch, labels, seed=1, batch_size=40).success

    assert fooled(PGD(0.08, random_start=False)).sum() >= fooled(FGSM(0.08)).sum() > 0
    fewer, more = (fooled(PGD(0.08, steps=2, restarts=restarts)) for restarts in (1, 8))
    assert bool((fewer <= more).all()) and more.sum() > fewer.sum()
    assert fooled(PGD(1.0)).all()
