"""Token buckets against their definition, nonces against replay, and both against running out of memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.service.limits import Buckets, Nonces, network


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 3), max_size=60))
def test_no_stretch_of_time_grants_more_than_burst_and_flow(steps):
    clock = Clock()
    buckets, granted = Buckets(rate=2, burst=3, clock=clock), []
    for step in steps:
        clock.now += step
        if not buckets.take("a"):
            granted.append(clock.now)
    for i, first in enumerate(granted):
        for j in range(i, len(granted)):
            assert j - i + 1 <= 3 + 2 * (granted[j] - first) + 1e-9


def test_who_waits_as_told_is_granted():
    clock = Clock()
    buckets = Buckets(rate=0.5, burst=1, clock=clock)
    assert buckets.take("a") == 0
    wait = buckets.take("a")
    assert wait == pytest.approx(2)
    clock.now += wait - 0.01
    assert buckets.take("a")
    clock.now += 0.02
    assert not buckets.take("a")


def test_one_does_not_spend_for_another_and_memory_is_bounded():
    buckets = Buckets(rate=1, burst=1, most=100, clock=Clock())
    assert not buckets.take("a")
    assert buckets.take("a")
    for i in range(1000):
        assert not buckets.take(f"other {i}")
    assert len(buckets._buckets) == 100


@pytest.mark.parametrize(
    ("address", "counted"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("::ffff:192.0.2.7", "192.0.2.7"),
     ("fe80::1%eth0", "fe80::/64"), ("testclient", "unknown"), ("", "unknown")],
)  # fmt: skip
def test_an_address_counts_as_its_network(address, counted):
    assert network(address) == counted


def test_a_request_is_taken_once_and_only_while_it_is_new():
    clock = Clock()
    nonces = Nonces(60, 2, clock=clock)
    assert nonces.refusal("k", "n", 1000) == ""
    assert nonces.refusal("k", "n", 1000) == "replayed"
    assert nonces.refusal("k", "n", 1001) == "replayed"  # a new time does not make it a new request
    assert nonces.refusal("other", "n", 1000) == ""
    assert nonces.refusal("k", "m", 1002.5) == "early"
    clock.now += 61
    assert nonces.refusal("k", "n", 1000) == "stale"


@pytest.mark.parametrize("sent", [float("nan"), float("-inf"), -1.0, 0.0, 999.9])
def test_a_time_before_the_service_began_is_stale(sent):
    assert Nonces(60, 2, clock=Clock()).refusal("k", "n", sent) == "stale"


@given(st.lists(st.tuples(st.floats(-5, 40), st.integers(0, 3), st.floats(-70, 5)), max_size=60))
def test_nothing_is_ever_taken_twice_whatever_the_clock_does(events):
    clock, taken = Clock(), set()
    nonces = Nonces(60, 2, clock=clock)
    for step, nonce, offset in events:
        clock.now += step  # also backwards
        request = (f"{nonce}", round(clock.now + offset))
        if not nonces.refusal("k", *request):
            assert request not in taken
            taken.add(request)


def test_a_full_memory_refuses_instead_of_forgetting():
    clock = Clock()
    nonces = Nonces(60, 2, most=10, clock=clock)
    assert [nonces.refusal("k", f"{i}", 1000) for i in range(11)] == [""] * 10 + ["full"]
    assert nonces.refusal("k", "3", 1000) == "replayed"
    clock.now += 63
    assert nonces.refusal("k", "11", clock.now) == ""
    assert len(nonces._seen) == 1
