"""What the service answers and is asked in JSON, as OpenAPI describes it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lineament.authentication.monitor import Decision
from lineament.authentication.reasons import Reason
from lineament.authentication.template import Template

__all__ = ["Decided", "Enrolled", "Health", "ReasonBody", "Typed", "Verdict"]


def _coarse(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


Coarse = AfterValidator(_coarse)
"""To one decimal: the last digits would tell whoever tries one picture after another which of two is nearer."""

Score = Annotated[
    float | None, Coarse, Field(description="natural logarithm of a likelihood ratio, to one decimal", examples=[3.4])
]


class ReasonBody(BaseModel):
    """Why somebody is refused."""

    kind: str = Field(examples=["attribute"])
    name: str = Field(examples=["Eyeglasses"])
    sentence: str = Field(examples=["Eyeglasses does not match: enrolled no, seen yes."])
    strength: Annotated[
        float, Coarse, Field(description="of an attribute's difference, in this person's deviations", examples=[4.1])
    ]

    @classmethod
    def of(cls, reason: Reason) -> "ReasonBody":
        """The same in JSON; what failed inside is not told."""
        inside = reason.kind == "system" and reason.name == "detector"
        sentence = "The detector failed." if inside else reason.sentence
        return cls(kind=reason.kind, name=reason.name, sentence=sentence, strength=reason.strength)


class Verdict(BaseModel):
    """Whether one image is accepted as the user's."""

    accepted: bool = Field(description="decided by the score as it is, not as it is rounded")
    score: Score = Field(description="to one decimal; null where the picture could not be judged", examples=[3.4])
    threshold: float = Field(description="from which score on it is accepted", examples=[1.87])
    reasons: list[ReasonBody] = Field(description="why not; empty where it is accepted")


class Decided(BaseModel):
    """What a watch sends after a frame, and whenever its state changes by itself."""

    counter: int | None = Field(description="of the frame; null if none caused it")
    time: float = Field(description="seconds since the watch began")
    state: Literal["locked", "unlocked"]
    score: Score
    threshold: float
    stage: int
    reasons: list[ReasonBody]

    @classmethod
    def of(cls, decision: Decision, counter: int | None, began: float) -> "Decided":
        """A monitor's decision, without what it saw."""
        return cls(
            counter=counter,
            time=round(decision.time - began, 3),
            state=decision.state,
            score=decision.score,
            threshold=decision.threshold,
            stage=decision.stage,
            reasons=[ReasonBody.of(reason) for reason in decision.reasons],
        )


class Enrolled(BaseModel):
    """What is kept of a user; the template itself never leaves the service."""

    user: str = Field(examples=["anna"])
    template: str = Field(description="sha256 of the stored template", examples=["9f86d081884c7d65" * 4])
    images: int = Field(description="that it was made of; 0 if it was typed in", examples=[8])
    typed: bool
    fmr: float = Field(description="the false match rate that was asked for", examples=[0.01])
    fmr_interval: tuple[float, float] = Field(description="95 % interval of the rate as measured on the cohort")
    threshold: float
    created: str = Field(examples=["2026-01-31T12:00:00+00:00"])

    @classmethod
    def of(cls, template: Template) -> "Enrolled":
        """What may be told of a template."""
        return cls(
            user=template.user,
            template=template.sha256,
            images=template.images,
            typed=template.typed,
            fmr=template.fmr,
            fmr_interval=template.fmr_interval,
            threshold=template.threshold,
            created=template.created,
        )


class Typed(BaseModel):
    """Attributes that are typed in instead of seen; what is not named may be anything."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"attributes": {"Eyeglasses": "no", "Mustache": "yes"}}]}
    )
    attributes: dict[str, Literal["yes", "no", "any"]] = Field(min_length=1, max_length=1000)


class Health(BaseModel):
    """That the service is up, and what it runs."""

    status: Literal["ok"] = "ok"
    version: str
    model: str = Field(description="sha256 of the detector's artifact, for which templates are made")
    attributes: list[str]
