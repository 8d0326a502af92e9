"""How to descend on a generator: the settings of a projection, and those that have names."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from lineament.errors import UsageError, nearest

__all__ = ["CHECK", "FAST", "MODES", "REFERENCE", "ProjectionConfig", "mode"]

CHECK = 10
"""Steps between two looks at which images have converged."""


@dataclass(frozen=True)
class ProjectionConfig:
    """How to descend.

    Attributes:
        stages: steps, and starts that take them, of one stage after the other; before each the worse starts of an
            image are dropped.
        optimiser: ``"momentum"`` (gradient descent) or ``"adam"`` (betas 0.9 and 0.999).
        rate: of the steps, on what each image minimises, summed over images.
        momentum: of ``"momentum"``.
        deviation: standard deviation of the starts, which are normal.
        power: of the difference per pixel that is minimised; 2 is the mean squared error. What an attack adds is small
            in every pixel and a missing stroke is large in few, so a higher power follows the strokes.
        tolerance: an image whose error fell by a smaller share in the last `CHECK` steps is done; 0 is never.
        shell: latents are held at the norm where nearly all of N(0, I) lies, the root of their number.
        prior: weight of half the squared norm of the latents over their number, beside the error.
        precision: of the generator's arithmetic; latents stay float32. ``"auto"`` is bfloat16 where it is faster.
    """

    stages: tuple[tuple[int, int], ...] = ((200, 10),)
    optimiser: Literal["momentum", "adam"] = "momentum"
    rate: float = 10.0
    momentum: float = 0.7
    deviation: float = 128**-0.5
    power: float = 2.0
    tolerance: float = 0.0
    shell: bool = False
    prior: float = 0.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        if not (isinstance(self.stages, tuple) and self.stages and all(map(_is_stage, self.stages))):
            raise UsageError(
                "stages: expected pairs of whole numbers, at least 1 step (L) and 1 restart (R) each, such as "
                f"((200, 10),); got {self.stages}"
            )
        if any(after > before for (_, before), (_, after) in zip(self.stages, self.stages[1:], strict=False)):
            raise UsageError(f"stages: starts are dropped, never added, got {self.stages}")
        if self.optimiser not in ("momentum", "adam"):
            raise UsageError(nearest(self.optimiser, ("momentum", "adam"), "optimiser"))
        if not (0 < self.rate < inf and 0 < self.deviation < inf):
            raise UsageError(f"rate, deviation: expected finite numbers above 0, got {self.rate}, {self.deviation}")
        if not 1 <= self.power <= 16:
            raise UsageError(f"power: expected 1 to 16, got {self.power}")
        if not 0 <= self.momentum < 1:
            raise UsageError(f"momentum: expected a number in [0, 1), got {self.momentum}")
        if not (0 <= self.tolerance < 1 and 0 <= self.prior < inf):
            raise UsageError(
                f"tolerance, prior: expected a share in [0, 1) and a weight >= 0, got {self.tolerance}, {self.prior}"
            )

    @property
    def restarts(self) -> int:
        """Starts of an image (R)."""
        return self.stages[0][1]

    @property
    def steps(self) -> int:
        """Steps that the best start takes (L)."""
        return sum(steps for steps, _ in self.stages)

    @property
    def passes(self) -> int:
        """Images that the generator makes for one image, at most."""
        return sum(steps * starts for steps, starts in self.stages)


def _is_stage(stage: object) -> bool:
    return isinstance(stage, tuple) and len(stage) == 2 and all(isinstance(n, int) and n >= 1 for n in stage)


REFERENCE = ProjectionConfig()
"""As the dissertation has it: L 200, R 10, gradient descent from N(0, 1/128); 2,000 passes an image."""

FAST = ProjectionConfig(
    stages=((10, 4), (30, 1)), optimiser="adam", rate=0.1, deviation=1.0, power=4.0, shell=True
)  # fmt: skip
"""Starts from N(0, I) and, where there is one, from the encoder's guess, of which the best goes on; 70 passes an image.

On the shell and by the fourth power an attack is followed less: chosen on development images.
"""

MODES: dict[str, ProjectionConfig] = {"reference": REFERENCE, "fast": FAST}


def mode(name: str) -> ProjectionConfig:
    """The settings of this name; an unknown one is refused with the nearest known one."""
    if name not in MODES:
        raise UsageError(nearest(name, MODES, "mode"))
    return MODES[name]
