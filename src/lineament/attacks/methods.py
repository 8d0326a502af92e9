"""Every attack by the name it has on the command line and in tables."""

from lineament.attacks.adaptive import BPDA, Unrolled
from lineament.attacks.base import Attack
from lineament.attacks.carlini_wagner import CarliniWagner
from lineament.attacks.gradient_sign import FGSM, PGD, RandFGSM
from lineament.attacks.manifold import OnManifold
from lineament.attacks.noise import Noise
from lineament.attacks.square import Square

__all__ = ["ATTACKS"]

ATTACKS: dict[str, type[Attack]] = {
    attack.name: attack for attack in (FGSM, RandFGSM, PGD, CarliniWagner, Square, Noise, BPDA, Unrolled, OnManifold)
}
