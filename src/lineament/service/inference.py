"""Work off the event loop: a bounded number of pieces in threads, whose questions to the detector go in batches.

One pass over eight faces takes two fifths of the time of eight passes, so what several requests ask at
the same moment is answered together. Nobody waits for company: a face that comes alone goes alone.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from lineament.service.problems import Problem
from lineament.subject import AttributeDetector

__all__ = ["Batching", "Work"]

T = TypeVar("T")
Question = tuple[Tensor, Tensor | None, Future[Tensor]]


class Batching:
    """An `AttributeDetector` that many threads may ask at once; one thread of its own asks the real one.

    Args:
        detector: the real one.
        most: questions that are answered together.
        count: hears the number of each batch.
    """

    def __init__(self, detector: AttributeDetector, most: int, count: Callable[[int], object] = lambda n: None) -> None:
        self.detector, self.most, self.count = detector, most, count
        self._questions: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._answer, name="lineament-detector", daemon=True)
        self._thread.start()

    @property
    def attributes(self) -> tuple[str, ...]:
        """The detector's."""
        return self.detector.attributes

    @property
    def thresholds(self) -> NDArray[Any]:
        """The detector's."""
        return self.detector.thresholds

    @property
    def card(self) -> dict[str, Any]:
        """The detector's."""
        return self.detector.card

    def probabilities(self, images: Tensor, eyes: Tensor | None = None) -> Tensor:
        """As the detector's; waits for its turn, and raises what the detector raised."""
        answer: Future[Tensor] = Future()
        self._questions.put((images, eyes, answer))
        return answer.result()

    def close(self) -> None:
        """Answer what was asked, then end the thread."""
        self._questions.put(None)
        self._thread.join()

    @torch.inference_mode()
    def _answer(self) -> None:
        batch: list[Question | None] = []
        while None not in batch:
            batch = [self._questions.get()]
            with contextlib.suppress(queue.Empty):
                while len(batch) < self.most:
                    batch.append(self._questions.get_nowait())
            kinds: dict[tuple[object, ...], list[Question]] = {}
            for question in filter(None, batch):  # what goes together has one size, and eyes or none
                kinds.setdefault((question[0].shape[1:], question[1] is None), []).append(question)
            for questions in kinds.values():
                self._ask(questions)

    def _ask(self, questions: list[Question]) -> None:
        images, eyes, answers = zip(*questions, strict=True)
        try:
            self.count(sum(len(image) for image in images))
            places = None if eyes[0] is None else torch.cat(eyes)
            found = self.detector.probabilities(torch.cat(images), places)
            for answer, own in zip(answers, torch.split(found, [len(image) for image in images]), strict=True):
                answer.set_result(own)
        except Exception as error:  # whoever asked must hear it, and the thread must live on
            for answer in answers:
                if not answer.done():
                    answer.set_exception(error)


class Work:
    """Threads for what would hold up the event loop; what is more than they can take is refused at once.

    Args:
        threads: pieces at work at the same time.
        most: pieces at work and waiting.
        seconds: until a piece is given up. Its thread cannot be stopped, so it keeps its place until it ends.
    """

    def __init__(self, threads: int, most: int, seconds: float) -> None:
        self.most, self.seconds, self.at_hand = most, seconds, 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lineament-work")

    async def do(self, function: Callable[..., T], *arguments: Any, given_up: threading.Event | None = None) -> T:
        """``function(*arguments)`` in a thread; ``Problem`` 503 if there is no place, or if it takes too long.

        ``given_up`` is set when nobody waits for it any more, so that it may end without having changed anything.
        """
        if self.at_hand >= self.most:
            raise Problem(503, "busy", f"{self.most} requests are at work already; try again", {"Retry-After": "1"})
        self.at_hand += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
        future.add_done_callback(self._release)
        try:
            async with asyncio.timeout(self.seconds):
                return await asyncio.shield(future)
        except TimeoutError:
            raise Problem(503, "slow", f"it took over {self.seconds:g} seconds", {"Retry-After": "5"}) from None
        finally:
            if given_up is not None and not future.done():
                given_up.set()

    def _release(self, future: asyncio.Future[Any]) -> None:
        self.at_hand -= 1
        if not future.cancelled():
            future.exception()  # heard, also when nobody waits for it any more

    def close(self) -> None:
        """Wait for what is at work, and drop what waits."""
        self._pool.shutdown(cancel_futures=True)
