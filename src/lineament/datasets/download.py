"""Fetch the four packed idx files of MNIST or Fashion-MNIST, each held against its published md5 before it is kept."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from rich.console import Console

from lineament.artifacts import write_atomically
from lineament.errors import JobError

__all__ = ["FASHION_MNIST", "MNIST", "Source", "fetch"]

_LARGEST = 100_000_000  # bytes; the largest of these files has 26 million


@dataclass(frozen=True)
class Source:
    """Where four packed idx files come from: mirrors to try in turn, and the md5 of each file."""

    mirrors: Sequence[str]
    md5: Mapping[str, str]


MNIST = Source(
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
)
FASHION_MNIST = Source(
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)


def fetch(folder: Path, source: Source) -> None:
    """Bring the files that ``folder`` lacks; files that are there already, packed or not, are left alone.

    Raises:
        JobError: no mirror gave a file with the published md5 (no network, say), or the disk is full; what came before
            it is kept.
    """
    console = Console(stderr=True)
    for name, md5 in source.md5.items():
        if (folder / name).exists() or (folder / name).with_suffix("").exists():
            continue
        with console.status(f"fetching {name}"):
            content = _from_mirrors(name, md5, source.mirrors)
        write_atomically(folder / name, content)


def _from_mirrors(name: str, md5: str, mirrors: Sequence[str]) -> bytes:
    failures = []
    for mirror in mirrors:
        try:
            with urlopen(mirror + name, timeout=30) as answer:
                content: bytes = answer.read(_LARGEST)
        except (OSError, HTTPException) as error:
            failures.append(f"{mirror}: {error}")
            continue
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found == md5:
            return content
        failures.append(f"{mirror}: md5 {found}, expected {md5}")
    raise JobError(f"could not fetch {name} ({'; '.join(failures)}); bring it by hand from one of these addresses")
