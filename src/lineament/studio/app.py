"""The application: the page, what it is made of, and the two things it asks for. Nothing of what it is sent is kept."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import jinja2
import numpy as np
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import ValidationError
from starlette.middleware.trustedhost import TrustedHostMiddleware

from lineament.datasets.framing import middle
from lineament.editing.operations import AnyEditor
from lineament.errors import LineamentError
from lineament.report import readable
from lineament.studio.faces import Face, seen
from lineament.studio.pictures import decoded
from lineament.studio.steps import Asked, edited, python

__all__ = ["MAX_BYTES", "SECONDS", "create_app"]

T = TypeVar("T")

MAX_BYTES = 8 << 20
"""Of a body: one upload, or a face with all its steps."""

SECONDS = 20.0
"""In which a body has to come."""

AT_WORK = 2
"""Requests that calculate at the same time; others wait their turn."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(
    editor: AnyEditor, faces: Sequence[Face], *, folder: str | None = None, hosts: Sequence[str] = ("*",)
) -> FastAPI:
    """The studio as an ASGI application.

    Args:
        editor: what edits.
        faces: to choose from, of this editor.
        folder: where the editor lies, for the Python that the page shows; None for the one of the package.
        hosts: names by which it may be called; a page from elsewhere that made its own name point here is refused.
    """
    app = FastAPI(title="lineament studio", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    page, at_work = _page(editor, faces), CapacityLimiter(AT_WORK)

    async def work(function: Callable[..., T], *arguments: Any) -> T:
        return await to_thread.run_sync(partial(function, *arguments), limiter=at_work)

    @app.middleware("http")
    async def sealed(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await go_on(request)
        response.headers.update(HEADERS)
        return response

    @app.exception_handler(LineamentError)
    def refused(request: Request, error: LineamentError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 422)

    @app.get("/")
    def index() -> HTMLResponse:
        return HTMLResponse(page)

    @app.post("/face")
    async def face(request: Request) -> dict[str, Any]:
        """An uploaded picture as a face of the editor's size; ``note`` says what was done to it."""
        content = await _body(request, "application/octet-stream")
        return await work(_uploaded, editor, content)

    @app.post("/edit")
    async def edit(request: Request) -> dict[str, Any]:
        """The face that comes of `Asked`, and the Python that does the same."""
        asked = _asked(await _body(request, "application/json"))
        return (await work(edited, editor, asked))._asdict() | {"python": python(asked, folder)}

    return app


def _page(editor: AnyEditor, faces: Sequence[Face]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lineament.studio", "static"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(
        attributes=[(name, readable(name)) for name in editor.attributes],
        faces=[face._asdict() for face in faces],
        size=editor.shape[1],
        most=MAX_BYTES,
    )


def _uploaded(editor: AnyEditor, content: bytes) -> dict[str, Any]:
    pixels, grey = decoded(content)
    size = (editor.shape[1], editor.shape[2])
    height, width = pixels.shape[:2]
    done = (
        [f"its middle, brought from {width} × {height} to {size[1]} × {size[0]} pixels"]
        if (height, width) != size
        else []
    )
    (face,) = seen(editor, np.stack([middle(pixels, size)]))
    return face._asdict() | {
        "note": ", ".join([*done, *(["it is grey, and editors learn from colour"] if grey else [])])
    }


def _asked(body: bytes) -> Asked:
    try:
        return Asked.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise HTTPException(422, f"{place}: {first['msg']}") from None


async def _body(request: Request, kind: str) -> bytes:
    """The body, counted as it comes. Its kind must be one that a page from elsewhere cannot send without asking."""
    if (got := request.headers.get("content-type", "").partition(";")[0].strip().lower()) != kind:
        raise HTTPException(415, f"Content-Type: expected {kind}, got {got or 'none'}")
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise HTTPException(413, f"the body is over {MAX_BYTES:,} bytes", {"Connection": "close"})
    except TimeoutError:
        raise HTTPException(408, f"the body took over {SECONDS:g} seconds", {"Connection": "close"}) from None
    return bytes(body)
