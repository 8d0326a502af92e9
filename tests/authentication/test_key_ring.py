"""Keys in the platform's key ring: a small ring of our own, and a platform without one."""

import pytest

keyring = pytest.importorskip("keyring", reason="the extra keyring is not installed")

from keyring.backend import KeyringBackend  # noqa: E402
from keyring.backends.fail import Keyring as NoKeyring  # noqa: E402
from keyring.errors import PasswordDeleteError  # noqa: E402

from lineament.authentication.store import Store  # noqa: E402
from lineament.authentication.vault import Vault  # noqa: E402
from lineament.errors import JobError  # noqa: E402
from tests.authentication.store_kit import MODEL, PASSPHRASE, template  # noqa: E402


class Ring(KeyringBackend):
    """Keys in memory."""

    priority = 0

    def __init__(self):
        super().__init__()
        self.keys = {}

    def get_password(self, service, username):
        return self.keys.get((service, username))

    def set_password(self, service, username, password):
        self.keys[service, username] = password

    def delete_password(self, service, username):
        if self.keys.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")


@pytest.fixture
def ring():
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_a_store_opens_by_the_key_ring_alone(ring, place):
    with Store.open(place, None, create=True) as store:
        store.put(template("anna"))
    with Store.open(place, None) as store:
        assert store.get("anna", MODEL) == template("anna")
    with pytest.raises(JobError, match="lies in the platform's key ring"):
        Store.open(place, PASSPHRASE)
    (key,) = ring.keys
    ring.keys[key] = "00" * 32
    with pytest.raises(JobError, match="not the one"):
        Store.open(place, None)
    ring.keys[key] = "no hexadecimal number"
    with pytest.raises(JobError, match="holds no key"):
        Store.open(place, None)
    ring.keys.clear()
    with pytest.raises(JobError, match="holds no key"):
        Store.open(place, None)


def test_a_store_moves_into_the_key_ring_and_out_again(ring, place):
    with Store.open(place, PASSPHRASE, create=True) as store:
        store.put(template("anna"))
        store.rekey(None)
        assert len(ring.keys) == 1
        store.rekey(None)
        assert len(ring.keys) == 1, "the old key was left in the ring"
        assert store.get("anna", MODEL) == template("anna")
        store.rekey(PASSPHRASE)
    assert not ring.keys
    with pytest.raises(JobError, match="opens by a passphrase"):
        Store.open(place, None)
    with Store.open(place, PASSPHRASE) as store:
        assert store.get("anna", MODEL) == template("anna")


def test_without_a_key_ring_it_says_so():
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    try:
        with pytest.raises(JobError, match="key ring could not be used"):
            Vault.create(None)
    finally:
        keyring.set_keyring(before)
