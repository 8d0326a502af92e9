"""Batching changes no answer and loses none; work is bounded, and given up in time."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from lineament.service.inference import Batching, Work
from lineament.service.problems import Problem


class Means:
    """Answers with each image's mean colour and its eyes; slow enough for questions to gather."""

    attributes = ("R", "G", "B", "Eye")
    thresholds = np.full(4, 0.5)

    @property
    def card(self):
        return {"card_sha256": "0" * 64}

    def probabilities(self, images, eyes=None):
        time.sleep(0.01)
        if (images > 0.999).any():
            raise ValueError("an image made to harm")
        places = torch.full((len(images), 1), 0.25) if eyes is None else eyes[:, 0, :1]
        return torch.cat([images.mean((2, 3)), places], 1)


@pytest.fixture
def batching():
    sizes = []
    batching = Batching(Means(), 8, sizes.append)
    batching.sizes = sizes
    yield batching
    batching.close()
    assert not batching._thread.is_alive()


def test_each_gets_the_answer_to_their_own_question(batching):
    generator = torch.Generator().manual_seed(0)

    def ask(i):
        side = (8, 12)[i % 2]
        images = torch.rand(1 + i % 3, 3, side, side, generator=generator if i < 0 else None) * 0.9
        eyes = torch.full((len(images), 2, 2), i / 100) if i % 5 else None
        expected = Means().probabilities(images, eyes)
        return torch.allclose(batching.probabilities(images, eyes), expected)

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(ask, range(90)))
    assert len(batching.sizes) < 70, "questions that came together were not answered together"
    assert sum(batching.sizes) == sum(1 + i % 3 for i in range(90))
    assert batching.attributes == Means.attributes


def test_whoever_asked_hears_of_a_failure_and_the_next_is_answered(batching):
    with pytest.raises(ValueError, match="made to harm"):
        batching.probabilities(torch.ones(1, 3, 8, 8))
    assert batching.probabilities(torch.zeros(1, 3, 8, 8))[0, 0] == 0


def test_what_is_too_much_is_refused_and_places_are_given_back():
    async def scene():
        work, free = Work(threads=2, most=4, seconds=5), threading.Event()
        tasks = [asyncio.create_task(work.do(free.wait)) for _ in range(4)]
        await asyncio.sleep(0.05)
        with pytest.raises(Problem) as refusal:
            await work.do(free.wait)
        assert (refusal.value.status, refusal.value.code) == (503, "busy")
        free.set()
        assert all(await asyncio.gather(*tasks))
        assert work.at_hand == 0
        with pytest.raises(ZeroDivisionError):
            await work.do(lambda: 1 / 0)
        assert work.at_hand == 0
        work.close()

    asyncio.run(scene())


def test_threads_and_batches_have_numbers_of_their_own(serving):
    service = serving(threads=3, batch=5).app.state.service
    assert (service.work._pool._max_workers, service.detector.most) == (3, 5)


def test_what_takes_too_long_is_given_up_but_keeps_its_place_until_it_ends():
    async def scene():
        work, free = Work(threads=1, most=1, seconds=0.05), threading.Event()
        with pytest.raises(Problem, match="0.05 seconds") as refusal:
            await work.do(free.wait)
        assert refusal.value.status == 503
        with pytest.raises(Problem, match="at work already"):
            await work.do(free.wait)
        free.set()
        while work.at_hand:
            await asyncio.sleep(0.01)
        assert await work.do(lambda: 7) == 7
        work.close()

    asyncio.run(asyncio.wait_for(scene(), 5))
