"""What makes figures of robustness hard to believe (Carlini et al. 2019, Athalye et al. 2018)."""

from collections.abc import Sequence
from math import sqrt

from lineament.defense.intervals import share
from lineament.defense.threats import CLEAN, TOLERANCE, Trial, lost_at

__all__ = ["flags"]

SURE = 2.0
"""How many standard deviations one attack must do worse than another before that counts as more than chance."""

HOPELESS = 0.5
"""From this budget on every image can be made grey, so no defence has anything left to go by."""


def flags(found: Sequence[Trial], classes: int) -> list[str]:
    """One sentence for each sign that attacks did not do what they could; none if there is no such sign.

    Looked for: more budget that does an attacker no good; an attacker who knows the defence and does worse than one
    who does not; an attack without gradient that beats one with it; several steps that do worse than one; a worst case
    above chance at a budget that leaves nothing of an image. A difference is told only if it is beyond chance.

    Args:
        found: trials on the same images.
        classes: of the classifier, which sets what chance is.
    """
    attacks = [trial for trial in found if trial.threat != CLEAN]
    told = [
        f"{_name(strong)} fools fewer images than {_name(weak)}: {reason}"
        for strong in attacks for weak in attacks
        if (reason := _reason(strong, weak)) and _beaten(strong, weak)
    ]  # fmt: skip
    top = max((trial.eps for trial in attacks if trial.eps is not None), default=0.0)
    if top >= HOPELESS and share(lost_at(found).cpu() > top + TOLERANCE)[1] > 1 / classes:
        told.append(f"the worst case at eps {top:g} is above chance ({1 / classes:.0%}), so no attack searched well")
    return told


def _reason(strong: Trial, weak: Trial) -> str:
    """Why ``strong`` should fool at least as many images as ``weak``; empty if nothing says so."""
    if strong.threat == weak.threat:
        more = strong.eps is not None and weak.eps is not None and strong.eps > weak.eps
        return "more budget does it no good, so it does not search well" if more else ""
    if strong.eps != weak.eps or not strong.attack.needs_gradient:
        return ""
    if strong.oblivious != weak.oblivious:
        return "it knows the defence and should not do worse" if weak.oblivious else ""
    if not weak.attack.needs_gradient:
        return "its gradient leads nowhere, so it may be masked"
    steps = [getattr(trial.attack, "steps", 1) for trial in (strong, weak)]
    return "several steps should not do worse than one" if steps[0] > steps[1] == 1 else ""


def _beaten(strong: Trial, weak: Trial) -> bool:
    """Whether ``strong`` fools fewer beyond chance, among images that only one of the two fools (McNemar 1947)."""
    same = strong.oblivious == weak.oblivious
    first, second = (trial.adversarial.success if same else ~trial.correct for trial in (strong, weak))
    lost, won = int((first & ~second).sum()), int((second & ~first).sum())
    return won - lost > SURE * sqrt(won + lost)


def _name(trial: Trial) -> str:
    return trial.threat if trial.eps is None else f"{trial.threat} at eps {trial.eps:g}"
