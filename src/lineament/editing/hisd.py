"""HiSD (Li et al. 2021), a rival: each attribute has a translator of features, told by a mapper or by a reference.

An encoder makes features; the translator of an attribute changes them, under a mask, to a style; the style comes from
an extractor (of a reference: Borrow) or a mapper (of noise: Diverse Swap); a generator draws; each attribute has a
discriminator of images with styles. As in the paper: one attribute a step, three ways to the image itself (plain, by
its own style, and there and back), the style found again, a moving average. Its features keep all attributes: there is
no z without them. Changed, so that it learns in minutes: the discriminators share a trunk, and each learns
in every step from real images under the label they have and the one they have not. Added: R1; linear discriminants of
extracted styles, which tell whether an attribute is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float, Int8
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from lineament.datasets.labelled import floats
from lineament.editing.editor import Codes
from lineament.editing.hisd_networks import NOISE, Discriminator, Residual, Translator, activation, mapper
from lineament.editing.objective import discrimination, gradient_penalty, realism
from lineament.editing.peers import (
    SIDE,
    Bytes,
    Labels,
    Peer,
    Pools,
    check_settings,
    downwards,
    drawn,
    falling,
    material,
    measured,
    widths,
)  # fmt: skip
from lineament.errors import UsageError
from lineament.training import Run, moving_average
from lineament.training.run import Device, Precision

__all__ = ["Hisd", "HisdConfig", "discriminants", "train_hisd"]

Images = Float[Tensor, "batch channels height width"]
Styles = Float[Tensor, "batch q"]


@dataclass(frozen=True)
class HisdConfig:
    """How to train one; about half an hour of one core at 64 px.

    Attributes:
        width: channels of the first layers.
        features: channels of what is translated, at a quarter of the side.
        code: q, length of a style.
        steps, batch: updates, and images of each.
        learning_rate: of Adam, in the first half.
        rebuilt, style: weights of the three reconstructions and of the style found again; the adversarial one has 1.
        penalty: weight of R1 on the discriminators.
        averaging: decay of the moving average of the weights.
    """

    width: int = 16
    features: int = 32
    code: int = 8
    steps: int = 13_000
    batch: int = 16
    learning_rate: float = 1e-3
    rebuilt: float = 10.0
    style: float = 1.0
    penalty: float = 0.2
    averaging: float = 0.995

    def __post_init__(self) -> None:
        check_settings(self)


class Hisd(Peer):
    """Encoder, generator and, for each attribute, translator, extractor and mapper.

    Codes: ``a`` are the extracted styles; ``z`` the features and, since a translator runs only for what is to change,
    the image's own styles again. Arguments are `Peer`'s.
    """

    kind, configured = "hisd", HisdConfig
    planes: Tensor

    def __init__(
        self, attributes: Sequence[str], size: int, config: HisdConfig, *, card: dict[str, Any] | None = None
    ) -> None:
        super().__init__(attributes, size, config, card=card)
        width, features, code, count = config.width, config.features, config.code, len(attributes)
        self.encoder = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1), *activation(width), nn.Conv2d(width, features, 4, 2, 1),
            *activation(features), Residual(features), Residual(features),
        )  # fmt: skip
        self.generator = nn.Sequential(
            Residual(features), Residual(features), nn.ConvTranspose2d(features, width, 4, 2, 1), *activation(width),
            nn.ConvTranspose2d(width, 3, 4, 2, 1), nn.Sigmoid(),
        )  # fmt: skip
        channels = widths((size // SIDE).bit_length() - 1, width)
        self.extractor = downwards([3, *channels], normalised=False).append(
            nn.Linear(channels[-1] * SIDE**2, count * code)
        )
        self.translators = nn.ModuleList(Translator(features, code) for _ in attributes)
        self.mappers = nn.ModuleList(mapper(code) for _ in attributes)
        self.register_buffer("planes", torch.zeros(count, code + 1))
        self.finished()

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """Features and styles; ``UsageError`` for images of another shape."""
        styles = self.extracted(self._checked(images))
        return Codes(torch.cat([self.encoder(2 * images - 1).flatten(1), styles.flatten(1)], 1), styles)

    @torch.no_grad()
    def decode(self, codes: Codes) -> Images:
        """The image that codes describe: each style that is not the image's own is translated to, one by one."""
        shape = self.config.features, self.shape[1] // 4, self.shape[2] // 4
        features, own = codes.z.tensor_split([prod(shape)], 1)
        features, own = features.reshape(-1, *shape).clone(), own.view_as(codes.a)
        for i, translator in enumerate(self.translators):
            if (changed := (codes.a[:, i] != own[:, i]).any(1)).any():
                features[changed] = translator(features[changed], codes.a[changed, i])
        image: Tensor = self.generator(features)
        return image

    def extracted(self, images: Images) -> Float[Tensor, "batch attributes q"]:
        """F: the extracted style of each attribute."""
        found: Tensor = self.extractor(2 * images - 1)
        return found.float().view(len(images), len(self.attributes), self.config.code)

    def mapped(self, i: int, noise: Float[Tensor, "batch noise"]) -> Float[Tensor, "batch 2 q"]:
        """M_i: noise to a style without and one with attribute ``i``."""
        styles: Tensor = self.mappers[i](noise)
        return styles.float().view(-1, 2, self.config.code)

    def present(self, codes: Codes) -> Float[Tensor, "batch attributes"]:
        """The log-odds that each attribute is there, by linear discriminants of the styles."""
        return (codes.a * self.planes[:, :-1]).sum(2) + self.planes[:, -1]

    def usual(self, i: int, c: int) -> Float[Tensor, " q"]:
        """The style that the mapper makes of no noise, the middle of its draws."""
        return self.mapped(i, torch.zeros(1, NOISE, device=self.planes.device))[0, c]

    def draw(
        self, i: int, c: int, n: int, scale: float = 1.0, generator: torch.Generator | None = None
    ) -> Float[Tensor, "{n} q"]:
        """``n`` styles of class ``c`` of attribute ``i``: the mapper's of noise of standard deviation ``scale``."""
        if not scale > 0:
            raise UsageError(f"scale: expected more than 0, got {scale}; 1 is the noise it was trained with")
        noise = scale * torch.randn(n, NOISE, generator=generator)
        return self.mapped(i, noise.to(self.planes.device))[:, c]


def train_hisd(
    images: Bytes,
    labels: Labels,
    validation: tuple[Bytes, Labels],
    attributes: Sequence[str],
    config: HisdConfig,
    folder: str | Path,
    *,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    card: dict[str, Any] | None = None,
) -> Hisd:
    """Train one; arguments, result and errors are those of `train_fader`, the artifact is ``folder/"hisd"``."""
    facts, pools = material(images, labels, attributes), Pools(labels, attributes)
    run = Run(folder, config, data=facts, seed=seed, device=device, precision=precision)
    torch.manual_seed(seed)
    hisd = Hisd(attributes, images.shape[2], config).train().requires_grad_(True).to(run.device)
    judge = Discriminator(images.shape[2], len(attributes), config.width, config.code).to(run.device)
    average = moving_average(hisd, config.averaging)
    making, judging = (
        run.prepare(torch.optim.Adam(network.parameters(), config.learning_rate, betas=(0.5, 0.99)))
        for network in (hisd, judge)
    )
    run.track(hisd=hisd, judge=judge, average=average, making=making, judging=judging)
    if run.finished(config.steps) and (Path(folder) / Hisd.kind).is_dir():
        return Hisd.load(folder)
    rows = torch.arange(config.batch, device=run.device)
    c, other = rows % 2, 1 - rows % 2  # the class that an image is of, and the one it is made of
    for step in run.steps(config.steps, "training HiSD"):
        for group in (*making.param_groups, *judging.param_groups):
            group["lr"] = config.learning_rate * falling(step, config.steps)
        i = int(torch.randint(len(attributes), ()))
        x, y = drawn(images, labels, pools.draw(2 * i + c.cpu()), run.device)
        noise = torch.randn(len(x), NOISE).to(run.device)
        with run.accelerator.autocast():
            styles = hisd.extracted(x)
            style, wanted = styles[:, i], hisd.mapped(i, noise)[rows, other]
            plain, same, edited, back = _ways(hisd, x, i, style, wanted)
            rebuilt = l1_loss(plain, x) + l1_loss(same, x) + l1_loss(back, x)
            found = l1_loss(hisd.extracted(edited)[:, i], wanted)
            fooled = realism(*_fakes(judge, i, (edited, wanted, other), (back, style, c)))
        run.backward(fooled + config.rebuilt * rebuilt + config.style * found)
        making.step()
        making.zero_grad()
        average.update_parameters(hisd)

        judging.zero_grad()  # the losses above left gradients in the judge too
        x.requires_grad_(True)
        style, wanted, edited, back = (made.detach() for made in (style, wanted, edited, back))
        with run.accelerator.autocast():
            judged = judge(x, styles.detach(), range(len(attributes)))
            fakes = _fakes(judge, i, (edited, wanted, other), (back, style, c))
        labelled, truth = judged[y != 0.5], y[y != 0.5].long()[:, None]
        real, mistaken = labelled.gather(1, truth), labelled.gather(1, 1 - truth)
        caught = discrimination(real, mistaken, *fakes)
        penalty = gradient_penalty(judged[rows, i, c], x)
        run.backward(caught + config.penalty / 2 * penalty)
        judging.step()
        run.log(fooled=fooled, rebuilt=rebuilt, found=found, caught=caught, penalty=penalty)
    hisd = cast(Hisd, average.module).finished()
    torch.manual_seed(seed)
    index = pools.draw(torch.arange(len(pools)).repeat_interleave(256))
    hisd.planes = discriminants(hisd.encode(floats(images[index])).a, labels[index])
    hisd.card = {"metrics": measured(hisd, validation), "seed": seed} | (card or {})
    hisd.save(Path(folder) / hisd.kind, **hisd.card)
    return hisd


def discriminants(
    styles: Float[Tensor, "n attributes q"], labels: Int8[Tensor, "n attributes"]
) -> Float[Tensor, "attributes 1+q"]:
    """The log-odds that a style is of an image with its attribute, if both classes are normal and spread alike."""
    planes = []
    for i in range(styles.shape[1]):
        off, on = (styles[labels[:, i] == c, i] for c in (0, 1))
        within = (torch.cov(off.T) + torch.cov(on.T)) / 2 + 1e-6 * torch.eye(styles.shape[2])
        weights = torch.linalg.solve(within, on.mean(0) - off.mean(0))
        planes.append(torch.cat([weights, -weights @ (on.mean(0, keepdim=True) + off.mean(0, keepdim=True)).T / 2]))
    return torch.stack(planes)


def _fakes(judge: nn.Module, i: int, *made: tuple[Images, Styles, Tensor]) -> list[Tensor]:
    """What discriminator ``i`` makes of images, their styles and the classes they are to be of."""
    return [judge(images, style[:, None], [i])[torch.arange(len(c)), 0, c] for images, style, c in made]


def _ways(hisd: Hisd, x: Images, i: int, style: Styles, wanted: Styles) -> tuple[Images, ...]:
    """The image again, the image by its own style, the image by another style, and that one taken back."""
    features, translator = hisd.encoder(2 * x - 1), hisd.translators[i]
    first = torch.cat([features, translator(features, style), translator(features, wanted)])
    plain, same, edited = hisd.generator(first).float().chunk(3)
    back = hisd.generator(translator(hisd.encoder(2 * edited - 1), style)).float()
    return plain, same, edited, back
