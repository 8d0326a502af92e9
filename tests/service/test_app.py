"""The service over HTTP: who is accepted, who is refused and why, and that nothing that goes wrong ever accepts."""

import asyncio
import io
import json
import time
from dataclasses import replace

import httpx2
import numpy as np
import pytest
from PIL import Image

from lineament.authentication.readings import read
from lineament.authentication.scoring import scorer
from lineament.authentication.store import Store
from lineament.errors import JobError
from lineament.service import audit
from lineament.service.operations import Operations
from tests.service.client import headers, image, images

ANNA, BEN = 3, 11


@pytest.fixture
def client(serving):
    return serving()


def enrol(client, user, person, numbers=range(9), key=None):
    parts = images(person, numbers)
    return client.post(f"/v1/users/{user}/enrol", files=parts, headers=headers(key or client.key))


def verify(client, user, content, kind="image/png", **more):
    own = headers(client.key, **{"Content-Type": kind})
    return client.post(f"/v1/users/{user}/verify", content=content, headers=own | more)


def refused(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["type"]) == (status, f"urn:lineament:{code}")
    assert set(body) == {"type", "title", "status", "detail"}
    assert "Traceback" not in response.text
    return body["detail"]


@pytest.fixture
def anna(client, store):
    if "anna" not in store.users():
        assert enrol(client, "anna", ANNA).status_code == 201
    return "anna"


def test_the_owner_is_accepted_and_a_stranger_is_told_why_not(client, anna):
    owner = [verify(client, anna, image(ANNA, n)).json() for n in (9, 10, 11)]
    assert [answer["accepted"] for answer in owner] == [True] * 3
    assert all(answer["score"] > answer["threshold"] - 0.05 and not answer["reasons"] for answer in owner)
    stranger = verify(client, anna, image(BEN, 9)).json()
    assert not stranger["accepted"]
    assert stranger["score"] < stranger["threshold"]
    assert {reason["kind"] for reason in stranger["reasons"]} <= {"attribute", "face"}
    assert "match" in stranger["reasons"][0]["sentence"]


def test_an_answer_says_what_is_kept_and_not_the_template(client, store):
    made = enrol(client, "kim", ANNA)
    template = store.get("kim", client.get("/health").json()["model"])
    body = made.json()
    assert body["template"] == template.sha256
    assert (body["user"], body["images"], body["typed"], body["fmr"]) == ("kim", 9, False, 0.01)
    assert not set(body) & {"mean", "deviation", "attributes"}


def test_typed_attributes_enrol_and_unknown_ones_are_refused(client, store):
    wish = {"attributes": dict.fromkeys(("Eyeglasses", "Gray_Hair", "Male", "Mustache"), "yes") | {"Bangs": "any"}}
    made = client.post("/v1/users/lee/enrol", json=wish, headers=headers(client.key))
    assert made.status_code == 201, made.text
    assert made.json()["typed"]
    wrong = {"attributes": {"Eyeglases": "no"}}
    answer = client.post("/v1/users/max/enrol", json=wrong, headers=headers(client.key))
    assert "did you mean 'Eyeglasses'" in refused(answer, 422, "unusable")
    assert "max" not in store.users()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [("{", 400, "json"), ("[]", 422, "invalid"), ('{"attributes": {}}', 422, "invalid"),
     ('{"attributes": {"Male": "perhaps"}}', 422, "invalid"), ('{"attributes": {"Male": "any"}}', 422, "unusable"),
     ('{"attributes": {"Male": "yes"}, "threshold": -99}', 422, "invalid"), ("[" * 60_000, 400, "json"),
     ('{"attributes": {"Male": "yes"}}' + " " * 70_000, 413, "large")],
)  # fmt: skip
def test_wrong_typed_attributes_are_refused(client, store, body, status, code):
    own = headers(client.key, **{"Content-Type": "application/json"})
    refused(client.post("/v1/users/max/enrol", content=body, headers=own), status, code)
    assert "max" not in store.users()


def test_a_user_is_enrolled_once_and_gone_when_deleted(client, anna, store):
    before = store.get(anna, client.get("/health").json()["model"])
    refused(enrol(client, anna, BEN), 409, "enrolled")
    assert store.get(anna, before.model) == before
    assert client.delete(f"/v1/users/{anna}", headers=headers(client.key)).status_code == 204
    assert anna not in store.users()
    refused(verify(client, anna, image(ANNA, 9)), 404, "unknown")
    refused(client.delete(f"/v1/users/{anna}", headers=headers(client.key)), 404, "unknown")


def test_who_was_enrolled_by_another_process_meanwhile_is_not_replaced(client, anna, store, monkeypatch):
    before = store.get(anna, client.get("/health").json()["model"])
    monkeypatch.setattr(Operations, "enrolled", lambda *_: "")  # as it was when the request began
    refused(enrol(client, anna, BEN), 409, "enrolled")
    assert store.get(anna, before.model) == before


def test_every_address_wants_a_valid_key_of_its_scope(client, anna):
    asks = {
        "enrol": lambda key: enrol(client, "eve", ANNA, range(1), key),
        "verify": lambda key: verify(client, anna, image(ANNA, 9), **headers(key)),
        "admin": lambda key: client.delete("/v1/users/eve", headers=headers(key)),
    }
    for scope, ask in asks.items():
        others = client.keys.new(set(asks) - {scope}, 1)
        assert f"scope {scope}" in refused(ask(others), 403, "scope")
        client.keys.revoke(others[4:12])
        for wrong in (others, "lin_00000000_x", "-"):
            assert refused(ask(wrong), 401, "key")
    assert refused(client.get("/metrics"), 401, "key")
    assert client.get("/health").status_code == 200


def test_a_request_is_not_taken_twice(client, anna):
    own = headers(client.key)
    assert verify(client, anna, image(ANNA, 9), **own).json()["accepted"]
    assert "used before" in refused(verify(client, anna, image(ANNA, 9), **own), 409, "replayed")
    refused(client.delete(f"/v1/users/{anna}", headers=own), 409, "replayed")


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [("X-Nonce", "", "nonce"), ("X-Nonce", "short", "nonce"), ("X-Nonce", "a" * 65, "nonce"), ("X-Timestamp", "now",
     "timestamp"), ("X-Timestamp", "-1", "timestamp"), ("X-Timestamp", "nan", "timestamp"), ("X-Timestamp", "1",
     "stale"), ("X-Timestamp", "99999999999", "early")],
)  # fmt: skip
def test_a_request_without_nonce_and_time_of_its_own_is_refused(client, anna, header, value, code):
    refused(verify(client, anna, image(ANNA, 9), **{header: value}), 400, code)


def test_bodies_are_bounded_while_they_come(serving):
    client = serving(image_bytes=20_000, images=2)
    sent = []

    def endless():
        for _ in range(1000):
            sent.append(1)
            yield b"x" * 1000

    refused(verify(client, "anna", endless()), 413, "large")
    refused(verify(client, "anna", b"x" * 20_001), 413, "large")
    refused(verify(client, "anna", b"x", **{"Content-Length": "99999999999999999999"}), 413, "large")
    parts = [("image", ("a.png", b"x" * 20_001, "image/png"))]
    answer = client.post("/v1/users/max/enrol", files=parts, headers=headers(client.key))
    refused(answer, 413, "large")
    answer = client.post("/v1/users/max/enrol", files=images(ANNA, range(3)), headers=headers(client.key))
    assert "Too many files" in refused(answer, 400, "multipart")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [(b"x", "text/plain", 415, "kind"), (b"x", "", 415, "kind"), (b"x", "image/gif", 415, "kind"),
     (image(ANNA, 9), "image/jpeg", 415, "kind"), (image(ANNA, 9)[:-40], "image/png", 422, "unreadable"),
     (b"", "image/png", 415, "kind")],
)  # fmt: skip
def test_what_is_no_image_of_its_type_is_refused(client, anna, content, kind, status, code):
    refused(verify(client, anna, content, kind), status, code)


def test_a_body_in_another_coding_or_of_other_parts_is_refused(client, anna):
    refused(verify(client, anna, image(ANNA, 9), **{"Content-Encoding": "gzip"}), 415, "encoding")
    post = lambda **body: client.post("/v1/users/max/enrol", headers=headers(client.key), **body)  # noqa: E731
    refused(post(files=[("photo", ("a.png", image(ANNA, 9), "image/png"))]), 400, "multipart")
    refused(post(files=[("image", ("a.svg", b"<svg/>", "image/svg+xml"))]), 415, "kind")
    refused(post(data={"image": "x"}, files=images(ANNA, range(1))), 400, "multipart")
    refused(post(content=b"x"), 415, "kind")
    headless = headers(client.key, **{"Content-Type": "multipart/form-data"})
    refused(client.post("/v1/users/max/enrol", content=b"x", headers=headless), 400, "multipart")


def test_who_asks_too_often_is_told_when_to_come_back(serving):
    client = serving(rate=0.5, burst=2)
    answers = [verify(client, "nobody", b"") for _ in range(3)]
    refused(answers[2], 429, "rate")
    assert answers[2].headers["retry-after"] == "2"
    other = client.keys.new(["verify"], 1)
    refused(verify(client, "nobody", b"", **headers(other)), 404, "unknown")  # it has a bucket of its own


def test_an_address_is_limited_before_its_key_is_looked_at(serving):
    client = serving(address_rate=1, address_burst=3)
    answers = [verify(client, "nobody", b"", **headers("wrong")).status_code for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]


class Failing:
    """A detector that raises, or answers nonsense."""

    def __init__(self, detector, how):
        self.detector, self.how = detector, how

    def __getattr__(self, name):
        return getattr(self.detector, name)

    def probabilities(self, images, eyes=None):
        if self.how == "raise":
            raise RuntimeError(f"secret of {images.shape}")
        return self.detector.probabilities(images, eyes) * float(self.how)


@pytest.mark.parametrize("how", ["raise", "nan", "inf"])
def test_a_detector_that_fails_accepts_nobody(serving, seeing, anna, how):
    client = serving(detector=Failing(seeing[0], how))
    for answer in (verify(client, anna, image(ANNA, 9)), enrol(client, "eve", ANNA)):
        assert "secret" not in refused(answer, 500, "internal")
    assert client.get("/health").status_code == 200


def test_an_audit_log_that_cannot_be_written_accepts_nobody(client, anna, monkeypatch):
    def full(*arguments, **facts):
        raise JobError("/var/log/audit.jsonl: could not be written")

    monkeypatch.setattr(client.audit, "write", full)
    assert "/var" not in refused(verify(client, anna, image(ANNA, 9)), 500, "internal")


def test_what_cannot_be_written_down_is_not_done(client, anna, store, monkeypatch):
    def full(*arguments, **facts):
        raise JobError("/var/log/audit.jsonl: could not be written")

    monkeypatch.setattr(client.audit, "write", full)
    refused(enrol(client, "max", ANNA), 500, "internal")
    refused(client.delete(f"/v1/users/{anna}", headers=headers(client.key)), 500, "internal")
    assert "max" not in store.users()
    assert anna in store.users()


def test_an_enrolment_that_took_too_long_is_not_kept_afterwards(serving, seeing, store):
    class Slow(Failing):
        def probabilities(self, images, eyes=None):
            time.sleep(0.6)
            return self.detector.probabilities(images, eyes)

    client = serving(detector=Slow(seeing[0], None), work_seconds=0.2)
    refused(enrol(client, "max", ANNA, range(1)), 503, "slow")
    work = client.app.state.service.work
    while work.at_hand:
        time.sleep(0.02)
    assert "max" not in store.users()


def test_a_damaged_template_accepts_nobody(client, anna, store, monkeypatch):
    monkeypatch.setattr(Store, "get", lambda *_: (_ for _ in ()).throw(JobError("template of 'anna': damaged")))
    assert "damaged" not in refused(verify(client, anna, image(ANNA, 9)), 500, "internal")
    refused(enrol(client, "anna", BEN), 500, "internal")


def test_a_template_of_another_model_cohort_or_rate_accepts_nobody(client, anna, store, seeing):
    own = store.get(anna, seeing[1].model)
    for field, value in (("model", "0" * 64), ("cohort", "0" * 64), ("fmr", 0.02)):
        store.put(replace(own, user=field, **{field: value}))
        told = refused(verify(client, field, image(ANNA, 9)), 409, "foreign")
        assert "enrol again" in told
        refused(enrol(client, field, BEN), 409, "foreign" if field == "model" else "enrolled")
        store.delete(field)


def jpeg(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=92)
    return file.getvalue()


@pytest.mark.usefixtures("face_models")
def test_a_face_in_a_photo_is_found(serving, astronaut):
    client = serving(framed=False)
    photo = jpeg(astronaut)
    post = lambda verb, **body: client.post(f"/v1/users/eileen/{verb}", **body)  # noqa: E731
    parts = [("image", ("a.jpg", photo, "image/jpeg"))] * 2
    made = post("enrol", files=parts, headers=headers(client.key))
    assert made.status_code == 201, made.text
    own = headers(client.key, **{"Content-Type": "image/jpeg"})
    assert post("verify", content=photo, headers=own).json()["accepted"]
    twins = jpeg(np.hstack([astronaut[:320, 90:350]] * 2))
    own = headers(client.key, **{"Content-Type": "image/jpeg"})
    answer = post("verify", content=twins, headers=own).json()
    assert (answer["accepted"], answer["score"], answer["reasons"][0]["name"]) == (False, None, "several")


@pytest.mark.usefixtures("face_models")
def test_who_has_no_face_in_the_picture_is_told_so(serving, anna, store):
    client = serving(framed=False)
    nothing = jpeg(np.full((200, 200, 3), 120, np.uint8))
    own = headers(client.key, **{"Content-Type": "image/jpeg"})
    asked = {"content": nothing, "params": {"framed": "true"}}  # which is none of the caller's business
    answer = client.post(f"/v1/users/{anna}/verify", headers=own, **asked).json()
    assert (answer["accepted"], answer["score"]) == (False, None)
    assert answer["reasons"][0]["name"] == "none"
    parts = [("image", ("a.jpg", nothing, "image/jpeg"))]
    answer = client.post("/v1/users/max/enrol", files=parts, headers=headers(client.key))
    assert "image 0: No face is in the picture" in refused(answer, 422, "situation")
    assert "max" not in store.users()


def test_the_audit_log_tells_who_asked_for_whom_and_nothing_of_a_face(client, store):
    enrol(client, "zoe", ANNA)
    verify(client, "zoe", image(ANNA, 9))
    verify(client, "zoe", image(BEN, 9))
    client.get("/v1/users/zoe/verify")
    weak = client.keys.new(["verify"], 1)
    client.delete("/v1/users/zoe", headers=headers(weak))
    client.delete("/v1/users/zoe", headers=headers(client.key))
    text = client.audit.path.read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    told = [(entry["event"], entry["outcome"], entry["user"]) for entry in entries]
    assert told == [("enrol", "begun", "zoe"), ("enrol", "enrolled", "zoe"), ("verify", "accepted", "zoe"),
                    ("verify", "refused", "zoe"), ("denied", "scope", "zoe"), ("delete", "begun", "zoe"),
                    ("delete", "deleted", "zoe")]  # fmt: skip
    assert [entry["key"] for entry in entries] == [client.key[4:12]] * 4 + [weak[4:12]] + [client.key[4:12]] * 2
    known = {"number", "time", "event", "outcome", "user", "key", "address", "template", "hash"}
    assert set().union(*entries) <= known
    assert client.key[13:] not in text
    assert audit.check(client.audit.path) == client.audit.head


def test_metrics_count_without_naming_anybody(client, anna):
    verify(client, anna, image(ANNA, 9))
    verify(client, anna, image(BEN, 9))
    verify(client, anna, image(BEN, 9), **headers("wrong"))
    text = client.get("/metrics", headers=headers(client.key)).text
    for line in (
        'lineament_outcomes_total{event="verify",outcome="accepted"} 1',
        'lineament_outcomes_total{event="verify",outcome="refused"} 1',
        'lineament_outcomes_total{event="denied",outcome="key"} 1',
        'lineament_requests_total{route="/v1/users/{user}/verify",status="200"} 2',
        "lineament_work 0",
    ):
        assert line in text.splitlines()
    assert "anna" not in text
    assert client.key[4:12] not in text


def test_headers_keep_browsers_careful_and_other_origins_out(client, anna):
    answer = verify(client, anna, image(ANNA, 9), Origin="https://elsewhere.example")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    allowed = client.options("/v1/users/anna/verify", headers=asked)
    assert not [name for name in (*answer.headers, *allowed.headers) if name.startswith("access-control")]
    refused(allowed, 405, "http")


def test_openapi_describes_every_address_its_bodies_examples_and_problems(client):
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) == {
        "/v1/users/{user}/enrol", "/v1/users/{user}/verify", "/v1/users/{user}", "/health", "/metrics"
    }  # fmt: skip
    text = json.dumps(schema)
    for reference in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert reference in schema["components"]["schemas"]
    verify = schema["paths"]["/v1/users/{user}/verify"]["post"]
    assert set(verify["requestBody"]["content"]) == {"image/jpeg", "image/png"}
    assert {"X-Nonce", "X-Timestamp"} <= {parameter["name"] for parameter in verify["parameters"]}
    assert verify["security"] == [{"key": []}]
    for status in ("401", "409", "413", "415", "429", "503"):
        assert "application/problem+json" in verify["responses"][status]["content"]
    assert schema["components"]["schemas"]["Verdict"]["properties"]["score"]["examples"]
    assert schema["components"]["schemas"]["Typed"]["examples"]


def test_without_keys_only_this_machine_by_its_own_name_is_answered(serving):
    client = serving()
    client.app.state.service.door.keys = None
    own = headers()
    assert client.delete("/v1/users/nobody", headers=own).status_code == 404
    for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost:80:80"):
        refused(client.delete("/v1/users/nobody", headers=headers() | {"Host": host}), 403, "host")


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"])
def test_without_keys_what_came_through_a_proxy_is_refused(serving, name):
    client = serving()
    assert client.delete("/v1/users/nobody", headers=headers(client.key) | {name: "x"}).status_code == 404
    client.app.state.service.door.keys = None
    refused(client.delete("/v1/users/nobody", headers=headers() | {name: "x"}), 403, "proxy")


def test_a_slow_body_is_given_up(serving):
    client = serving(body_seconds=0.2)

    async def dripping():
        while True:
            yield b"x"
            await asyncio.sleep(0.05)

    async def scene():
        transport = httpx2.ASGITransport(client.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as slow:
            own = headers(client.key, **{"Content-Type": "image/png"})
            began = time.monotonic()
            answer = await slow.post("/v1/users/anna/verify", content=dripping(), headers=own)
            assert time.monotonic() - began < 2
            return answer

    refused(asyncio.run(scene()), 408, "slow")


def test_bodies_for_which_there_is_no_room_are_refused_before_they_are_read(serving):
    client, read = serving(room=100_000, image_bytes=60_000), []

    async def body():
        read.append(1)
        yield b"x"
        await asyncio.sleep(0.3)
        yield b"x"

    async def scene():
        transport = httpx2.ASGITransport(client.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:

            def post(**more):
                own = headers(client.key, **{"Content-Type": "image/png"}, **more)
                return asking.post("/v1/users/nobody/verify", content=body(), headers=own)

            first = asyncio.create_task(post())
            await asyncio.sleep(0.1)
            second, small = await asyncio.gather(post(), post(**{"Content-Length": "2"}))
            return await first, second, small

    first, second, small = asyncio.run(scene())
    assert refused(first, 404, "unknown") == refused(small, 404, "unknown")
    refused(second, 503, "busy")
    assert len(read) == 2
    assert client.app.state.service.room.taken == 0


def test_scores_are_those_of_one_face_alone(client, anna, seeing, store):
    detector, cohort = seeing
    template = store.get(anna, cohort.model)
    pixels = np.asarray(Image.open(io.BytesIO(image(BEN, 9))))
    score = scorer(cohort, template.mean, template.occasions)(read(detector, pixels, None))
    told = verify(client, anna, image(BEN, 9)).json()
    assert told["score"] == pytest.approx(float(score), abs=0.051)
    for value in (told["score"], *(reason["strength"] for reason in told["reasons"])):
        assert value == round(value, 1), "who tries one picture after another could climb by the last digits"
