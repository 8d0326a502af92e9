"""What is trained: the weights of the objective's terms, the size of the networks, the schedule."""

from dataclasses import dataclass, replace

from lineament.editing.eraser import EDGE
from lineament.errors import UsageError, nearest

__all__ = ["PRESETS", "EditorConfig", "preset", "with_steps"]


@dataclass(frozen=True)
class EditorConfig:
    """One training. A weight of 0 switches its term off.

    Attributes:
        recon, cgan, inv, attr, spec, center, prior: weights of equations 3.1, 3.2, 3.3, 3.4, of the linear classifiers,
            3.6 and 3.9, for the networks that make codes and images.
        recode: weight of equation 3.4 in G's step: an image drawn from codes, encoded again, gives them back.
        edited: weight of what an attribute classifier reads on edited images; 0 also hides them from the critic.
        erase: weight of the same where an attribute was painted over; 0 is no eraser, z is then read from the image.
        region: weight of the share of the image that the eraser paints over, and of the mean change by an edit.
        edge: what the mask of an attribute must exceed, in (0, 1), for the eraser to fill a place.
        smoothness: weight of the total variation of the eraser's masks.
        fill: weight of the absolute error where the eraser paints and the truth is known.
        restore: weight of equation 3.1 where the codes that an edit left alone are read from the edited image.
        same: weight of the difference between the code that an edited image shows of its attribute and the one it was
            given; it teaches the generator alone.
        power: 1 or 2, the power of the error of a reconstruction.
        kappa: the error below which equation 3.1 earns nothing.
        focus: how much more a pixel counts in a reconstruction where an edit changes it; with an eraser, the more the
            smaller the attribute that is there.
        undecided: what an adversary reads in z shall be 0.5; else, as printed, wrong.
        inv_penalty: weight of R1 on C_inv.
        penalty: weight of R1 on the critic, applied every ``penalty_every`` steps.
        adversary_steps: updates of C_inv and C_attr a step; the critic has one.
        beta: codes beyond it are pulled back (equation 3.9).
        noise: standard deviation of the noise on z in training, on codes beside which beta is 1.
        momentum: alpha of equations 3.7 and 3.8.
        gated, detail: see `Editor`.
        masked: see `Encoder`; only with an eraser, whose masks they are.
        measured: draws spread as codes do; else by equation 3.5.
        latent, code, width, critic_width: see `Encoder`; q is ``code``.
        steps, batch, learning_rate: of Adam (betas 0.5 and 0.99); the rate falls to 0 over the second half.
        averaging: decay of the moving average of the weights.
        evaluations: how often the validation part scores the weights.
        classifier_steps, eraser_steps, style_steps: of what is trained before the editor; without ``style_steps`` how
            attributes look is learnt with it.
    """

    recon: float = 20.0
    cgan: float = 3.0
    inv: float = 0.3
    attr: float = 0.1
    spec: float = 2.0
    center: float = 0.001
    prior: float = 1.0
    recode: float = 0.0
    edited: float = 1.0
    erase: float = 1.0
    region: float = 0.5
    edge: float = EDGE
    smoothness: float = 0.2
    fill: float = 100.0
    restore: float = 20.0
    same: float = 10.0
    power: int = 1
    kappa: float = 0.0
    focus: float = 1.0
    undecided: bool = True
    inv_penalty: float = 0.1
    penalty: float = 0.3
    penalty_every: int = 8
    adversary_steps: int = 2
    beta: float = 1.0
    noise: float = 0.15
    momentum: float = 0.05
    gated: bool = True
    detail: bool = True
    masked: bool = True
    measured: bool = True
    latent: int = 8
    code: int = 32
    width: int = 32
    critic_width: int = 32
    steps: int = 6000
    batch: int = 16
    learning_rate: float = 2e-3
    averaging: float = 0.999
    evaluations: int = 5
    classifier_steps: int = 1200
    eraser_steps: int = 6400
    style_steps: int = 12000

    def __post_init__(self) -> None:
        weights = (
            "recon", "cgan", "inv", "attr", "spec", "center", "prior", "recode", "edited", "erase", "restore", "same",
            "region", "smoothness", "fill", "kappa", "focus", "inv_penalty", "penalty", "noise",
        )  # fmt: skip
        for name in weights:
            if not 0 <= getattr(self, name) < 1e9:
                raise UsageError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        if self.power not in (1, 2):
            raise UsageError(f"power: expected 1 or 2, got {self.power}")
        if not (self.recon or self.restore):
            raise UsageError("recon, restore: both weights are 0, so nothing would make a drawing look like its image")
        for name in ("beta", "learning_rate"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name}: expected more than 0, got {getattr(self, name)}")
        if not 0 < self.edge < 1:
            raise UsageError(f"edge: expected a value between 0 and 1, got {self.edge}")
        for name in ("momentum", "averaging"):
            if not 0 <= getattr(self, name) < 1 + (name == "momentum"):
                raise UsageError(f"{name}: expected a share below 1, got {getattr(self, name)}")
        for name in (
            "penalty_every", "latent", "code", "width", "critic_width", "steps", "batch", "evaluations",
            "classifier_steps", "eraser_steps",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise UsageError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.masked and not self.erase:
            raise UsageError("masked: codes are read under the eraser's masks, and erase is 0; switch masked off, too")
        if self.masked and self.code < 2:
            raise UsageError(f"code: expected at least 2 with masked, got {self.code}")
        for name in ("adversary_steps", "style_steps"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name}: expected 0 or more, got {getattr(self, name)}")


LINEAMENT = EditorConfig()
"""What makes it work, in fifty minutes of one core for eight attributes at 64 px.

``lineament train editor --data portraits --out runs/editor``; what to expect is measured by ``python -m
benchmarks.edit_portraits``.
"""

PAPER = replace(
    LINEAMENT, cgan=1.0, inv=1.0, attr=1.0, spec=1.0, center=0.1, recode=1.0, edited=0.0, erase=0.0, restore=0.0,
    same=0.0, region=0.0, smoothness=0.0, power=2, focus=0.0, undecided=False, inv_penalty=0.0, noise=0.0, gated=False,
    detail=False, masked=False, measured=False, learning_rate=1e-3, steps=9000,
)  # fmt: skip
"""The objective as printed, misprints resolved, on the same networks without the eraser; the text gives no weights.

``lineament train editor --preset paper --out runs/paper``.
"""

PHOTOS = replace(LINEAMENT, region=5.0, edge=0.2, style_steps=6000)
"""For photographs: people with a mustache differ from those without in much else, which is not to be edited along.

What is marked costs ten times as much, so that it is the mustache and not the hair; more of what is
marked is filled. ``lineament train editor --preset photos --data celeba --out runs/editor``.
"""

PRESETS: dict[str, EditorConfig] = {"lineament": LINEAMENT, "photos": PHOTOS, "paper": PAPER}


def preset(name: str) -> EditorConfig:
    """The configuration of this name; an unknown one is refused with the nearest known one."""
    if name not in PRESETS:
        raise UsageError(nearest(name, PRESETS, "preset"))
    return replace(PRESETS[name])


def with_steps(config: EditorConfig, steps: int) -> EditorConfig:
    """``config`` with another number of steps, and what is trained before the editor longer or shorter likewise."""
    before = {
        name: getattr(config, name) and max(1, round(getattr(config, name) * steps / config.steps))
        for name in ("classifier_steps", "eraser_steps", "style_steps")
    }
    return replace(config, steps=steps, **before)
