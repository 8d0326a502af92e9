"""What the verbs work with: detectors and their cohorts, how they want to see pictures, and a user's templates."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lineament.authentication import cohort as cohorts
from lineament.authentication.cascade import Stage
from lineament.authentication.cohort import Cohort
from lineament.authentication.looking import Look, Timer, frame_of, look, take_as_framed
from lineament.authentication.monitor import Observation
from lineament.authentication.readings import model_of
from lineament.authentication.sources import pictures
from lineament.authentication.store_commands import PASSPHRASE, ask_passphrase, default_store, needs_extra, open_store
from lineament.authentication.template import Template
from lineament.detectors.detector import shipped
from lineament.detectors.loading import AnyDetector, load_any
from lineament.errors import JobError, UsageError

__all__ = ["Keeping", "Models"]

AT_A_CAMERA = 5.0
"""Seconds that `enrol` and `verify` look into a camera."""


@dataclass(frozen=True)
class Models:
    """Detectors, the cheapest first, each with its cohort.

    Attributes:
        detectors, cohorts: as many of one as of the other.
        framed: whether pictures are aligned crops already.
    """

    detectors: tuple[AnyDetector, ...]
    cohorts: tuple[Cohort, ...]
    framed: bool = False

    @classmethod
    def open(cls, detectors: Sequence[Path], folders: Sequence[Path], framed: bool) -> "Models":
        """Those in these folders; what comes with the package if none is named.

        Raises:
            UsageError: not one cohort a detector.
            JobError: one is not there, torn, or of another kind.
        """
        if len(detectors) != len(folders):
            raise UsageError(
                f"--detector, --cohort: expected one cohort a detector, got {len(detectors)} and {len(folders)}; "
                "'lineament calibrate' makes a cohort"
            )
        if not detectors:
            return cls((shipped(),), (cohorts.shipped(),), framed)
        return cls(tuple(map(load_any, detectors)), tuple(map(cohorts.load, folders)), framed)

    def look(self, timer: Timer = nullcontext) -> Look:
        """How a picture becomes an observation: in the frame of the last detector, whose answers count most."""
        frame = frame_of(self.detectors[-1])
        return partial(take_as_framed, frame=frame) if self.framed else partial(look, frame=frame, timer=timer)

    def observed(self, sources: Sequence[str], rate: float) -> Iterator[tuple[str, Observation]]:
        """Every picture of every source as fast as it goes, with its source; of a camera the first seconds."""
        see = self.look()
        for source in sources:
            seconds = AT_A_CAMERA if source.partition(":")[0] == "camera" else float("inf")
            for moment, image in pictures(source, rate=rate, seconds=seconds, speed=float("inf")):
                if image is not None:
                    yield source, see(moment, image)

    def stages(self, templates: Iterable[Template]) -> list[Stage]:
        """What a monitor asks; ``JobError`` if a template is of another detector or cohort."""
        return [Stage.of(*parts) for parts in zip(self.detectors, self.cohorts, templates, strict=True)]


@dataclass(frozen=True)
class Keeping:
    """Where templates lie, sealed: in a store, or in one file.

    Attributes:
        store: path or URL; the usual one if None.
        key_ring: whether it opens by the platform's key ring instead of a passphrase.
        file: of one template, instead of the store.
        replace: whether what is kept there already may be replaced.
    """

    store: str | None = None
    key_ring: bool = False
    file: Path | None = None
    replace: bool = False

    def refuse_taken(self) -> None:
        """``JobError`` if the file is there and may not be replaced; to be asked before there is work to lose."""
        if self.file is not None and self.file.exists() and not self.replace:
            raise JobError(f"{self.file}: is there already; name another file, or replace it with --replace")

    def put(self, templates: Sequence[Template]) -> str:
        """Keep templates; where they are. ``JobError`` if some are there already and may not be replaced."""
        if self.file is not None:
            with needs_extra():
                from lineament.authentication import sealed_file
            self.refuse_taken()
            sealed_file.write(self.file, templates[0], self._passphrase(twice=True))
            return str(self.file)
        place = self.store or default_store()
        with open_store(self.store, key_ring=self.key_ring, create=True) as store:
            kept = {(entry.user, entry.model): entry.enrolled for entry in store.entries()}
            for template in templates:
                if (key := (template.user, template.model)) in kept and not self.replace:
                    raise JobError(
                        f"{place}: {template.user!r} is enrolled already (since {kept[key] or 'an unknown time'}); "
                        "choose another name, or replace the template with --replace"
                    )
            for template in templates:
                store.put(template, replace=self.replace)
        return place

    def get(self, user: str, models: Models) -> list[Template]:
        """The templates of a user, one a detector; ``JobError`` if there is none, or it is not this user's."""
        wanted = [model_of(detector) for detector in models.detectors]
        if self.file is None:
            with open_store(self.store, key_ring=self.key_ring) as store:
                return [store.get(user, model) for model in wanted]
        with needs_extra():
            from lineament.authentication import sealed_file
        template = sealed_file.read(self.file, self._passphrase())
        if (template.user, [template.model]) != (user, wanted):
            raise JobError(
                f"{self.file}: of {template.user!r} for model {template.model[:12]}, not of {user!r} for "
                f"{', '.join(model[:12] for model in wanted)}; name that user and that detector, or enrol again"
            )
        return [template]

    def _passphrase(self, *, twice: bool = False) -> str | None:
        return None if self.key_ring else ask_passphrase(PASSPHRASE, "Passphrase of the file: ", twice=twice)
