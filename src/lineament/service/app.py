"""The application: what stands at which address, and how its parts are put together."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response, WebSocket
from fastapi.openapi.utils import get_openapi
from fastapi.responses import PlainTextResponse
from pydantic import AfterValidator, ValidationError

from lineament import __version__
from lineament.authentication.cohort import Cohort
from lineament.authentication.monitor import Policy
from lineament.authentication.store import Store
from lineament.service import bodies, metrics, problems, stream
from lineament.service.access import Caller
from lineament.service.answers import Enrolled, Health, Typed, Verdict
from lineament.service.audit import AuditLog
from lineament.service.envelope import Envelope
from lineament.service.keys import Keys
from lineament.service.parts import Service
from lineament.service.pictures import KINDS
from lineament.service.problems import Problem, ProblemBody, responses
from lineament.service.settings import DEFAULT, Settings
from lineament.subject import AttributeDetector

__all__ = ["create_app"]

T = TypeVar("T")

ABOUT = """Enrols people by what a detector of attributes sees of them, says whether a face is theirs, and why not.

Every request but `/health` needs a key (`Authorization: Bearer ...`); every one that asks for something also a fresh
`X-Nonce` and the time in `X-Timestamp`, and is refused when it comes a second time. Whatever goes wrong is answered by
a problem (RFC 9457), and grants nothing. Images are looked at and forgotten."""


def create_app(
    detector: AttributeDetector,
    cohort: Cohort,
    store: Store,
    policy: Policy,
    settings: Settings = DEFAULT,
    *,
    keys: Keys | None = None,
    audit: AuditLog | None = None,
    framed: bool = False,
) -> FastAPI:
    """The service as an ASGI application.

    Args:
        detector: what sees attributes; ``cohort`` was made by it.
        cohort: whom scores are held against.
        store: where templates are kept; closed by whoever opened it.
        policy: of verification and watching.
        settings: sizes, rates, times.
        keys: who may ask; None lets everybody who reaches it do everything, so keep it on this machine.
        audit: where to write down who asked for whom; None writes nothing.
        framed: images are crops as the detector was trained on: no face is looked for, no situation judged.

    Raises:
        UsageError: the cohort is of another detector.
    """
    service = Service.of(detector, cohort, store, policy, settings, keys, audit, framed)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            service.close()

    app = FastAPI(
        title="lineament",
        version=__version__,
        description=ABOUT,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.service = service
    app.include_router(router)
    problems.install(app)
    app.add_middleware(Envelope, metrics=service.metrics)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _name(user: str) -> str:
    if not user.isprintable():
        raise ValueError("expected 1 to 200 printable characters")
    return user


Here = Annotated[Service, Depends(_service)]
User = Annotated[str, Path(min_length=1, max_length=200, description="whose template"), AfterValidator(_name)]
SameCamera = Annotated[bool, Query(description="the user will be seen by the camera of these images, at its place")]


def _admitted(scope: str) -> Any:
    async def admit(request: Request, service: Here) -> Caller:
        return service.admit(request, scope)

    return Depends(admit)


router = APIRouter()
IMAGE = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS}
IMAGES = {
    "type": "object",
    "properties": {"image": {"type": "array", "items": {"type": "string", "format": "binary"}}},
    "patternProperties": {"^image\\.": {"type": "string", "format": "binary", "description": "of a named occasion"}},
}
ENROL_BODY = {
    bodies.MULTIPART: {"schema": IMAGES, "encoding": {"image": {"contentType": ", ".join(KINDS)}}},
    "application/json": {"schema": {"$ref": "#/components/schemas/Typed"}},
}


@router.post(
    "/v1/users/{user}/enrol",
    status_code=201,
    responses=responses(400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
    openapi_extra={"requestBody": {"required": True, "content": ENROL_BODY}},
)
async def enrol(
    user: User,
    request: Request,
    service: Here,
    caller: Annotated[Caller, _admitted("enrol")],
    same_camera: SameCamera = False,
) -> Enrolled:
    """Put a user in: by images of them, or by typed attributes. Who is there already is refused.

    Images are parts named `image`; of several days, `image.DAY` says which, and the user is known better.
    """
    with service.room.of(request, service.settings.body_bytes):
        asked = await _enrolment(user, request, service, same_camera)
        with service.noted("enrol", caller, user) as note:
            template = await _changing(service, note, *asked)
            note("enrolled", template=template.sha256)
    return Enrolled.of(template)


@router.post(
    "/v1/users/{user}/verify",
    responses=responses(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503),
    openapi_extra={"requestBody": {"required": True, "content": IMAGE}},
)
async def verify(
    user: User, request: Request, service: Here, caller: Annotated[Caller, _admitted("verify")]
) -> Verdict:
    """Say whether the one image in the body shows the user, and if not, why."""
    with service.room.of(request, service.settings.image_bytes):
        upload = await bodies.read_image(request, service.settings)
        with service.noted("verify", caller, user) as note:
            verdict = await service.work.do(service.operations.verify, user, upload)
            note("accepted" if verdict.accepted else "refused")
    return verdict


@router.delete("/v1/users/{user}", status_code=204, responses=responses(400, 401, 403, 404, 409, 422, 429, 503))
async def delete(user: User, service: Here, caller: Annotated[Caller, _admitted("admin")]) -> Response:
    """Take a user out: their templates and the key they were sealed by are destroyed; watches of them end."""
    with service.noted("delete", caller, user) as note:
        await _changing(service, note, service.operations.delete, user)
        note("deleted")
    return Response(status_code=204)


@router.websocket("/v1/users/{user}/watch")
async def watch(socket: WebSocket, user: User) -> None:
    """Watch a user: frames in, decisions out; see `stream`."""
    await stream.watch(socket, socket.app.state.service, user)


@router.get("/health")
async def health(service: Here) -> Health:
    """That the service is up."""
    return service.operations.health()


@router.get("/metrics", response_class=PlainTextResponse, responses=responses(401, 429))
async def prometheus(request: Request, service: Here) -> Response:
    """Counts, for Prometheus; any valid key may read them."""
    service.door.identify(request)
    gauges = {"work": service.work.at_hand, "watches": service.watches.total()}
    return Response(service.metrics.text(**gauges), media_type=metrics.CONTENT_TYPE)


async def _enrolment(user: str, request: Request, service: Service, same_camera: bool) -> tuple[Any, ...]:
    """What of `Operations` a body asks for, and with what."""
    kind = bodies.content_type(request)
    if kind == bodies.MULTIPART:
        uploads = await bodies.read_images(request, service.settings)
        return service.operations.enrol, user, uploads, same_camera
    if kind == "application/json":
        typed = _typed(await bodies.read_json(request, service.settings))
        return service.operations.enrol_typed, user, typed.attributes
    expected = f"Content-Type: expected {bodies.MULTIPART} or application/json, got {kind or 'none'}"
    raise Problem(415, "kind", expected)


async def _changing(service: Service, note: Callable[..., None], function: Callable[..., T], *asked: Any) -> T:
    """Do what changes the store: written down before, for it may be done when what comes of it cannot be written."""
    note("begun")
    given_up = Event()
    return await service.work.do(function, *asked, given_up, given_up=given_up)


def _typed(body: Any) -> Typed:
    try:
        return Typed.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise Problem(422, "invalid", f"{place}: {first['msg']}") from None


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description, with what FastAPI cannot see: the door before every address, and bodies read by hand."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        parts = schema["components"]
        parts["schemas"] |= {model.__name__: model.model_json_schema() for model in (ProblemBody, Typed)}
        parts["schemas"].pop("HTTPValidationError", None)
        parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        header = {"in": "header", "required": True}
        nonce = {"name": "X-Nonce", "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,64}$"}}
        sent = {"name": "X-Timestamp", "schema": {"type": "number"}, "description": "Unix time, in seconds"}
        for path, methods in schema["paths"].items():
            for operation in methods.values():
                operation["security"] = [] if path == "/health" else [{"key": []}]
                if path.startswith("/v1/"):
                    operation["parameters"] += [header | nonce, header | sent]
        app.openapi_schema = schema
    return app.openapi_schema
