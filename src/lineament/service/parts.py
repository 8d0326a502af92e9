"""The parts of a running service, held together for whoever answers a request."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from lineament.authentication.cohort import Cohort
from lineament.authentication.monitor import Policy
from lineament.authentication.store import Store
from lineament.errors import LineamentError
from lineament.service.access import Caller, Door
from lineament.service.audit import AuditLog
from lineament.service.bodies import Room
from lineament.service.inference import Batching, Work
from lineament.service.keys import Keys
from lineament.service.metrics import Metrics
from lineament.service.operations import Operations
from lineament.service.problems import Problem, as_problem
from lineament.service.settings import Settings
from lineament.subject import AttributeDetector

__all__ = ["Service"]


@dataclass
class Service:
    """What every request has at hand.

    Attributes:
        settings: sizes, rates, times.
        door: who may ask.
        operations: what can be asked.
        detector: the one that answers in batches; ended by `close`.
        work: the threads in which it is done.
        room: the memory for bodies.
        metrics: what was counted.
        audit: what was written down; None for nothing.
        watches: connections that watch now, by the id of their key.
    """

    settings: Settings
    door: Door
    operations: Operations
    detector: Batching
    work: Work
    room: Room
    metrics: Metrics
    audit: AuditLog | None
    watches: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(
        cls, detector: AttributeDetector, cohort: Cohort, store: Store, policy: Policy, settings: Settings,
        keys: Keys | None, audit: AuditLog | None, framed: bool,
    ) -> "Service":  # fmt: skip
        """A service of these; its threads run from now on."""
        metrics = Metrics()
        batching = Batching(detector, settings.batch, metrics.batch)
        try:
            operations = Operations(batching, cohort, store, policy, settings.image_pixels, framed)
        except LineamentError:
            batching.close()
            raise
        work = Work(settings.threads, settings.work, settings.work_seconds)
        return cls(settings, Door(keys, settings), operations, batching, work, Room(settings.room), metrics, audit)

    def admit(self, connection: HTTPConnection, scope: str) -> Caller:
        """The caller; ``Problem`` if they may not ask this, written down for a known key, counted for strangers."""
        try:
            caller = self.door.identify(connection)
        except Problem as problem:
            self.metrics.outcome("denied", problem.code)
            raise
        with self.noted("denied", caller, connection.path_params.get("user", "")[:200]):
            self.door.check(caller, connection.headers, scope)
        return caller

    @contextmanager
    def noted(self, event: str, caller: Caller, user: str) -> Iterator[Callable[..., None]]:
        """Write down and count what comes of an event before it is answered; what cannot be written is not granted."""

        def note(outcome: str, **facts: str | int | None) -> None:
            if self.audit is not None and outcome != "rate":  # a flood must not fill the disk
                self.audit.write(event, outcome=outcome, user=user, key=caller.key, address=caller.address, **facts)
            self.metrics.outcome(event, outcome)

        try:
            yield note
        except Exception as error:
            problem = as_problem(error)
            note(problem.code)
            raise problem from None

    @contextmanager
    def watching(self, caller: Caller, user: str) -> Iterator[None]:
        """Count a watch as long as it lasts; ``Problem`` if as many run already as may, of all keys or of this one."""
        key, most, mine = caller.key, self.settings.watches, self.settings.key_watches
        with self.noted("watch", caller, user):
            if self.watches.total() >= most or self.watches[key] >= mine:
                told = f"{most} watches may run at once, {mine} of one key; try again when one has ended"
                raise Problem(503, "busy", told, {"Retry-After": "5"})
        self.watches[key] += 1
        try:
            yield
        finally:
            self.watches -= Counter([key])  # which drops who has none

    def close(self) -> None:
        """End the threads."""
        self.work.close()
        self.detector.close()
