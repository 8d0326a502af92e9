"""A service on the shipped detector, in this process, with keys, store and audit log in a temporary folder."""

import contextlib
from dataclasses import replace

import pytest
import torch
from fastapi.testclient import TestClient

from lineament.authentication import cohort as cohorts
from lineament.authentication.monitor import Policy
from lineament.authentication.store import Store
from lineament.detectors.detector import shipped
from lineament.service.app import create_app
from lineament.service.audit import AuditLog
from lineament.service.keys import Keys
from lineament.service.settings import Settings
from tests.faces.conftest import astronaut, face_models

__all__ = ["astronaut", "face_models"]

LIVELY = Settings(rate=500, burst=1000, address_rate=1000, address_burst=2000)
"""Tests ask faster than people do."""

POLICY = Policy()


@pytest.fixture(scope="session")
def seeing():
    """The detector and the cohort that come with the package."""
    torch.set_num_threads(1)
    return shipped(), cohorts.shipped()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with Store.open(tmp_path_factory.mktemp("store") / "store.sqlite", "correct horse", create=True) as store:
        yield store


@pytest.fixture
def serving(seeing, store, tmp_path):
    """A function from settings to a running client; it has ``keys``, ``key`` (of all scopes) and ``audit``."""
    with contextlib.ExitStack() as stack:

        def start(policy=POLICY, detector=None, framed=True, **settings):
            keys = Keys(tmp_path / "keys.sqlite", make=True)
            audit = AuditLog(tmp_path / f"audit-{len(list(tmp_path.iterdir()))}.jsonl")
            parts, limits = (detector or seeing[0], seeing[1], store, policy), replace(LIVELY, **settings)
            app = create_app(*parts, limits, keys=keys, audit=audit, framed=framed)
            client = stack.enter_context(TestClient(app, base_url="http://127.0.0.1"))
            client.keys, client.audit, client.key = keys, audit, keys.new(["enrol", "verify", "admin"], 1)
            return client

        yield start
