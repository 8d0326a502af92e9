"""Draw docs/images/watch.svg: the live view a moment after a stranger took Ann's place. Both are drawn people."""

import re
from io import StringIO
from pathlib import Path

import numpy as np
from rich.console import Console

from lineament.authentication import cohort
from lineament.authentication.enrolment import enrol
from lineament.authentication.live import View
from lineament.authentication.looking import frame_of, look
from lineament.authentication.monitor import Monitor, Policy, Stage
from lineament.authentication.readings import read
from lineament.datasets.portraits import portraits
from lineament.detectors.detector import shipped

OUT = Path(__file__).parent.parent / "images" / "watch.svg"
ANN, STRANGER = 3, 7


def main() -> None:
    """Enrol Ann on one day; on the next one she sits at her desk for four seconds, and then the stranger does."""
    detector, people = shipped(), cohort.shipped()
    drawn = portraits(12, 80, sessions=2, size=256, seed=99)
    frame = frame_of(detector)

    def pictures(person: int, day: str) -> list[int]:
        return np.flatnonzero((drawn.identity == person) & (drawn.session == day)).tolist()

    first = [look(0, drawn.read(i), frame) for i in pictures(ANN, "0")]
    readings = [read(detector, each.image, each.eyes) for each in first if each.image is not None and not each.problems]
    stages = [Stage.of(detector, people, enrol("ann", np.array(readings), people))]
    monitor, view = Monitor(stages, Policy()), View("desk.mkv", stages, Policy())
    was_unlocked = False
    for number, i in enumerate([*pictures(ANN, "1"), *pictures(STRANGER, "1")]):
        observation = look(number / 10, drawn.read(i), frame, view.costs)
        with view.costs("detector"):
            decision = monitor.observe(observation)
        view.show(decision)
        was_unlocked = was_unlocked or decision.state == "unlocked"
        if was_unlocked and decision.state == "locked":
            break
    console = Console(record=True, width=92, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(view)
    drawing = console.export_svg(title="lineament watch ann desk.mkv")
    OUT.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL))  # fonts from a server: any will do


if __name__ == "__main__":
    main()
