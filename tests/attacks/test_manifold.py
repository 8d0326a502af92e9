"""The search of latents: by hand on a line, and against a literal twin of one image at a time."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from lineament.attacks.gradient_sign import FGSM
from lineament.attacks.manifold import LOOKS, OnManifold
from lineament.attacks.noise import Noise
from lineament.errors import UsageError
from lineament.purifier import Defended, Purifier, defended
from tests.attacks.toys import linear, network, pictures, row


class Diagonal(nn.Module):
    """All images of two equal values."""

    def forward(self, latents: Tensor) -> Tensor:
        return latents.sigmoid().expand(-1, 2).view(-1, 1, 1, 2)


def onto_diagonal(images: Tensor, seed: int) -> Tensor:
    return images.mean((1, 2, 3), keepdim=True).expand_as(images)


LINE = Purifier("projected on the diagonal", onto_diagonal, manifold=Diagonal(), latent=1)


class Small(nn.Module):
    """Images of 4 x 5 from three latents."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.randn(3, 20, generator=torch.Generator().manual_seed(6))

    def forward(self, latents: Tensor) -> Tensor:
        return (latents @ self.weight).sigmoid().view(-1, 1, 4, 5)


def nearest_of_many(images: Tensor, seed: int) -> Tensor:
    """A projection on `Small`, by looking at many of its images."""
    made = Small()(2 * torch.randn(2000, 3, generator=torch.Generator().manual_seed(seed)))
    return made[torch.cdist(images.flatten(1), made.flatten(1)).argmin(1)]


def small(seed: int) -> Defended:
    return defended(network(seed), Purifier("nearest", nearest_of_many, manifold=Small(), latent=3, randomised=True))


def test_on_a_line_it_is_what_it_is_by_hand() -> None:
    """Class 1 while 6a - 4b > 1, on the diagonal while a > 0.5; the projection undoes all that leaves the diagonal."""
    classifier = linear([6.0, -4.0], bias=-1.0)
    target, image, label = defended(classifier, LINE), row(0.6, 0.6), torch.tensor([1])
    oblivious = FGSM(0.15)(classifier, image, label)
    assert oblivious.success.item() and target(oblivious.images).argmax(1).item() == 1
    made = OnManifold(0.15, restarts=1)(target, image, label)
    assert made.success.item() and made.images.flatten().tolist() == pytest.approx([0.45, 0.45])
    withstood = OnManifold(0.05, restarts=1)(target, image, label)
    assert not withstood.success.item() and withstood.images.flatten().tolist() == pytest.approx([0.55, 0.55])


def above(target: Defended, image: Tensor, label: int) -> float:
    seen = target(image)[0]
    return float(seen[label] - torch.cat([seen[:label], seen[label + 1 :]]).max())


def literal_search(target: Defended, image: Tensor, label: int, latents: Tensor, eps: float, steps: int) -> Tensor:
    """One start of one image; of it and the tries the defence saw, the first that it gets wrong, or the nearest."""
    assert target.purifier.manifold is not None
    latents, tries = latents.clone().requires_grad_(), [(above(target, image, label), image)]
    if tries[0][0] < 0:
        return image
    adam = torch.optim.Adam([latents], 0.1)
    for step in range(1, steps + 1):
        made = target.purifier.manifold(latents)
        nearest = torch.max(torch.min(made.detach(), image + eps), image - eps).clamp(0, 1)
        logits = target.classifier(made)[0]
        others = torch.cat([logits[:label], logits[label + 1 :]])
        cost = ((made - nearest) ** 2).sum() + max(logits[label] - others.max() + 0.5, torch.tensor(0.0))
        adam.zero_grad()
        cost.backward()
        adam.step()
        if step % (steps // LOOKS) == 0:
            tries.append((above(target, nearest, label), nearest))
            if tries[-1][0] < 0:
                return nearest
    return min(tries, key=lambda each: each[0])[1]


def test_it_equals_its_literal_twin() -> None:
    target, batch, eps = small(1), pictures(12), 0.2
    labels = target(batch).argmax(1)
    made = OnManifold(eps, steps=20, restarts=1, confidence=0.5)(target, batch, labels)
    seed = torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(0))
    starts = torch.randn(12, 3, generator=torch.Generator().manual_seed(int(seed)))
    for image, label, start, ours in zip(batch.split(1), labels, starts.split(1), made.images.split(1), strict=True):
        torch.testing.assert_close(ours, literal_search(target, image, int(label), start, eps, 20), atol=1e-5, rtol=0)
    assert 0 < made.success.sum() < 12


def test_the_first_restart_begins_where_the_images_lie_and_the_next_is_drawn() -> None:
    asked: list[tuple[int, int]] = []
    begun: list[Tensor] = []

    def guess(images: Tensor, seed: int) -> Tensor:
        asked.append((len(images), seed))
        return images.flatten(1)[:, :3]  # of the images' own memory: they must not be moved with the latents

    class Watched(Small):
        def forward(self, latents: Tensor) -> Tensor:
            begun.append(latents.detach().clone())
            return super().forward(latents)

    plain, batch, eps = small(1), pictures(12), 0.2
    labels, before = plain(batch).argmax(1), batch.clone()
    labels[0] = (labels[0] + 1) % 3
    purifier = replace(plain.purifier, guess=guess, manifold=Watched())
    target = defended(plain.classifier, purifier, seed=7)
    wrong = target(batch).argmax(1) != labels
    made = OnManifold(eps, steps=20, restarts=2, confidence=0.5)(target, batch, labels)
    assert asked == [(int((~wrong).sum()), 7)] and torch.equal(batch, before)
    torch.testing.assert_close(begun[0], batch[~wrong].flatten(1)[:, :3])
    chance = torch.Generator().manual_seed(int(torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(0))))
    drawn = [torch.randn(12, 3, generator=chance) for _ in range(2)][1]
    once = OnManifold(eps, steps=20, restarts=1, confidence=0.5)(target, batch, labels)
    torch.testing.assert_close(begun[20], drawn[~once.success])
    for image, label, ours in zip(batch.split(1), labels, once.images.split(1), strict=True):
        twin = literal_search(target, image, int(label), image.flatten(1)[:, :3], eps, 20)
        # not the images: the few that this purifier gives are soon the same of two tries
        assert above(target, ours, int(label)) == pytest.approx(above(target, twin, int(label)), abs=1e-4)
    assert bool((once.success <= made.success).all())


def test_more_restarts_and_more_budget_are_never_weaker() -> None:
    target, batch = small(3), pictures(60, seed=2)
    labels = target(batch).argmax(1)

    def fooled(eps: float, restarts: int) -> Tensor:
        return OnManifold(eps, steps=30, restarts=restarts)(target, batch, labels).success

    fewer, more = fooled(0.2, 1), fooled(0.2, 5)
    assert bool((fewer <= more).all()) and more.sum() > fewer.sum()
    assert more.sum() > Noise(0.2)(target, batch, labels).success.sum()
    curve = [fooled(eps, 3).sum() for eps in (0.05, 0.2, 0.5, 1.0)]
    assert curve == sorted(curve) and curve[-1] == 60


def test_the_defence_is_asked_a_few_times_and_only_about_images_that_stand() -> None:
    asked: list[int] = []

    def counted(images: Tensor, seed: int) -> Tensor:
        asked.append(len(images))
        return onto_diagonal(images, seed)

    target = defended(linear([6.0, -4.0], bias=-1.0), Purifier("counted", counted, manifold=Diagonal(), latent=1))
    batch, labels = torch.cat([row(0.55, 0.55), row(0.9, 0.9)]), torch.tensor([1, 1])
    OnManifold(0.1, steps=100, restarts=2)(target, batch, labels)
    assert asked[:2] == [2, 2]  # before, and as the first candidates
    looks = asked[2:-1]
    assert len(looks) == 2 * LOOKS and looks == sorted(looks, reverse=True)
    assert looks[0] == 2 and looks[LOOKS - 1] == 1


def test_a_purifier_without_a_manifold_is_refused_with_what_to_do() -> None:
    plain = defended(network(0), Purifier("blurred", onto_diagonal))
    with pytest.raises(UsageError, match="blurred has no manifold for on_manifold to search: attack it with BPDA"):
        OnManifold(0.1)(plain, pictures(2), torch.tensor([0, 1]))
