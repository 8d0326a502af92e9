"""`lineament serve` as a process of its own, and a client of it on the standard library alone."""

import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lineament.service.keys import SCOPES, Keys

PASSPHRASE = "correct horse battery staple"


class Serving:
    """A running service with its store, keys and audit log in ``folder``; a context manager.

    Args:
        folder: made if it is not there; what an earlier service left in it is gone on with.
        store: a URL instead of the SQLite file in the folder.
        flags: more of the command line.
    """

    def __init__(self, folder: Path, *flags: str, store: str | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.store, self.audit = store or str(folder / "store.sqlite"), folder / "audit.jsonl"
        keys = Keys(folder / "keys.sqlite", make=True)
        self.key = keys.new(SCOPES, days=1)
        keys.close()
        words = ["serve", "--store", self.store, "--keys", str(keys.path), "--audit", str(self.audit), "--port", "0"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lineament.cli", *words, *flags],
            env=os.environ | {"LINEAMENT_PASSPHRASE": PASSPHRASE, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.greeting)
        if not found:
            raise RuntimeError(f"the service did not start: {self.greeting or self.process.wait()}")
        self.port = int(found[1])

    def client(self) -> "Client":
        """A connection of its own."""
        return Client(self.port, self.key)

    def resident(self) -> float:
        """Its memory, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    def processor(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> tuple[int, str]:
        """End it in order; its exit code, and the last it said."""
        self.process.terminate()
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Client:
    """One connection, kept open; every request has a nonce and a time of its own."""

    def __init__(self, port: int, key: str) -> None:
        self.key, self.connection = key, http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "image/png") -> tuple[int, Any]:
        """Status and JSON of one answer; raises ``OSError`` or ``HTTPException`` if there is none."""
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": kind,
            "X-Nonce": secrets.token_hex(16),
            "X-Timestamp": f"{time.time():.6f}",
        }
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None

    def verify(self, user: str, image: bytes) -> tuple[int, Any]:
        """Ask whether a PNG shows the user."""
        return self.ask("POST", f"/v1/users/{user}/verify", image)

    def enrol(self, user: str, images: list[tuple[str, bytes]]) -> tuple[int, Any]:
        """Enrol a user by PNGs, each with its occasion."""
        mark = secrets.token_hex(16)
        head = f'--{mark}\r\nContent-Disposition: form-data; name="image.{{}}"; filename="a"\r\n'
        head += "Content-Type: image/png\r\n\r\n"
        parts = [head.format(occasion).encode() + image + b"\r\n" for occasion, image in images]
        body = b"".join(parts) + f"--{mark}--\r\n".encode()
        return self.ask("POST", f"/v1/users/{user}/enrol", body, f"multipart/form-data; boundary={mark}")

    def enrol_typed(self, user: str, attributes: dict[str, str]) -> tuple[int, Any]:
        """Enrol a user by attributes typed in."""
        body = json.dumps({"attributes": attributes}).encode()
        return self.ask("POST", f"/v1/users/{user}/enrol", body, "application/json")

    def close(self) -> None:
        """Hang up."""
        self.connection.close()
