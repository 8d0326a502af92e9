"""A PostgreSQL of one's own: an unprivileged cluster in a temporary folder, reached by a socket there, gone afterwards.

It needs Debian's package `postgresql`, or any that puts `initdb` and `postgres` on the path, but no server of it.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _program(name: str) -> str:
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(debian[-1]) if debian else shutil.which(name)
    return found or pytest.skip(f"no {name}: install Debian's package postgresql to test the store on PostgreSQL")


def _owner() -> str | None:
    """PostgreSQL refuses to run as root; the package brings a user for it."""
    if os.getuid():
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return pytest.skip("root cannot run PostgreSQL, and there is no user postgres; install Debian's package")


@contextmanager
def running_postgresql() -> Iterator[str]:
    """The URL of an empty database ``lineament`` with a password; skips where there is no PostgreSQL."""
    initdb, server, psql, owner = _program("initdb"), _program("postgres"), _program("psql"), _owner()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short, since the path of a socket may have 107 characters only
    if owner:
        shutil.chown(folder, owner, pwd.getpwnam(owner).pw_gid)
    as_owner = {"user": owner, "cwd": folder}
    subprocess.run(
        [initdb, "-D", folder / "data", "-U", "admin", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, **as_owner,
    )  # fmt: skip
    arguments = ["-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "shared_buffers=16MB"]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen([server, *arguments], stdout=log, stderr=log, **as_owner)
    try:
        ask = [psql, "-q", "-h", folder, "-U", "admin", "-d", "postgres", "-c"]
        for _ in range(200):
            if subprocess.run([*ask, "SELECT 1"], capture_output=True).returncode == 0:
                break
            assert running.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        subprocess.run([*ask, "CREATE ROLE anna LOGIN PASSWORD 'opensesame'"], check=True)
        subprocess.run([*ask, "CREATE DATABASE lineament OWNER anna"], check=True)
        yield f"postgresql://anna:opensesame@/lineament?host={folder}"
    finally:
        running.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed any more
        running.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
