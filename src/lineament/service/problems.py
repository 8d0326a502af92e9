"""What the service answers when it refuses: RFC 9457 problem details, and never anything from inside."""

import logging
import secrets
import traceback
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from lineament.errors import LineamentError, UsageError

__all__ = ["Problem", "ProblemBody", "answer", "as_problem", "install", "responses"]

LOG = logging.getLogger("lineament.service")
TITLES = {
    400: "The request is malformed",
    401: "The key is missing or not valid",
    403: "The key may not do this",
    404: "Not found",
    405: "This address takes another method",
    408: "The body took too long",
    409: "It conflicts with what is there",
    413: "The body is too large",
    415: "The content type is not taken here",
    422: "The request cannot be used",
    429: "Too many requests",
    500: "Something failed inside; nothing was granted",
    503: "Too busy; try again",
}


class Problem(Exception):
    """A refusal.

    Args:
        status: of HTTP, one of `TITLES`.
        code: a word for programs, the end of the problem's ``type``.
        detail: a sentence for people: what was expected, what came, what to do.
        headers: of the answer.
    """

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


class ProblemBody(BaseModel):
    """The body of every refusal, ``application/problem+json``."""

    type: str = Field(description="urn:lineament: and a word for programs", examples=["urn:lineament:replayed"])
    title: str = Field(examples=["The request is malformed"])
    status: int = Field(examples=[400])
    detail: str = Field(examples=["X-Nonce: this nonce was used before; send a new one with every request"])


def answer(problem: Problem) -> JSONResponse:
    """The response that says it."""
    body = ProblemBody(
        type=f"urn:lineament:{problem.code}",
        title=TITLES.get(problem.status, "Refused"),
        status=problem.status,
        detail=problem.detail,
    )
    return JSONResponse(
        body.model_dump(), problem.status, headers=problem.headers, media_type="application/problem+json"
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The entries of OpenAPI for refusals of these statuses."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {status: {"description": TITLES[status], "content": content} for status in statuses}


def as_problem(error: Exception) -> Problem:
    """What is answered for any exception: only what was meant for the caller is told, the rest is for the log."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, UsageError):
        return Problem(422, "unusable", str(error))
    number = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere"
    said = f": {error}" if isinstance(error, LineamentError) else ""  # other texts may quote the request
    LOG.error("error %s: %s at %s%s", number, type(error).__name__, place, said)
    return Problem(500, "internal", f"error {number}; the service's log says more about it")


def install(app: FastAPI) -> None:
    """Answer every exception of the app that has a meaning with a problem; `envelope` catches the rest."""

    @app.exception_handler(Problem)
    @app.exception_handler(LineamentError)
    def refused(request: Request, error: Exception) -> JSONResponse:
        return answer(as_problem(error))

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return answer(Problem(422, "invalid", f"{place}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        detail = {404: "there is nothing at this address; see /openapi.json"}.get(error.status_code, str(error.detail))
        return answer(Problem(error.status_code, "http", detail, dict(error.headers or {})))
