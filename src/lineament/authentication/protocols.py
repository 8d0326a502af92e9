"""Verification protocols as declarations: which images enrol, which are probes, and what one vector is made of.

Read `PROTOCOLS` as the table it is. MOBIO and UMDAA-01 are the dissertation's (sections 2.3.5 to 2.3.7 and 2.4.5);
the others give data that anyone can get the same roles. What tables 2.4 to 2.15 print is named beside each trial.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lineament.errors import UsageError, nearest

__all__ = ["PROTOCOLS", "Protocol", "Rule", "Trial", "find_protocol"]

Unit = Literal["image", "clip", "session", "person"]
"""What one vector is the mean of: an image, or all chosen images of a clip, of a person's session, of a person."""


@dataclass(frozen=True)
class Rule:
    """Which images of everybody, and how many of them make one vector.

    Attributes:
        each: the unit.
        sessions: only images of these; () for all.
        named: only images whose name this regular expression finds.
        half: 1 or 2 for the first or second half, by name, of a person's chosen images in each session; an odd image
            goes to the second. 0 for all.
        style: only rendered images of which this parameter is in [low, high).
    """

    each: Unit
    sessions: tuple[str, ...] = ()
    named: str = ""
    half: Literal[0, 1, 2] = 0
    style: tuple[str, float, float] | None = None

    def __str__(self) -> str:
        words = [f"each {self.each}"]
        words += [f"session {', '.join(_shortened(self.sessions))}"] * bool(self.sessions)
        words += [f"name has {self.named}"] * bool(self.named)
        words += [f"{('first', 'second')[self.half - 1]} half"] * bool(self.half)
        words += [f"{self.style[0]} in [{self.style[1]:g}, {self.style[2]:g})"] if self.style else []
        return "; ".join(words)


@dataclass(frozen=True)
class Trial:
    """One row of a protocol's table: every gallery vector against every probe vector that shares no image with it.

    Attributes:
        label: what the row is called.
        gallery, probe: the rules.
        published: (table, row) of the dissertation's figures in the same role; a text is a column of a table whose
            rows are methods.
    """

    label: str
    gallery: Rule
    probe: Rule
    published: tuple[tuple[str, int | str], ...] = ()


@dataclass(frozen=True)
class Protocol:
    """A data set and its trials.

    Attributes:
        data: name of the registered set.
        about: in one sentence.
        trials: the rows.
        eyes: "given" by the set, or "found" in each image, which then must show a face to count.
        minimum: people with fewer images than this are left out.
        published_on: the data set of the published figures, where it is another one.
        options: for opening the set.
    """

    data: str
    about: str
    trials: tuple[Trial, ...]
    eyes: Literal["given", "found"] = "given"
    minimum: int = 2
    published_on: str = ""
    options: Mapping[str, int] = field(default_factory=dict)


def find_protocol(name: str) -> Protocol:
    """The protocol of that name; ``UsageError`` offers the nearest."""
    if name not in PROTOCOLS:
        raise UsageError(nearest(name, PROTOCOLS, "protocol"))
    return PROTOCOLS[name]


def _shortened(names: tuple[str, ...]) -> tuple[str, ...]:
    return names if len(names) <= 5 else (names[0], "...", names[-1])


SITES = ("but", "idiap", "lia", "uman", "unis", "uoulu")
PHONE = tuple(f"{number:02} phone" for number in range(1, 13))


def _mobio(enrolled: str, site: str, *published: tuple[str, int]) -> Trial:
    others = tuple(session for session in PHONE if session != enrolled)
    named = f"^{site}/" if site in SITES else ""
    return Trial(site, Rule("person", (enrolled,), named), Rule("clip", others, named), published)


ENROLMENT, TASKS = "(?i)enroll?[^/]*$", "(?i)^(?!.*enroll?[^/]*$)"  # the enrolment task's clip, and all others
LIGHTS = {"1": "indoor_lighting_eer", "2": "low_lighting_eer", "3": "natural_light_eer"}


def _umdaa(gallery: tuple[str, ...], probe: tuple[str, ...], *published: tuple[str, int | str]) -> Trial:
    label = f"{'+'.join(gallery) or 'all'} → {'+'.join(probe) or 'all'}"
    return Trial(label, Rule("clip", gallery, ENROLMENT), Rule("clip", probe, TASKS), published)


def _yale_b(gallery: str, probe: str, row: int) -> Trial:
    same = gallery == probe
    return Trial(
        f"{gallery} → {probe.replace(' ', '+')}",
        Rule("person", (gallery,), half=1 if same else 0),
        Rule("image", tuple(probe.split()), half=2 if same else 0),
        (("2.14", row),),
    )


EXPRESSIONS = ("happy", "sad", "sleepy", "surprised", "wink")
LIT_LEFT, LIT_RIGHT = ("session_light_angle", -180, -90), ("session_light_angle", -90, 0)
SHARP, BLURRED = ("camera_blur", 0, 0.5), ("camera_blur", 0.5, 1.01)

PROTOCOLS: dict[str, Protocol] = {
    "mobio": Protocol(
        "mobio",
        "the twelfth phone session enrols; laptop to phone across devices (table 2.15)",
        (
            *(_mobio("12 phone", site, ("2.15", row)) for row, site in enumerate(SITES)),
            _mobio("12 phone", "all sites", ("2.15", 6)),
            Trial("laptop → phone", Rule("person", ("01 laptop",)), Rule("clip", PHONE), (("2.15", 7), ("2.5", 0))),
        ),
        eyes="found",
    ),
    "mobio_first": Protocol(
        "mobio",
        "the first phone session enrols (table 2.4)",
        (
            *(_mobio("01 phone", site, ("2.4", row)) for row, site in enumerate(SITES)),
            _mobio("01 phone", "all sites", ("2.4", 6)),
        ),
        eyes="found",
    ),
    "umdaa01": Protocol(
        "umdaa01",
        "the enrolment task against the other tasks: office (1), low (2), natural light (3)",
        (
            *(_umdaa((s,), (s,), ("2.14", i), ("2.6", i), ("2.9", LIGHTS[s])) for i, s in enumerate(LIGHTS)),
            _umdaa(("1",), ("2", "3"), ("2.14", 3), ("2.7", 0)),
            _umdaa(("2",), ("1", "3"), ("2.14", 4), ("2.7", 1)),
            _umdaa(("3",), ("1", "2"), ("2.14", 5), ("2.7", 2)),
            _umdaa((), (), ("2.14", 6), ("2.6", 3), ("2.9", "altogether_eer")),
        ),
        eyes="found",
    ),
    "extended_yale_b": Protocol(
        "extended_yale_b",
        "one lamp, in front of the face or far aside; single probe images",
        (
            _yale_b("frontal", "frontal", 0),
            _yale_b("extreme", "extreme", 1),
            _yale_b("middle", "middle", 2),
            _yale_b("frontal", "extreme middle", 3),
            _yale_b("extreme", "frontal middle", 4),
            _yale_b("middle", "frontal extreme", 5),
            Trial("all → all", Rule("session", half=1), Rule("image", half=2), (("2.14", 6),)),
        ),
        published_on="AA01",
    ),
    "orl": Protocol(
        "orl",
        "different times, glasses on and off",
        (
            Trial("half → half", Rule("person", half=1), Rule("person", half=2)),
            Trial("half → one image", Rule("person", half=1), Rule("image", half=2)),
            Trial("one image → another", Rule("image", half=1), Rule("image", half=2)),
        ),
        eyes="found",
    ),
    "yale": Protocol(
        "yale",
        "one image enrols; across glasses, lights and expressions",
        (
            Trial("no glasses → glasses", Rule("person", ("noglasses",)), Rule("image", ("glasses",))),
            Trial(
                "lamp in front → aside", Rule("person", ("centerlight",)), Rule("image", ("leftlight", "rightlight"))
            ),
            Trial("neutral → expressions", Rule("person", ("normal",)), Rule("image", EXPRESSIONS)),
            Trial("any → any other", Rule("image"), Rule("image")),
        ),
        eyes="found",
    ),
    "celeba": Protocol(
        "celeba",
        "unconstrained photos of people with six or more, in file-name order (benchmark detector_celeba)",
        (
            Trial("half → half", Rule("person", half=1), Rule("person", half=2)),
            Trial("half → one image", Rule("person", half=1), Rule("image", half=2)),
        ),
        minimum=6,
    ),
    "face_video": Protocol(
        "clips",
        "every clip enrols in turn, the others are probes",
        (
            Trial("clip → other clips", Rule("clip"), Rule("clip")),
            Trial("clip → frames of others", Rule("clip"), Rule("image")),
        ),
        eyes="found",
    ),
    "portraits": Protocol(
        "portraits",
        "rendered people across days, lights and cameras, single probe images",
        (
            Trial("same day", Rule("person", ("0",), half=1), Rule("image", ("0",), half=2)),
            Trial("day → image of another", Rule("person", ("0",)), Rule("image", ("1",))),
            Trial("lit left → right", Rule("person", style=LIT_LEFT), Rule("image", style=LIT_RIGHT)),
            Trial("sharp → blurred camera", Rule("person", style=SHARP), Rule("image", style=BLURRED)),
            Trial("day → another day", Rule("person", ("0",)), Rule("person", ("1",))),
        ),
        options={"people": 1500},
    ),
}
