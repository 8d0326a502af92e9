"""Master keys in the platform's key ring: Keychain, Credential Manager, Secret Service, whichever `keyring` finds."""

from collections.abc import Callable
from typing import Any

from lineament.errors import JobError

__all__ = ["forget", "recall", "remember"]

SERVICE = "lineament"


def remember(name: str, key: bytes) -> None:
    """Put a key under a name; ``JobError`` where the platform has no key ring, or it is locked."""
    _asked(lambda ring: ring.set_password(SERVICE, name, key.hex()))


def recall(name: str) -> bytes:
    """The key under a name; ``JobError`` if there is none, or no key ring."""
    found = _asked(lambda ring: ring.get_password(SERVICE, name))
    try:
        return bytes.fromhex(found or "absent")
    except ValueError:
        raise JobError(
            f"the key ring holds no key {SERVICE}/{name}; open the store on the machine and as the user that made it"
        ) from None


def forget(name: str) -> None:
    """Remove the key under a name; whatever it alone opens is gone with it."""
    _asked(lambda ring: ring.delete_password(SERVICE, name))


def _asked(question: Callable[[Any], str | None]) -> str | None:
    try:
        import keyring
    except ModuleNotFoundError:
        raise JobError("the platform's key ring needs keyring: pip install 'lineament[keyring]'") from None
    try:
        return question(keyring.get_keyring())
    except Exception as error:  # backends let through whatever D-Bus, Keychain and others raise
        raise JobError(
            f"the platform's key ring could not be used ({str(error) or type(error).__name__}); "
            "unlock it, or keep the store under a passphrase"
        ) from None
