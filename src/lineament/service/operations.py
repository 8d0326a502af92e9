"""What can be asked of the service, without HTTP around it: enrol, verify, watch, delete; from any thread."""

from collections.abc import Mapping, Sequence
from threading import Event

import numpy as np

from lineament import __version__
from lineament.authentication.cascade import Stage
from lineament.authentication.cohort import Cohort
from lineament.authentication.enrolment import enrol, enrol_typed
from lineament.authentication.looking import frame_of, look, take_as_framed
from lineament.authentication.monitor import Monitor, Observation, Policy
from lineament.authentication.readings import model_of, read
from lineament.authentication.reasons import Reason, differences, situations
from lineament.authentication.scoring import scorer
from lineament.authentication.store import AlreadyEnrolled, NotEnrolled, OtherModel, Store
from lineament.authentication.template import Template
from lineament.errors import UsageError
from lineament.service.answers import Health, ReasonBody, Verdict
from lineament.service.bodies import Upload
from lineament.service.inference import Batching
from lineament.service.pictures import decoded
from lineament.service.problems import Problem

__all__ = ["Operations"]


class Operations:
    """Every method raises ``Problem`` for what the caller can mend, and grants nothing where it raises.

    Args:
        detector: asked by all threads.
        cohort: made by it; ``UsageError`` if it was made by another.
        store: of templates.
        policy: of verification and watching.
        pixels: most of an image.
        framed: whether images are crops as the detector was trained on, so that no face is looked for in them.

    What changes the store takes ``given_up``, and changes nothing once that is set.
    """

    def __init__(
        self, detector: Batching, cohort: Cohort, store: Store, policy: Policy, pixels: int, framed: bool
    ) -> None:
        if cohort.model != model_of(detector):
            raise UsageError("cohort: made by another detector; make one of this with 'lineament calibrate'")
        self.detector, self.cohort, self.store, self.policy, self.pixels = detector, cohort, store, policy, pixels
        self.framed, self.frame = framed, frame_of(detector.detector)

    def enrol(self, user: str, uploads: Sequence[tuple[str, Upload]], same_camera: bool, given_up: Event) -> Template:
        """Keep a template made of images, each with its occasion; each must show one face, well visible."""
        self._refuse_known(user)
        readings = []
        for number, (_, upload) in enumerate(uploads):
            seen = self.observe(upload, 0.0)
            if seen.problems or seen.image is None:
                raise Problem(422, "situation", f"image {number}: {' '.join(seen.problems.values())}")
            readings.append(read(self.detector, seen.image, seen.eyes))
        occasions = [occasion for occasion, _ in uploads]
        made = enrol(
            user, np.stack(readings), self.cohort, occasions=occasions, fmr=self.policy.fmr, same_camera=same_camera
        )
        return self._keep(made, given_up)

    def enrol_typed(self, user: str, answers: Mapping[str, str], given_up: Event) -> Template:
        """Keep a template of answers that were typed in."""
        self._refuse_known(user)
        return self._keep(enrol_typed(user, answers, self.cohort, fmr=self.policy.fmr), given_up)

    def verify(self, user: str, upload: Upload) -> Verdict:
        """Judge one image by itself."""
        template, seen = self._known(user), self.observe(upload, 0.0)
        if seen.problems or seen.image is None:
            return _verdict(False, None, template.threshold, situations(seen.problems))
        reading = read(self.detector, seen.image, seen.eyes)
        of = scorer(self.cohort, template.mean, template.occasions, same_camera=template.same_camera)
        score = float(of(reading))
        accepted = score >= template.threshold  # a NaN is not
        reasons = () if accepted else differences(self.cohort, template, reading)
        return _verdict(accepted, score, template.threshold, reasons)

    def monitor(self, user: str) -> tuple[Monitor, Template]:
        """A monitor of the user, locked, and the template that it holds."""
        template = self._known(user)
        return Monitor([Stage.of(self.detector, self.cohort, template)], self.policy), template

    def enrolled(self, user: str) -> str:
        """The hash of the user's template; empty if there is none."""
        template = self._template(user)
        return template.sha256 if template else ""

    def delete(self, user: str, given_up: Event) -> None:
        """Destroy all templates of the user."""
        _refuse_given_up(given_up)
        try:
            self.store.delete(user)
        except NotEnrolled as error:
            raise Problem(404, "unknown", str(error)) from None

    def observe(self, upload: Upload, time: float) -> Observation:
        """What an image shows at a time: its face, looked for or taken as framed, and what is wrong with it."""
        image = decoded(*upload, self.pixels)
        return take_as_framed(time, image, self.frame) if self.framed else look(time, image, self.frame)

    def health(self) -> Health:
        """What is served."""
        return Health(version=__version__, model=self.cohort.model, attributes=list(self.cohort.attributes))

    def _known(self, user: str) -> Template:
        """The user's template, if it was enrolled against this cohort and at this rate."""
        if (template := self._template(user)) is None:
            raise Problem(404, "unknown", f"{user!r} is not enrolled")
        if (template.cohort, template.attributes) != (self.cohort.sha256, self.cohort.attributes):
            raise Problem(409, "foreign", f"{user!r} was enrolled against another cohort; enrol again")
        if template.fmr != self.policy.fmr:
            told = f"{user!r} was enrolled at a false match rate of {template.fmr:g}, the service runs at"
            raise Problem(409, "foreign", f"{told} {self.policy.fmr:g}; enrol again")
        return template

    def _template(self, user: str) -> Template | None:
        try:
            return self.store.get(user, self.cohort.model)
        except NotEnrolled:
            return None
        except OtherModel as error:
            raise Problem(409, "foreign", str(error)) from None

    def _refuse_known(self, user: str) -> None:
        """Whoever is there already is deleted first, which takes another scope: enrolling must not replace anybody."""
        if self.enrolled(user):
            raise Problem(409, "enrolled", f"{user!r} is enrolled already; delete them first")

    def _keep(self, template: Template, given_up: Event) -> Template:
        _refuse_given_up(given_up)
        try:
            self.store.put(template, replace=False)
        except AlreadyEnrolled as error:  # by another request, or another process, meanwhile
            raise Problem(409, "enrolled", str(error)) from None
        return template


def _verdict(accepted: bool, score: float | None, threshold: float, reasons: Sequence[Reason]) -> Verdict:
    told = [ReasonBody.of(reason) for reason in reasons]
    return Verdict(accepted=accepted, score=score, threshold=threshold, reasons=told)


def _refuse_given_up(given_up: Event) -> None:
    if given_up.is_set():  # the caller was told that it failed
        raise Problem(503, "slow", "it took too long")
