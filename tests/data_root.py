"""Where the real data sets lie, for the tests that want them."""

import os
from pathlib import Path

import pytest


def data_root(*parts: str) -> Path:
    """The folder ``$LINEAMENT_DATA/parts``; skips the calling test where it is absent."""
    root = os.environ.get("LINEAMENT_DATA")
    if not root:
        pytest.skip("real data: set LINEAMENT_DATA to the folder that holds celeba, MNIST, extended_yale_b, ...")
    path = Path(root, *parts).resolve()
    if not path.exists():
        pytest.skip(f"real data: {path} does not exist")
    return path
