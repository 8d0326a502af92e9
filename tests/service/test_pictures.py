"""Uploaded images: what is taken is read as the rest of the package reads it, what is made to harm is refused."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lineament.images import read_image
from lineament.service.pictures import decoded
from lineament.service.problems import Problem

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def images():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    yield Image.fromarray(PIXELS), "PNG", {}
    yield Image.fromarray(PIXELS), "JPEG", {"exif": exif}
    yield Image.fromarray(PIXELS).convert("CMYK"), "JPEG", {}
    yield Image.fromarray(np.dstack([PIXELS, PIXELS[..., :1]])), "PNG", {}
    yield Image.fromarray(PIXELS).convert("P"), "PNG", {}


@pytest.mark.parametrize(("image", "kind", "options"), [*images()])
def test_an_image_is_read_as_from_a_file(image, kind, options, tmp_path):
    content = encoded(image, kind, **options)
    (tmp_path / "image").write_bytes(content)
    expected = read_image(tmp_path / "image")
    assert np.array_equal(decoded(content, f"image/{kind.lower()}", 100), expected)


@pytest.mark.parametrize("grey", [PIXELS[..., 0], PIXELS[..., 0].astype(np.uint16) * 257, PIXELS[..., 0] > 99])
def test_a_grey_image_is_refused(grey):
    with pytest.raises(Problem, match="grey") as refusal:
        decoded(encoded(Image.fromarray(grey), "PNG"), "image/png", 100)
    assert refusal.value.status == 422


def bomb(side: int) -> bytes:
    """A PNG of side * side black pixels in a few bytes a row."""
    chunk = lambda name, data: len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)  # noqa: E731
    head = side.to_bytes(4) * 2 + bytes([1, 0, 0, 0, 0])
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [4001, 12_000, 60_000, 2**31 - 1])
def test_a_bomb_is_refused_by_its_head(side):
    with pytest.raises(Problem, match="over 16,000,000 pixels") as refusal:
        decoded(bomb(side), "image/png", 16_000_000)
    assert refusal.value.status == 413


def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded():
    usual = encoded(Image.fromarray(np.tile(PIXELS, (100, 100, 1))), "JPEG", progressive=True)
    assert decoded(usual, "image/jpeg", 1_000_000).shape == (600, 400, 3)
    last = usual[usual.rindex(b"\xff\xda") : -2]
    with pytest.raises(Problem, match="over 100 scans") as refusal:
        decoded(usual[:-2] + last * 2000 + usual[-2:], "image/jpeg", 1_000_000)
    assert refusal.value.status == 422
    noise = encoded(Image.fromarray(PIXELS), "PNG") + b"\xff\xda" * 200  # in a PNG these bytes mean nothing
    assert decoded(noise, "image/png", 100).shape == (6, 4, 3)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [(encoded(Image.fromarray(PIXELS), "PNG"), "image/jpeg", 415), (encoded(Image.fromarray(PIXELS), "GIF"),
     "image/png", 415), (b"", "image/png", 415), (b"%!PS-Adobe", "image/jpeg", 415),
     (encoded(Image.fromarray(PIXELS), "PNG")[:-30], "image/png", 422), (bomb(100), "image/png", 422)],
)  # fmt: skip
def test_what_is_no_such_image_is_refused(content, kind, status):
    with pytest.raises(Problem) as refusal:
        decoded(content, kind, 16_000_000)
    assert refusal.value.status == status


@given(st.sampled_from(["image/png", "image/jpeg"]), st.binary(max_size=80), st.integers(0, 200))
def test_hostile_bytes_are_refused_and_nothing_else(kind, noise, place):
    whole = encoded(Image.fromarray(PIXELS), KIND[kind])
    spoilt = whole[: place % len(whole)] + noise + whole[place % len(whole) + len(noise) :]
    try:
        assert decoded(spoilt, kind, 100).shape[2] == 3
    except Problem as problem:
        assert problem.status in (413, 415, 422)


KIND = {"image/png": "PNG", "image/jpeg": "JPEG"}
