"""What the verb ``studio`` does: open an editor and faces to try it on, and serve the page."""

import contextlib
import sys
from pathlib import Path

from lineament.errors import JobError
from lineament.listening import bound, in_address, is_local

__all__ = ["studio"]


def studio(*, editor: Path | None, data: str | None, root: Path | None, host: str, port: int, seed: int) -> None:
    """Serve until Ctrl-C; prints where."""
    try:
        import uvicorn

        from lineament.studio.app import create_app
    except ModuleNotFoundError as error:
        raise JobError(f"the studio needs {error.name}: pip install 'lineament[app]'") from None
    from lineament.editing.commands import open_for
    from lineament.editing.editor import load, shipped
    from lineament.studio.faces import gallery

    with bound(host, port) as listening:
        opened = shipped() if editor is None else load(editor)
        faces = gallery(opened, open_for(opened, data, root).part("test"), seed=seed)
        place = in_address(host)
        names = (place, "127.0.0.1", "localhost", "[::1]") if is_local(host) else ("*",)
        app = create_app(opened, faces, folder=None if editor is None else str(editor), hosts=names)
        if "*" in names:
            print(f"--host {host}: others can reach it, and it asks nobody who they are", file=sys.stderr)
        print(f"the studio is at http://{place}:{listening.getsockname()[1]}; Ctrl-C ends it", flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, limit_concurrency=32)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
