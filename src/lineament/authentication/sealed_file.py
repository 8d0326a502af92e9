"""One template in one sealed file, to carry to another machine or to keep without a store.

JSON: user and model in clear, so that the file can say whose it is; vault header and sealed template in base64. Both
names are bound to what is sealed, so a file whose names were changed does not open.
"""

import binascii
import json
from base64 import b64decode, b64encode
from pathlib import Path

from lineament.artifacts import write_atomically
from lineament.authentication.template import MAX_BYTES, Template
from lineament.authentication.vault import Vault
from lineament.errors import JobError

__all__ = ["FORMAT", "read", "write"]

FORMAT = 1
"""Version of the file; another one is refused."""


def write(path: Path, template: Template, passphrase: str | None) -> Path:
    """Seal a template under a passphrase, or with None under a new key in the platform's key ring.

    Raises:
        UsageError: the passphrase is too short.
        JobError: the file cannot be written, whole or not at all; or there is no key ring.
    """
    vault = Vault.create(passphrase)
    sealed = vault.seal(template.to_bytes(), template.user, template.model)
    plain = {"lineament_template": FORMAT, "user": template.user, "model": template.model}
    coded = {"header": b64encode(vault.header).decode(), "sealed": b64encode(sealed).decode()}
    try:
        write_atomically(path, (json.dumps(plain | coded, indent=1) + "\n").encode())
    except JobError:
        vault.forget()
        raise
    path.chmod(0o600)
    return path


def read(path: Path, passphrase: str | None) -> Template:
    """The template in a file that `write` wrote; ``JobError`` for any other, a wrong key, or changed bytes."""
    try:
        if path.stat().st_size > 2 * MAX_BYTES:
            raise JobError(f"{path}: too large to be a sealed template")
        plain = json.loads(path.read_bytes())
        if plain["lineament_template"] != FORMAT:
            raise JobError(f"{path}: not of format {FORMAT}, which this version reads; enrol again")
        user, model = str(plain["user"]), str(plain["model"])
        header, sealed = (b64decode(plain[key], validate=True) for key in ("header", "sealed"))
    except OSError as error:
        raise JobError(f"{path}: could not be read ({error.strerror or error})") from None
    except (ValueError, LookupError, TypeError, RecursionError, binascii.Error):
        raise JobError(f"{path}: not a sealed template, or cut off; make one with 'lineament enrol --out'") from None
    try:
        return Template.from_bytes(Vault.open(header, passphrase).unseal(sealed, user, model))
    except JobError as error:
        raise JobError(f"{path}: {error}") from None
