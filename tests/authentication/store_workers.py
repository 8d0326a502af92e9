"""Processes that write to a store until they are killed; run as a program, see `Workers` in test_store_killed.

Imports cost half a second, so this one process does them, and forks workers for each line it reads: the URL, what to
do, and a number for each worker. A worker tells in one line whatever is done: that line is the acknowledgement.
"""

import itertools
import os
import sys
from collections.abc import Iterable

from lineament.authentication.store import Store
from tests.authentication.store_kit import PASSPHRASE, cheap, template

PASSPHRASES = (PASSPHRASE, "battery staple")


def enrol(url: str, number: int, steps: Iterable[int] = itertools.count(1)) -> None:
    """New people and new templates of known ones, without end."""
    with Store.open(url, PASSPHRASE, create=True) as store:
        for i in steps:
            user = f"user {number} {i}" if i % 2 else f"user {number}"
            store.put(template(user, images=i))
            os.write(1, f"put\t{user}\t{i}\n".encode())


def enrol_ten(url: str, number: int) -> None:
    """Ten templates, then done."""
    enrol(url, number, range(1, 11))


def rekey(url: str, number: int) -> None:
    """From one passphrase to the other and back, without end."""
    with Store.open(url, PASSPHRASES[number], create=True) as store:
        for i in itertools.count(number + 1):
            store.rekey(PASSPHRASES[i % 2])
            os.write(1, f"rekeyed\t{i % 2}\n".encode())


if __name__ == "__main__":
    cheap()
    for line in sys.stdin:
        url, task, *numbers = line.rstrip("\n").split("\t")
        workers = []
        for number in map(int, numbers):
            if not (worker := os.fork()):
                try:
                    {"enrol": enrol, "enrol ten": enrol_ten, "rekey": rekey}[task](url, number)
                except BaseException as error:
                    os.write(1, f"failed\t{error!r}\n".encode())
                finally:
                    os._exit(0)
            workers.append(worker)
        os.write(1, "\t".join(["pids", *map(str, workers)]).encode() + b"\n")
        for worker in workers:
            os.waitpid(worker, 0)
        os.write(1, b"dead\n")
