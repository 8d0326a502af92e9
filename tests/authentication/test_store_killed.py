"""Processes that write at once, and processes killed (SIGKILL) at any moment: nothing acknowledged is ever lost."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from lineament.authentication.store import Store
from lineament.errors import JobError
from tests.authentication.store_kit import MODEL, PASSPHRASE
from tests.authentication.store_workers import PASSPHRASES

ROUNDS = 20


class Workers:
    """Processes of store_workers."""

    def __init__(self):
        command = [sys.executable, "-m", "tests.authentication.store_workers"]
        self.parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, place: str, task: str, *numbers: int, kill_after: float | None = None) -> list[list[str]]:
        """What the workers told, line by line, until they were done, or killed so many seconds after the first."""
        self.parent.stdin.write("\t".join([place, task, *map(str, numbers)]) + "\n")
        self.parent.stdin.flush()
        told, pids = [], []
        while (line := self.parent.stdout.readline().rstrip("\n").split("\t")) != ["dead"]:
            assert line != [""] and line[0] != "failed", line
            if line[0] == "pids":
                pids = line[1:]
            else:
                told.append(line)
            if pids and told and kill_after is not None:
                time.sleep(kill_after)
                for pid in pids:
                    os.kill(int(pid), signal.SIGKILL)
                kill_after = None
        return told


@pytest.fixture(scope="module")
def workers():
    workers = Workers()
    yield workers
    with workers.parent as parent:  # closes its input, at which it ends
        pass
    assert parent.returncode == 0


def test_nothing_acknowledged_is_lost_by_a_kill(place, workers):
    moment, acknowledged, unacknowledged = random.Random(0), {}, 0
    for number in range(ROUNDS):
        told = workers.run(place, "enrol", number, kill_after=moment.uniform(0, 0.1))
        acknowledged |= {user: int(images) for _, user, images in told}
        with Store.open(place, PASSPHRASE) as store:
            kept = {user: store.get(user, MODEL).images for user in store.users()}  # or a JobError: half-written
        assert acknowledged.keys() <= kept.keys()
        for user, images in kept.items():  # the one that was being put may be there without having been acknowledged
            unacknowledged += images != acknowledged.get(user)
            assert images - acknowledged.get(user, images) in (0, 2), (user, images, acknowledged[user])
            acknowledged[user] = images
    assert len(acknowledged) > ROUNDS and unacknowledged <= ROUNDS
    with Store.open(place, PASSPHRASE) as store:
        assert store.check() == ()


def test_eight_processes_that_found_and_fill_one_store_lose_nothing(place, workers):
    told = workers.run(place, "enrol ten", *range(8))
    assert len(told) == 80
    with Store.open(place, PASSPHRASE) as store:
        assert store.check() == ()
        expected = {f"user {n} {i}" for n in range(8) for i in (1, 3, 5, 7, 9)} | {f"user {n}" for n in range(8)}
        assert set(store.users()) == expected
        assert {store.get(f"user {n}", MODEL).images for n in range(8)} == {10}


def test_a_kill_in_mid_rekey_leaves_the_old_passphrase_or_the_new(place, workers):
    workers.run(place, "enrol ten", 0)
    moment, now = random.Random(1), 0
    for _ in range(8):
        told = workers.run(place, "rekey", now, kill_after=moment.uniform(0, 0.1))
        last = int(told[-1][1])
        # it may have come one step further than it told, and a server may take that step between our two tries
        for now in (1 - last, last, 1 - last):
            with suppress(JobError), Store.open(place, PASSPHRASES[now]) as store:
                assert store.check() == () and len(store.users()) == 6
                break
        else:
            pytest.fail("neither passphrase opens the store")
