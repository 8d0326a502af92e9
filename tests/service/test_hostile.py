"""Bytes made to harm, at every address: always an answer, never a failure of ours, never an acceptance."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.client import headers, image, images

ADDRESSES = ["/v1/users/{}/enrol", "/v1/users/{}/verify", "/v1/users/{}", "/v1/users/{}/watch", "/health", "/metrics",
             "/openapi.json", "/{}"]  # fmt: skip
TYPES = ["image/png", "image/jpeg", "multipart/form-data; boundary=x", "multipart/form-data", "application/json", ""]
PART = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\nContent-Type: image/png\r\n\r\n'

bodies = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=100).map(lambda noise: PART + noise + b"\r\n--x--\r\n"),
    st.binary(max_size=100).map(lambda noise: image(3, 9)[:200] + noise),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
        max_leaves=8,
    ).map(lambda value: repr({"attributes": value}).replace("'", '"').encode("utf-8", "replace")),
)
words = st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=30)


@pytest.fixture(scope="module")
def shared(seeing, tmp_path_factory):
    """One service for all examples; ``anna`` is enrolled."""
    from fastapi.testclient import TestClient

    from lineament.authentication.monitor import Policy
    from lineament.authentication.store import Store
    from lineament.service.app import create_app
    from lineament.service.keys import Keys
    from lineament.service.settings import Settings

    folder = tmp_path_factory.mktemp("hostile")
    keys = Keys(folder / "keys.sqlite", make=True)
    lively = Settings(rate=1e6, burst=1e6, address_rate=1e6, address_burst=1e6, image_bytes=100_000)
    with Store.open(folder / "store.sqlite", "correct horse", create=True) as store:
        app = create_app(*seeing, store, Policy(), lively, keys=keys, framed=True)
        with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=True) as client:
            client.key = keys.new(["enrol", "verify", "admin"], 1)
            sent = {"files": images(3, range(3)), "headers": headers(client.key)}
            assert client.post("/v1/users/anna/enrol", **sent).status_code == 201
            yield client


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"]),
    address=st.sampled_from(ADDRESSES),
    user=st.sampled_from(["eve", "", "..", "%00", "%2e%2e%2f", "a" * 201, "%F0%9F%98%80", "%ff", "a%0ab", "'--"]),
    query=st.sampled_from(["", "?framed=true", "?framed=maybe", "?framed=true&framed=false", "?%ff=%00"]),
    kind=st.sampled_from(TYPES),
    body=bodies,
    extra=st.dictionaries(
        st.sampled_from(["X-Nonce", "X-Timestamp", "Authorization", "Range", "Content-Encoding", "Expect", "Origin"]),
        words,
        max_size=2,
    ),
)
def test_random_requests_are_refused_in_order(shared, method, address, user, query, kind, body, extra):
    sent = headers(shared.key, **({"Content-Type": kind} if kind else {}))
    sent |= {name: value.encode("latin-1") for name, value in extra.items()}
    answer = shared.request(method, address.format(user) + query, content=body, headers=sent)
    assert answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
    assert '"accepted":true' not in answer.text.replace(" ", "")
    if answer.status_code >= 400 and method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=bodies, kind=st.sampled_from(TYPES[:2]))
def test_nobody_is_accepted_by_noise(shared, body, kind):
    sent = headers(shared.key, **{"Content-Type": kind})
    answer = shared.post("/v1/users/anna/verify", content=body, headers=sent)
    assert 400 <= answer.status_code < 500


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.binary(max_size=60), st.text(max_size=20)), max_size=4))
def test_random_frames_never_unlock(shared, messages):
    from starlette.websockets import WebSocketDisconnect

    sent = headers(shared.key)
    with shared.websocket_connect("/v1/users/anna/watch", headers=sent) as socket:
        try:
            for message in messages:
                socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message)
                assert '"state":"locked"' in socket.receive_text()
        except WebSocketDisconnect as end:
            assert 4400 <= end.code < 4500
