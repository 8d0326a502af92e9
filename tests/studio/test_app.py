"""The studio's addresses: what they answer, and that nothing sent there does harm or is kept."""

import io
import json
import re

import numpy as np
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lineament.studio import app as studio
from lineament.studio.pictures import from_data_url, to_data_url
from tests.studio.patches import HARM

FILE = {"Content-Type": "application/octet-stream"}


def png(pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_the_page_stands_alone_and_escapes_what_it_shows(client, faces):
    answer = client.get("/")
    assert answer.status_code == 200
    assert HARM not in answer.text and "<b>" not in answer.text
    told = json.loads(re.search(r'<script type="application/json" id="page">(.*?)</script>', answer.text)[1])
    assert told["attributes"] == [["Eyeglasses", "Eyeglasses"], [HARM, HARM]]
    assert told["faces"] == [face._asdict() for face in faces]
    named = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert set(named) == {"data:,", "/static/studio.css", "/static/studio.js"}
    for address in [*named[1:], "/static/view.js", "/static/server.js"]:
        part = client.get(address)
        assert part.status_code == 200 and not re.search(r"https?:", part.text)
        assert part.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_edit_answers_picture_readings_and_python(client, faces):
    step = {"operation": "swap", "attribute": "Eyeglasses", "on": True}
    answer = client.post("/edit", json={"image": faces[0].image, "steps": [step]}).json()
    assert from_data_url(answer["image"]).shape == (32, 32, 3)
    assert len(answer["readings"]) == 2
    assert answer["python"].endswith("edited = edit(image).swap('Eyeglasses').images")
    assert client.post("/edit", json={"image": faces[0].image, "steps": []}).json()["image"] == faces[0].image


def test_an_upload_is_brought_to_size_and_says_so(client, pixels):
    same = client.post("/face", content=png(pixels), headers=FILE).json()
    assert same["note"] == "" and np.array_equal(from_data_url(same["image"]), pixels)
    wide = client.post("/face", content=png(np.repeat(pixels, 3, 1)[..., 0]), headers=FILE).json()
    assert (
        wide["note"] == "its middle, brought from 96 × 32 to 32 × 32 pixels, it is grey, and editors learn from colour"
    )
    assert from_data_url(wide["image"]).shape == (32, 32, 3)


def test_a_wrong_request_is_told_what_is_wrong(client, faces, pixels):
    def detail(address, status, **sent):
        answer = client.post(address, **sent)
        assert answer.status_code == status, answer.text
        return answer.json()["detail"]

    image, swap = faces[0].image, {"operation": "swap", "attribute": "Eyeglasses"}
    assert "did you mean 'Eyeglasses'" in detail(
        "/edit", 422, json={"image": image, "steps": [swap | {"attribute": "Glasses"}]}
    )
    assert "steps.0" in detail("/edit", 422, json={"image": image, "steps": [{"operation": "__init__"}]})
    assert "shout" in detail("/edit", 422, json={"image": image, "steps": [swap | {"shout": 1}]})
    assert "at most 64" in detail("/edit", 422, json={"image": image, "steps": [swap] * 65})
    assert "strength" in detail(
        "/edit", 422, content=json.dumps({"image": image, "steps": [swap | {"strength": float("nan")}]}),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    small = to_data_url(np.zeros((16, 16, 3), np.uint8))
    assert "takes 32 x 32 pixels, got 16 x 16" in detail("/edit", 422, json={"image": small, "steps": []})
    assert "expected application/octet-stream" in detail("/face", 415, files={"image": png(pixels)})
    assert "expected application/json" in detail("/edit", 415, content=b"{}", headers={"Content-Type": "text/plain"})
    assert "not a JPEG" in detail("/face", 422, content=b"GIF89a", headers=FILE)


def test_a_body_that_is_too_large_is_refused_as_it_comes(client, monkeypatch):
    monkeypatch.setattr(studio, "MAX_BYTES", 1000)
    parts = (b"0" * 100 for _ in range(11))  # sent in chunks, so that no length is announced
    assert client.post("/face", content=parts, headers=FILE).status_code == 413
    assert client.post("/edit", content=b"0" * 1001, headers={"Content-Type": "application/json"}).status_code == 413
    assert client.post("/face", content=b"0" * 1000, headers=FILE).status_code == 422


def test_it_answers_to_its_own_names_only(client):
    for host, status in [("localhost:99", 200), ("127.0.0.1:8001", 200), ("evil.example", 400)]:
        assert client.get("/", headers={"Host": host}).status_code == status


steps = st.lists(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
        lambda inner: st.dictionaries(
            st.sampled_from(["operation", "attribute", "on", "strength", "scale", "seed", "reference", "force"]), inner
        ),
        max_leaves=8,
    )
    | st.fixed_dictionaries(
        {"operation": st.sampled_from(["swap", "sample"]), "attribute": st.just("Eyeglasses")},
        optional={"strength": st.floats(), "scale": st.floats(), "seed": st.integers(), "on": st.booleans()},
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps, own=st.booleans(), extra=st.binary(max_size=60))
def test_random_requests_are_refused_or_done_in_order(app, faces, steps, own, extra):
    client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=True)
    body = json.dumps({"image": faces[0].image if own else "data:,", "steps": steps})
    answer = client.post("/edit", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 422) and "Traceback" not in answer.text
    if answer.status_code == 200:
        assert all(0 <= share <= 1 for share in answer.json()["readings"])
    for address, kind in (("/edit", "application/json"), ("/face", FILE["Content-Type"])):
        assert client.post(address, content=extra, headers={"Content-Type": kind}).status_code == 422
