"""The vault: what it sealed opens for the same key, user and model, and for nothing else; and costs what it says."""

import hashlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineament.authentication import vault as module
from lineament.authentication.vault import Vault
from lineament.errors import JobError, UsageError

PASSPHRASE = "correct horse"
# Sealed by the first version. It must open for ever, or people are locked out by an update.
HEADER = bytes.fromhex(
    "4c494e5641554c540100000000010000000100000008e80885ffd74fb258ce5a0848e06dd7895a99fb2da630bc88e94a3f70"
    "aebea13c8faa45672e393a88db758fd88480e2941e91ba0a36e5627f799242ec563a394fb80df914cefe68f626eb47567d23"
    "3d92"
)
SEALED = bytes.fromhex(
    "0141d95793dfe5a55bba6c3b52fd8c714bbb9282d2b57903460440c2cd301b5c245a0e2de1ad051508465bc4e39384374807"
    "344307c1131bb4048740215baa1b49d40275aba4dca3636f388f0c3d6cee1f5dbc415d01be2e167f6c79e3f7fca9754903"
)

names = st.text(max_size=20)


@pytest.fixture(scope="module")
def vault():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("ITERATIONS", 1), ("LANES", 1), ("MEMORY", 8)):
            patch.setattr(module, name, value)
        return Vault.create(PASSPHRASE)


def test_what_the_first_version_sealed_opens():
    assert Vault.open(HEADER, PASSPHRASE).unseal(SEALED, "anna", "model") == b"a template"


@given(content=st.binary(max_size=300), user=names, model=names)
def test_what_is_sealed_opens_for_its_user_and_model(vault, content, user, model):
    sealed = vault.seal(content, user, model)
    assert len(sealed) == len(content) + 89
    assert Vault.open(vault.header, PASSPHRASE).unseal(sealed, user, model) == content


@given(one=st.tuples(names, names), other=st.tuples(names, names))
def test_it_opens_for_no_other_user_or_model(vault, one, other):
    if one != other:
        with pytest.raises(JobError, match="another user, model or store"):
            vault.unseal(vault.seal(b"content", *one), *other)


def test_the_border_between_user_and_model_is_sealed_too(vault):
    with pytest.raises(JobError):
        vault.unseal(vault.seal(b"content", "an", "na"), "ann", "a")


def test_every_single_bit_counts(vault):
    sealed = vault.seal(b"content", "anna", "model")
    for bit in range(8 * len(sealed)):
        torn = bytearray(sealed)
        torn[bit // 8] ^= 1 << bit % 8
        with pytest.raises(JobError, match="damaged|format"):
            vault.unseal(bytes(torn), "anna", "model")


@given(data=st.data())
def test_cut_longer_or_spliced_ones_do_not_open(vault, data):
    one, other = (vault.seal(content, "anna", "model") for content in (b"one", b"another"))
    at = data.draw(st.integers(0, len(one) - 1))
    for torn in (one[:at], one[:at] + b"\0" + one[at:], one + b"\0", one[:at] + other[at:]):
        if torn not in (one, other):
            with pytest.raises(JobError):
                vault.unseal(torn, "anna", "model")


@given(st.binary(max_size=300))
def test_noise_is_refused(vault, noise):
    with pytest.raises(JobError):
        vault.unseal(noise, "anna", "model")
    with pytest.raises(JobError, match="damaged"):
        Vault.open(noise, PASSPHRASE)


def test_no_nonce_and_no_key_comes_twice(vault):
    sealed = [vault.seal(b"the same", "anna", "model") for _ in range(500)]
    for span in (slice(1, 13), slice(13, 61), slice(61, 73), slice(73, None)):
        assert len({one[span] for one in sealed}) == len(sealed)


def test_a_wrong_passphrase_is_not_a_damage(vault):
    with pytest.raises(JobError, match="^wrong passphrase$"):
        Vault.open(vault.header, "correct house")
    for byte in range(len(vault.header)):
        torn = bytearray(vault.header)
        torn[byte] ^= 1
        with pytest.raises(JobError, match="header is damaged"):
            Vault.open(bytes(torn), PASSPHRASE)


@given(st.integers(module._HEAD.size - 16, module._HEAD.size + 31), st.integers(1, 255))
@settings(max_examples=50)
def test_who_changes_salt_or_check_value_and_mends_the_checksum_gets_nowhere(vault, byte, change):
    body = bytearray(vault.header[:-32])
    body[byte] ^= change
    with pytest.raises(JobError, match="^wrong passphrase$"):
        Vault.open(bytes(body) + hashlib.sha256(body).digest(), PASSPHRASE)


@pytest.mark.parametrize(
    "cost", [(65, 1, 8), (1, 17, 1 << 10), (1, 1, (1 << 20) + 1), (0, 1, 8), (1, 0, 8), (1, 2, 15)]
)
def test_a_header_that_wants_to_exhaust_us_is_refused_before_any_work(cost):
    body = module._HEAD.pack(module._MAGIC, module.FORMAT, 0, *cost, bytes(16)) + bytes(32)
    with pytest.raises(JobError, match="Argon2id"):
        Vault.open(body + hashlib.sha256(body).digest(), PASSPHRASE)


def test_a_format_of_tomorrow_is_told_from_damage(vault):
    body = vault.header[:8] + struct.pack(">B", 2) + vault.header[9:-32]
    with pytest.raises(JobError, match="format 2; this version reads format 1"):
        Vault.open(body + hashlib.sha256(body).digest(), PASSPHRASE)
    with pytest.raises(JobError, match="format 2; this version reads format 1"):
        vault.unseal(b"\2" + vault.seal(b"", "anna", "model")[1:], "anna", "model")


def test_passphrases_are_the_same_from_every_keyboard(vault, cheap_vault):
    composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
    opened = Vault.open(Vault.create(composed).header, decomposed)
    assert opened.unseal(opened.seal(b"x", "u", "m"), "u", "m") == b"x"


def test_new_passphrases_have_eight_characters():
    with pytest.raises(UsageError, match="at least 8 characters, got 7"):
        Vault.create("1234567")


def test_the_cost_is_the_recommended_one():
    header = Vault.create(PASSPHRASE).header
    assert module._HEAD.unpack_from(header)[3:6] == (3, 4, 65536), "RFC 9106, section 4, second choice"


def test_neither_header_nor_repr_tell_a_key(vault):
    assert vault._wrapping not in vault.header and repr(vault._wrapping) not in repr(vault)


def test_rewrapping_changes_who_can_open_it_and_nothing_else(vault, cheap_vault):
    fresh, sealed = Vault.create("battery staple"), vault.seal(b"content", "anna", "model")
    moved = vault.rewrap(sealed, "anna", "model", fresh)
    assert moved[61:] == sealed[61:], "the content was encrypted again"
    assert fresh.unseal(moved, "anna", "model") == b"content"
    with pytest.raises(JobError):
        vault.unseal(moved, "anna", "model")
    with pytest.raises(JobError):
        vault.rewrap(sealed, "bob", "model", fresh)
