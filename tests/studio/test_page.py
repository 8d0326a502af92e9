"""The page in a real browser: one edits a face, keeps the edit, goes on, and takes it back."""

import io
import socket
import threading

import numpy as np
import pytest
import uvicorn
from PIL import Image

from lineament.studio.pictures import from_data_url
from tests.studio.patches import HARM


@pytest.fixture(scope="module")
def place(app):
    """The studio on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(params=[("light", 1280, 800), ("dark", 390, 844)], ids=lambda p: f"{p[0]}-{p[1]}")
def tab(request, chromium, place):
    """The page; whatever it complains of, or asks for elsewhere, fails the test."""
    scheme, width, height = request.param
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=place)
    tab = context.new_page()
    tab.complaints = []
    tab.on("console", lambda message: tab.complaints.append(message.text))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on("request", lambda asked: asked.url.startswith((place, "data:")) or tab.complaints.append(asked.url))
    tab.goto(place)
    said(tab, "Choose an attribute")
    yield tab
    assert not tab.complaints
    context.close()


def said(tab, text):
    tab.wait_for_function("text => document.querySelector('#message').textContent.includes(text)", arg=text)


def shown(tab, part):
    """Wait until the Python says so; return what the page shows by then."""
    tab.wait_for_function("part => document.querySelector('#python').textContent.includes(part)", arg=part)
    return {
        "before": tab.get_attribute("#before", "src"),
        "after": tab.get_attribute("#after", "src"),
        "chain": tab.locator("#chain li").all_inner_texts(),
    }


def choose(tab, attribute, operation="Swap"):
    tab.get_by_text(operation, exact=True).click()
    tab.locator(".attribute", has_text=attribute).click()


def upload(tab, field, pixels, name="face.png"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    tab.set_input_files(field, {"name": name, "mimeType": "image/png", "buffer": file.getvalue()})


def test_it_fits_the_screen_and_all_pictures_show(tab):
    choose(tab, "Hat", "Diverse Swap")
    shown(tab, "sample(")
    width, height = tab.viewport_size["width"], tab.viewport_size["height"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    if width > 1000:
        assert tab.evaluate("document.documentElement.scrollHeight") <= height
    assert tab.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    keep = tab.locator("#keep").bounding_box()
    assert keep["y"] + keep["height"] <= height
    assert tab.locator(".attribute .name").all_inner_texts() == ["Eyeglasses", HARM]


def test_a_chain_of_edits_with_undo(tab):
    choose(tab, "Eyeglasses")
    first = shown(tab, "edit(image).swap('Eyeglasses').images")
    assert first["before"] != first["after"] and first["chain"] == ["Eyeglasses on (not kept yet)"]
    tab.locator("[name=strength]").fill("0.5")
    half = shown(tab, "strength=0.5")
    assert half["after"] not in (first["before"], first["after"])
    tab.locator("#keep").click()
    tab.get_by_text("Diverse Swap", exact=True).click()
    choose(tab, "Hat", "Diverse Swap")
    tab.locator("[name=strength]").fill("1")
    tab.wait_for_function("() => document.querySelectorAll('#choices button').length === 6")
    drawn = shown(tab, ".sample(")
    tab.locator("#choices button").nth(4).click()
    other = shown(tab, "seed=4).images")
    assert other["after"] != drawn["after"]
    assert other["chain"][0] == "Eyeglasses on, 50 %" and other["chain"][1].endswith("draw 5 (not kept yet)")
    tab.locator("#again").click()
    shown(tab, "seed=10).images")
    tab.locator("#keep").click()
    tab.wait_for_function("() => document.querySelector('#chain li:last-child').className === ''")
    for left in (1, 0):
        tab.locator("#undo").click()
        tab.wait_for_function("n => document.querySelectorAll('#chain li').length === n", arg=left)
    assert tab.get_attribute("#after", "src") == tab.get_attribute("#before", "src")
    assert tab.locator("#undo").is_disabled() and tab.locator("#keep").is_disabled()


def test_borrowing_from_a_face_and_from_an_upload(tab, faces, pixels):
    choose(tab, "Hat", "Borrow")
    one = shown(tab, ", reference).images")
    tab.locator("#choices button").nth(1).click()
    tab.wait_for_function("src => document.querySelector('#after').src !== src", arg=one["after"])
    without = next(face for face in faces[1:] if face.readings[1] < 0.5)
    upload(tab, "#upload-reference", from_data_url(without.image))
    said(tab, "does not see")
    assert tab.locator("#keep").is_disabled()
    tab.locator("#force").check()
    shown(tab, "force=True")
    assert tab.locator("#keep").is_enabled()


def test_borrowing_the_mean_of_several(tab, faces):
    choose(tab, "Hat", "Borrow")
    one = shown(tab, ", reference).images")
    tab.locator("#several").check()
    tab.locator("#choices button").nth(1).click()
    two = shown(tab, ", [reference_1, reference_2]).images")
    assert two["after"] != one["after"] and two["chain"][-1].endswith("borrowed from 2 (not kept yet)")
    assert tab.locator("#choices button[aria-pressed=true]").count() == 2
    tab.locator("#choices button").nth(0).click()
    second = shown(tab, ", reference).images")
    assert second["after"] not in (one["after"], two["after"])
    tab.locator("#choices button").nth(1).click()  # the last one stays
    tab.locator("#choices button").nth(0).click()
    shown(tab, ", [reference_1, reference_2]).images")
    without = next(face for face in faces[1:] if face.readings[1] < 0.5)
    upload(tab, "#upload-reference", from_data_url(without.image))
    said(tab, "in every face to borrow from")
    tab.locator("#several").uncheck()
    said(tab, "in the face to borrow from")


def test_another_face_takes_the_same_edits(tab, pixels):
    choose(tab, "Eyeglasses")
    before = shown(tab, "swap('Eyeglasses'")
    tab.locator("#keep").click()
    tab.locator("#faces button").nth(3).click()
    tab.wait_for_function("src => document.querySelector('#before').src !== src", arg=before["before"])
    upload(tab, "#upload-face", np.repeat(pixels, 2, 0), "tall.png")
    said(tab, "tall.png: its middle, brought from 32 × 64 to 32 × 32 pixels.")
    assert tab.locator("#chain li").all_inner_texts() == ["Eyeglasses on"]
    assert tab.locator("#faces button").first.get_attribute("aria-pressed") == "true"
    tab.locator("#copy").click()
    said(tab, "Copied.")
    assert "swap('Eyeglasses').images" in tab.evaluate("navigator.clipboard.readText()")


def test_another_face_is_edited_so_that_something_is_seen(tab, faces):
    without = [n for n, face in enumerate(faces) if face.readings[0] < 0.5]
    with_it = [n for n, face in enumerate(faces) if face.readings[0] > 0.5]
    choose(tab, "Eyeglasses")
    shown(tab, "swap('Eyeglasses').images")
    tab.locator("#faces button").nth(with_it[0]).click()
    off = shown(tab, "swap('Eyeglasses', on=False).images")
    assert off["before"] == faces[with_it[0]].image != off["after"]
    tab.locator("#faces button").nth(without[1]).click()
    on = shown(tab, "swap('Eyeglasses').images")
    assert on["before"] == faces[without[1]].image != on["after"]
    assert tab.get_attribute("#save-before", "href") == on["before"]
    tab.get_by_text("Borrow", exact=True).click()
    shown(tab, "borrow('Eyeglasses'")
    tab.locator("#choices button").nth(0).click()
    lender = tab.get_attribute("#choices button[aria-pressed=true] img", "src")
    tab.locator("#faces button").nth([face.image for face in faces].index(lender)).click()
    tab.wait_for_function("src => document.querySelector('#before').src === src", arg=lender)
    tab.wait_for_function("() => document.querySelector('#after').src !== document.querySelector('#before').src")


def test_the_keyboard_keeps_its_place(tab):
    tab.locator("#faces button").nth(2).focus()
    tab.keyboard.press("Enter")
    tab.wait_for_function("() => document.activeElement?.getAttribute('aria-pressed') === 'true'")
    assert tab.evaluate("document.activeElement === document.querySelectorAll('#faces button')[2]")


def test_what_fails_is_said(tab):
    tab.set_input_files("#upload-face", {"name": "note.png", "mimeType": "image/png", "buffer": b"hello"})
    said(tab, "note.png: picture: not a JPEG, PNG or WEBP file")
    tab.set_input_files("#upload-face", {"name": "big.png", "mimeType": "image/png", "buffer": b"0" * (9 << 20)})
    said(tab, "big.png: it has over 8 MB")
    tab.route("**/edit", lambda route: route.abort())
    choose(tab, "Eyeglasses")
    said(tab, "The studio does not answer")
    tab.unroute("**/edit")
    tab.locator("[name=strength]").fill("0.5")
    shown(tab, "strength=0.5")
    tab.complaints[:] = [text for text in tab.complaints if "Failed to load resource" not in text]
