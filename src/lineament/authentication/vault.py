"""The vault: seals templates so that a copied disk or database tells nothing about anybody's face.

A master key comes out of a passphrase by Argon2id, or out of the platform's key ring. Every sealing draws a data key of
its own, which the master key wraps; the data key seals one content, once, by AES-256-GCM. So no key ever meets a nonce
twice, whoever destroys the few wrapped bytes has destroyed the content (crypto-shredding), and a new passphrase only
wraps the data keys anew. User, model and format version are associated data of both: a sealed template that was moved
to another user or model, or changed in any bit, does not open.

The header is no secret: how the master key is derived, a check value that tells a wrong passphrase from damage, and a
checksum. Sources: RFC 9106 (Argon2id, its second recommended parameters), RFC 5869 (HKDF), NIST SP 800-38D (GCM).
"""

import hmac
import os
import secrets
import struct
import unicodedata
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from lineament.authentication import key_ring
from lineament.errors import JobError, UsageError

__all__ = ["FORMAT", "MIN_PASSPHRASE", "Vault", "refuse_short"]

FORMAT = 1
"""Version of header and sealed bytes; another one is refused."""

MIN_PASSPHRASE = 8
"""Characters of a new passphrase (NIST SP 800-63B); for one that a person chooses, more is much better."""

ITERATIONS, LANES, MEMORY = 3, 4, 64 * 1024  # RFC 9106, section 4: the recommendation for 64 MiB (here in KiB)
_MOST = (64, 16, 1 << 20)  # a header that asks for more wants to exhaust us, not to be opened

_MAGIC = b"LINVAULT"
_PASSPHRASE, _KEY_RING = 0, 1
_HEAD = struct.Struct(">8sBBIII16s")  # magic, format, kind, iterations, lanes, memory in KiB, salt or name of the key
_DIGEST, _NONCE, _KEY, _TAG = 32, 12, 32, 16
_WRAPPED = 1 + _NONCE + _KEY + _TAG  # format, nonce, wrapped data key; then nonce and content


@dataclass(frozen=True)
class Vault:
    """An open vault.

    Attributes:
        header: what `open` needs besides the passphrase; to be kept beside what was sealed.
    """

    header: bytes
    _wrapping: bytes = field(repr=False)

    @classmethod
    def create(cls, passphrase: str | None) -> "Vault":
        """A vault with a fresh key: under a passphrase, or with None in the platform's key ring.

        Raises:
            UsageError: the passphrase has less than 8 characters.
            JobError: there is no key ring.
        """
        salt = os.urandom(16)
        if passphrase is None:
            master = secrets.token_bytes(_KEY)
            key_ring.remember(salt.hex(), master)
            head = _HEAD.pack(_MAGIC, FORMAT, _KEY_RING, 0, 0, 0, salt)
        else:
            refuse_short(passphrase)
            master = _derived(passphrase, salt, ITERATIONS, LANES, MEMORY)
            head = _HEAD.pack(_MAGIC, FORMAT, _PASSPHRASE, ITERATIONS, LANES, MEMORY, salt)
        header = head + _check(master, head)
        return cls(header + sha256(header).digest(), _subkey(master, b"wrap"))

    @classmethod
    def open(cls, header: bytes, passphrase: str | None) -> "Vault":
        """The vault of this header; None for one whose key lies in the key ring.

        Raises:
            JobError: the header is damaged or of another format, the passphrase is wrong, or the key ring lacks it.
        """
        kind, cost, salt = _parsed(header)
        if kind == _KEY_RING:
            if passphrase is not None:
                raise JobError("this store's key lies in the platform's key ring; open it so, not by a passphrase")
            master, wrong = key_ring.recall(salt.hex()), "the key ring's key is not the one that this store was made by"
        elif passphrase is None:
            raise JobError("this store opens by a passphrase, not by the platform's key ring")
        else:
            master, wrong = _derived(passphrase, salt, *cost), "wrong passphrase"
        if not hmac.compare_digest(_check(master, header[: _HEAD.size]), header[_HEAD.size : -_DIGEST]):
            raise JobError(wrong)
        return cls(header, _subkey(master, b"wrap"))

    def seal(self, content: bytes, user: str, model: str) -> bytes:
        """Encrypt ``content`` for this user and model alone; 89 bytes longer, and different each time."""
        key = AESGCM.generate_key(256)
        return self._wrapped(key, user, model) + _encrypted(key, content, _bound(b"content", user, model))

    def unseal(self, sealed: bytes, user: str, model: str) -> bytes:
        """What `seal` encrypted for this user and model; ``JobError`` for all else, and never a part of it."""
        key = self._unwrapped(sealed, user, model)
        return _decrypted(key, sealed[_WRAPPED:], b"content", user, model)

    def rewrap(self, sealed: bytes, user: str, model: str, fresh: "Vault") -> bytes:
        """The same content sealed by another vault's master key; only the data key is wrapped anew."""
        return fresh._wrapped(self._unwrapped(sealed, user, model), user, model) + sealed[_WRAPPED:]

    def forget(self) -> None:
        """Destroy the key in the key ring, if it lies there; nothing that this vault sealed opens ever again."""
        kind, _, salt = _parsed(self.header)
        if kind == _KEY_RING:
            key_ring.forget(salt.hex())

    def _wrapped(self, key: bytes, user: str, model: str) -> bytes:
        return bytes([FORMAT]) + _encrypted(self._wrapping, key, _bound(b"key", user, model))

    def _unwrapped(self, sealed: bytes, user: str, model: str) -> bytes:
        if len(sealed) >= _WRAPPED and sealed[0] != FORMAT:
            raise JobError(f"{_named(user, model)}: sealed in format {sealed[0]}; this version reads format {FORMAT}")
        return _decrypted(self._wrapping, sealed[1:_WRAPPED], b"key", user, model)


def refuse_short(passphrase: str) -> None:
    """Raise ``UsageError`` for what no vault is made under."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise UsageError(f"passphrase: expected at least {MIN_PASSPHRASE} characters, got {len(passphrase)}")


def _parsed(header: bytes) -> tuple[int, tuple[int, int, int], bytes]:
    """Kind, cost (iterations, lanes, KiB) and salt of a header, after whatever can be checked without a key."""
    if len(header) != _HEAD.size + 2 * _DIGEST or sha256(header[:-_DIGEST]).digest() != header[-_DIGEST:]:
        raise JobError("the store's header is damaged; no passphrase opens it, put back a copy of the store")
    magic, version, kind, *cost, salt = _HEAD.unpack_from(header)
    if magic != _MAGIC or version != FORMAT or kind not in (_PASSPHRASE, _KEY_RING):
        raise JobError(f"the store's header is of format {version}; this version reads format {FORMAT}")
    iterations, lanes, memory = cost
    within = all(value <= most for value, most in zip(cost, _MOST, strict=True))
    if kind == _PASSPHRASE and not (within and iterations >= 1 and lanes >= 1 and memory >= 8 * lanes):
        raise JobError(
            f"the store's header asks for Argon2id with {iterations} iterations, {lanes} lanes, {memory} KiB; "
            f"expected 1 to {_MOST[0]}, 1 to {_MOST[1]}, 8 a lane to {_MOST[2]}; it was changed"
        )
    return kind, (iterations, lanes, memory), salt


def _derived(passphrase: str, salt: bytes, iterations: int, lanes: int, memory: int) -> bytes:
    """The master key; the passphrase in normal form C, so that it is the same one from every keyboard."""
    secret = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    try:
        return Argon2id(salt=salt, length=_KEY, iterations=iterations, lanes=lanes, memory_cost=memory).derive(secret)
    except MemoryError:
        raise JobError(f"not enough memory to try the passphrase: Argon2id takes {memory // 1024} MiB") from None


def _subkey(master: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), _KEY, b"lineament vault " + purpose).derive(master)


def _check(master: bytes, head: bytes) -> bytes:
    """What only the right master key gives; as a hash under a key of its own it tells nothing about the others."""
    return hmac.digest(_subkey(master, b"check"), head, "sha256")


def _bound(purpose: bytes, user: str, model: str) -> bytes:
    """Associated data; every part with its length, so that no two triples give the same bytes."""
    parts = [part.encode("utf-8", "surrogatepass") for part in (user, model)]
    return bytes([FORMAT]) + b"".join(struct.pack(">I", len(part)) + part for part in (purpose, *parts))


def _encrypted(key: bytes, content: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, content, bound)


def _decrypted(key: bytes, sealed: bytes, purpose: bytes, user: str, model: str) -> bytes:
    try:
        if len(sealed) < _NONCE + _TAG:
            raise InvalidTag
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(purpose, user, model))
    except InvalidTag:
        raise JobError(
            f"{_named(user, model)}: damaged, or sealed for another user, model or store; "
            "nothing of it was read. Delete it and enrol again"
        ) from None


def _named(user: str, model: str) -> str:
    return f"template of {user!r} for model {model[:12]}"
