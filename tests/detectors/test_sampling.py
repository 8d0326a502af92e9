"""Samplers against the laws they follow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineament.detectors.sampling import BalancedQueues, InTurn, Oversampled
from lineament.errors import UsageError


@given(n=st.integers(1, 40), batch=st.integers(1, 40), seed=st.integers(0, 5))
def test_in_turn_shows_every_image_once_an_epoch(n, batch, seed):
    if batch > n:
        with pytest.raises(UsageError, match=f"batch: expected 1 to {n}"):
            InTurn(n, batch, seed)
        return
    sampler, steps = InTurn(n, batch, seed), n // batch
    for epoch in range(2):
        seen = np.concatenate([sampler(epoch * steps + i) for i in range(steps)])
        assert len(set(seen.tolist())) == len(seen) == steps * batch


def test_in_turn_shuffles_anew_each_epoch_and_needs_no_state():
    sampler = InTurn(100, 10, 0)
    first = [sampler(i).tolist() for i in range(10)]
    assert first != [sampler(i).tolist() for i in range(10, 20)]
    assert InTurn(100, 10, 0)(7).tolist() == first[7]  # a resumed run starts anywhere


def literal_queues(labels):
    """The queues by their definition, one image and one attribute at a time."""
    n, attributes = labels.shape
    rarer = []
    for k in range(attributes):
        present, absent = list(labels[:, k]).count(1), list(labels[:, k]).count(0)
        rarer.append(1 if present <= absent else 0)
    queues = [{i for i in range(n) if labels[i, k] == rarer[k]} for k in range(attributes)]
    queues.append({i for i in range(n) if all(labels[i, k] != rarer[k] for k in range(attributes))})
    return [queue for queue in queues if queue]


label_tables = st.integers(1, 30).flatmap(
    lambda n: st.integers(1, 4).flatmap(
        lambda k: st.lists(st.lists(st.sampled_from([0, 1, 1, 0, -1]), min_size=k, max_size=k), min_size=n, max_size=n)
    )
)


@settings(deadline=None)
@given(table=label_tables)
def test_queues_hold_what_the_definition_says(table):
    labels = np.array(table, dtype=np.int8)
    expected = literal_queues(labels)
    sampler = BalancedQueues(labels, 4, 0)
    assert sorted(sorted(queue.tolist()) for queue in sampler.queues) == sorted(sorted(queue) for queue in expected)


def test_a_queue_repeats_only_after_all_its_images_came():
    labels = np.zeros((50, 2), np.int8)
    labels[:7, 0] = 1
    labels[7:12, 1] = 1
    sampler = BalancedQueues(labels, 6, 3)
    drawn = np.concatenate([sampler(step) for step in range(400)])
    for queue in (range(7), range(7, 12), range(12, 50)):
        mine = [i for i in drawn.tolist() if i in queue]
        for start in range(0, len(mine) - len(queue), len(queue)):
            assert set(mine[start : start + len(queue)]) == set(queue)
        assert len(mine) / len(drawn) == pytest.approx(1 / 3, abs=0.04)  # queues are picked evenly, however long


def test_rare_attributes_become_common():
    rng = np.random.default_rng(0)
    labels = (rng.random((3000, 8)) < 0.03).astype(np.int8)
    sampler = BalancedQueues(labels, 64, 0)
    drawn = np.concatenate([labels[sampler(step)] for step in range(50)])
    assert labels.mean() < 0.04
    assert drawn.mean() > 0.12  # eight of nine queues bring one of the eight attributes


def test_queues_go_on_where_they_were():
    labels = (np.random.default_rng(0).random((60, 3)) < 0.3).astype(np.int8)
    whole = BalancedQueues(labels, 5, 1)
    batches = [whole(step).tolist() for step in range(20)]
    first = BalancedQueues(labels, 5, 1)
    for step in range(10):
        first(step)
    second = BalancedQueues(labels, 5, 1)
    second.load_state_dict({"places": first.state_dict()["places"].clone()})
    assert [second(step).tolist() for step in range(10, 20)] == batches[10:]


def test_oversampling_evens_the_classes():
    labels = np.array([1] * 5 + [0] * 95 + [-1] * 10, dtype=np.int8)
    sampler = Oversampled(labels, 50, 0)
    drawn = np.concatenate([sampler(step) for step in range(60)])
    assert labels[drawn].mean() == pytest.approx(0.5, abs=0.03)
    assert set(labels[drawn].tolist()) == {0, 1}
    assert set(drawn.tolist()) == set(range(100))


def test_what_cannot_be_balanced_is_refused():
    with pytest.raises(UsageError, match="with and without"):
        Oversampled(np.ones(4, np.int8), 2, 0)
    # all present: the rarer value, absent, has no image, but the commoner queue has them all
    assert len(BalancedQueues(np.ones((3, 1), np.int8), 2, 0).queues) == 1
