"""The square attack against a literal twin, and as what it is for: the control that sees through a masked gradient."""

import pytest
import torch
from torch import Tensor, nn

from lineament.attacks.gradient_sign import FGSM, PGD
from lineament.attacks.noise import Noise
from lineament.attacks.square import Square, side
from lineament.classifier import AdaptedClassifier, from_function, from_module
from tests.attacks.toys import linear, network, pictures, row


def test_sides_shrink_as_in_autoattack() -> None:
    """``p_selection`` and ``s`` of its square.py, p_init 0.8, 28 x 28, of 1,000 queries."""
    sides = {query: side(28 * 28, query / 1000) for query in (0, 1, 2, 5, 6, 20, 21, 51, 101, 201, 401, 601, 801)}
    by_hand = {0: 25, 1: 25, 2: 18, 5: 18, 6: 13, 20: 13, 21: 9, 51: 6, 101: 4, 201: 3, 401: 2, 601: 2, 801: 1}
    assert sides == by_hand


def literal(classifier: AdaptedClassifier, images: Tensor, labels: Tensor, eps: float, queries: int) -> Tensor:
    """Image after image, pixel after pixel, in the order in which chance is drawn."""
    seed = torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(0))
    chance = torch.Generator().manual_seed(int(seed))
    count, _, height, width = images.shape
    pick = lambda *shape: torch.randint(2, shape, generator=chance).float() * 2 - 1  # noqa: E731
    best = images.clone()

    def margin(i: int, image: Tensor) -> float:
        logits = classifier(image[None])[0].tolist()
        return float(logits[labels[i]] - max(v for k, v in enumerate(logits) if k != labels[i]))

    striped = (images + eps * pick(count, 1, 1, width)).clamp(0, 1)
    for i in range(count):
        if margin(i, best[i]) >= 0 and margin(i, striped[i]) < margin(i, best[i]):
            best[i] = striped[i]
    for query in range(1, queries):
        if all(margin(i, best[i]) < 0 for i in range(count)):
            break
        size = side(height * width, query / queries)
        tall, wide = min(size, height), min(size, width)
        top = torch.randint(height - tall + 1, (count, 1), generator=chance)
        first = torch.randint(width - wide + 1, (count, 1), generator=chance)
        signs = pick(count, 1, 1, 1)
        for i in range(count):
            tried = best[i].clone()
            for y in range(int(top[i]), int(top[i]) + tall):
                for x in range(int(first[i]), int(first[i]) + wide):
                    tried[0, y, x] = (images[i, 0, y, x] + eps * signs[i, 0, 0, 0]).clamp(0, 1)
            if margin(i, best[i]) >= 0 and margin(i, tried) < margin(i, best[i]):
                best[i] = tried
    return best


def test_it_equals_its_literal_twin() -> None:
    classifier, batch = network(8), pictures(6)
    labels = classifier(batch).argmax(1)
    made = Square(0.06, queries=25)(classifier, batch, labels)
    torch.testing.assert_close(made.images, literal(classifier, batch, labels, 0.06, 25))
    assert 0 < made.success.sum() < 6


def test_it_asks_only_so_many_times_and_only_about_what_stands() -> None:
    asked: list[int] = []

    def tired(images: Tensor) -> Tensor:
        asked.append(len(images))
        return torch.stack([torch.zeros(len(images)), images.mean((1, 2, 3)) - 0.3], 1)

    batch = torch.cat([row(*[0.9] * 8), row(*[0.31] * 8)])
    made = Square(0.2, queries=9)(from_function(tired), batch, torch.tensor([1, 1]))
    assert made.success.tolist() == [False, True]
    assert len(asked) == 12 and asked[:3] == [2, 2, 2] and asked[-2:] == [1, 2]  # before, first; nine tries; after


def masked() -> AdaptedClassifier:
    """Weak, but in steps: its gradient is zero almost everywhere."""

    class Steps(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            value = images.flatten(1)[:, 0] - images.flatten(1)[:, 1]
            stepped = (value * 20).round() / 20 + 0 * value
            return torch.stack([-stepped, stepped], 1)

    return from_module(Steps())


def test_it_shows_a_masked_gradient() -> None:
    """Gradient attacks do no better than noise does; the square attack breaks everything."""
    batch = torch.rand(40, 1, 2, 2, generator=torch.Generator().manual_seed(4)) * 0.2 + 0.4
    labels = masked()(batch).argmax(1)
    fooled = {
        attack.name: int(attack(masked(), batch, labels).success.sum())
        for attack in (FGSM(0.2), PGD(0.2, random_start=False), Noise(0.2), Square(0.2, queries=200))
    }
    assert fooled["fgsm"] == fooled["pgd"] == 0 < fooled["noise"] < fooled["square"] == 40


@pytest.mark.parametrize("queries", [1, 20, 400])
def test_more_queries_break_more(queries: int) -> None:
    classifier, batch = network(9), pictures(60)
    labels = classifier(batch).argmax(1)
    share = Square(0.12, queries=queries)(classifier, batch, labels).success.float().mean()
    ends = {1: (0.0, 0.35), 20: (0.2, 0.6), 400: (0.5, 1.0)}[queries]
    assert ends[0] <= share <= ends[1]


def test_it_needs_no_gradient() -> None:
    bare = linear([1.0, -1.0])
    made = Square(0.3, queries=50)(from_function(bare), row(0.5, 0.3), torch.tensor([1]))
    assert made.success.item()
