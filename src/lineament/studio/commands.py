"""What the verb ``studio`` does: open an editor and faces to try it on, and serve the page."""

import contextlib
import ipaddress
import socket
import sys
from pathlib import Path

from lineament.errors import JobError, UsageError

__all__ = ["studio"]


def studio(*, editor: Path | None, data: str, root: Path | None, host: str, port: int, seed: int) -> None:
    """Serve until Ctrl-C; prints where."""
    try:
        import uvicorn

        from lineament.studio.app import create_app
    except ModuleNotFoundError as error:
        raise JobError(f"the studio needs {error.name}: pip install 'lineament[app]'") from None
    from lineament.datasets.registry import open_dataset
    from lineament.editing.editor import load, shipped
    from lineament.studio.faces import gallery

    with _bound(host, port) as listening:
        opened = shipped() if editor is None else load(editor)
        faces = gallery(opened, open_dataset(data, root).part("test"), seed=seed)
        place = f"[{host}]" if ":" in host else host
        names = (place, "127.0.0.1", "localhost", "[::1]") if _is_local(host) else ("*",)
        app = create_app(opened, faces, folder=None if editor is None else str(editor), hosts=names)
        if "*" in names:
            print(f"--host {host}: others can reach it, and it asks nobody who they are", file=sys.stderr)
        print(f"the studio is at http://{place}:{listening.getsockname()[1]}; Ctrl-C ends it", flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, limit_concurrency=32)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket, before anything that takes time."""
    if not 0 <= port < 65536:
        raise UsageError(f"--port: expected 0 to 65535, got {port}")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise JobError(
            f"{host}:{port}: cannot listen there ({error.strerror or error}); choose with --host, --port"
        ) from None


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
