"""A studio on a small untrained editor of two attributes, whose names are made to harm as far as names can."""

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient

from lineament.datasets.portraits import portraits
from lineament.studio.app import create_app
from lineament.studio.faces import gallery
from tests.editing.small_editor import small_editor

HARM = "<b>Hat</b>&'\""


@pytest.fixture(scope="session")
def editor():
    torch.set_num_threads(1)
    return small_editor(("Eyeglasses", HARM))


@pytest.fixture(scope="session")
def dataset():
    return portraits(40, 2, size=32, seed=7)


@pytest.fixture(scope="session")
def faces(editor, dataset):
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
    return np.array(dataset.read(0))
