"""A studio on an editor whose edits are known, and whose names are made to harm as far as names can."""

import pytest
import torch
from fastapi.testclient import TestClient

from lineament.studio.app import create_app
from lineament.studio.faces import gallery
from tests.studio.patches import Patches, patched


@pytest.fixture(scope="session")
def editor():
    torch.set_num_threads(1)
    return Patches()


@pytest.fixture(scope="session")
def dataset():
    return patched()


@pytest.fixture(scope="session")
def faces(editor, dataset):
    """Twelve, the first of which has nothing."""
    return gallery(editor, dataset, 12)


@pytest.fixture(scope="session")
def app(editor, faces):
    return create_app(editor, faces, hosts=("127.0.0.1", "localhost"))


@pytest.fixture
def client(app):
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture(scope="session")
def pixels(dataset):
    """One picture as it lies in the set."""
    return dataset.read(2)
