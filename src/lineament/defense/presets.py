"""What generator is trained: its size, the schedule, the penalty."""

from dataclasses import dataclass, replace

from lineament.errors import UsageError, nearest

__all__ = ["PRESETS", "GeneratorConfig", "preset"]


@dataclass(frozen=True)
class GeneratorConfig:
    """One training.

    Attributes:
        steps: of the generator.
        critic_steps: of the critic before each.
        batch: images a step.
        learning_rate: of Adam, for both networks.
        betas: of Adam.
        penalty: weight of the gradient penalty.
        latent: numbers in a latent vector.
        width: channels of the generator's last hidden maps and of the critic's first ones.
        averaging: decay of the moving average of the generator's weights, which is what is kept; 0 takes the weights
            themselves.
        evaluations: how often the averaged weights are scored and a snapshot of them is kept.
    """

    steps: int = 200_000
    critic_steps: int = 5
    batch: int = 50
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.9)
    penalty: float = 10.0
    latent: int = 128
    width: int = 64
    averaging: float = 0.0
    evaluations: int = 40

    def __post_init__(self) -> None:
        for name in ("steps", "critic_steps", "batch", "latent", "width", "evaluations"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise UsageError(f"learning_rate: expected more than 0, got {self.learning_rate}")
        if not self.penalty >= 0:
            raise UsageError(f"penalty: expected a weight of 0 or more, got {self.penalty}")
        if not 0 <= self.averaging < 1:
            raise UsageError(f"averaging: expected a decay in [0, 1), got {self.averaging}")


REFERENCE = GeneratorConfig()
"""The dissertation's generator (section 5.4, table 5.6): half an hour of a large GPU, days of a CPU.

``lineament train generator --data mnist --preset reference --device cuda --out runs/generator``; a run that is
stopped goes on when it is called again, so slices of ten minutes do.
"""

CPU = replace(
    REFERENCE, steps=12_000, critic_steps=2, batch=64, learning_rate=2e-4, betas=(0.0, 0.9), width=32, latent=16,
    averaging=0.999, evaluations=12,
)  # fmt: skip
"""What one core makes in half an hour: half as many channels (a step costs a third), two critic steps, and the
average of the weights, which needs no falling rate. Sixteen latents, about as many as digits vary in: of 128 the images
that one can reach include noise, and a projection that fits the noise is no defence.

``lineament train generator --data mnist --preset cpu --out runs/generator``; what to expect is measured by
``python -m benchmarks.oblivious``.
"""

PRESETS: dict[str, GeneratorConfig] = {"cpu": CPU, "reference": REFERENCE}


def preset(name: str) -> GeneratorConfig:
    """The configuration of this name; an unknown one is refused with the nearest known one."""
    if name not in PRESETS:
        raise UsageError(nearest(name, PRESETS, "preset"))
    return PRESETS[name]
