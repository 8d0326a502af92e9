"""The model files, fetched once a session; tests that need them skip, with the reason, where that is impossible."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lineament.errors import LineamentError
from lineament.faces.models import fetch


@pytest.fixture(scope="session")
def face_models() -> None:
    pytest.importorskip("ai_edge_litert", reason="needs the extra: pip install 'lineament[faces]'")
    try:
        fetch()
    except LineamentError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    from skimage.data import astronaut

    image: NDArray[np.uint8] = astronaut()
    return image


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own; interpreters are kept by path, so none of another test is met here."""
    monkeypatch.setenv("LINEAMENT_CACHE", str(tmp_path / "cache"))
