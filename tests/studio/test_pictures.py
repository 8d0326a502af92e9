"""Uploads are read as the rest of the package reads files; what is made to harm is refused, and told."""

import contextlib
import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lineament.errors import UsageError
from lineament.images import read_image
from lineament.studio.pictures import PREFIX, decoded, from_data_url, to_data_url

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def images():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    yield Image.fromarray(PIXELS), "PNG", {}
    yield Image.fromarray(PIXELS), "WEBP", {}
    yield Image.fromarray(PIXELS), "JPEG", {"exif": exif}
    yield Image.fromarray(np.dstack([PIXELS, PIXELS[..., :1]])), "PNG", {}
    yield Image.fromarray(PIXELS).convert("P"), "PNG", {}


@pytest.mark.parametrize(("image", "kind", "options"), [*images()])
def test_a_picture_is_read_as_from_a_file(image, kind, options, tmp_path):
    content = encoded(image, kind, **options)
    (tmp_path / "image").write_bytes(content)
    pixels, grey = decoded(content)
    assert np.array_equal(pixels, read_image(tmp_path / "image")) and not grey


def test_a_grey_picture_is_told():
    pixels, grey = decoded(encoded(Image.fromarray(PIXELS[..., 0]), "PNG"))
    assert grey and np.array_equal(pixels, np.repeat(PIXELS[..., :1], 3, 2))


def bomb(side: int) -> bytes:
    """A PNG of side * side black pixels in a few bytes a row."""
    chunk = lambda name, data: len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)  # noqa: E731
    head = side.to_bytes(4) * 2 + bytes([1, 0, 0, 0, 0])
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [4001, 12_000, 60_000, 2**31 - 1])
def test_a_bomb_is_refused_by_its_head(side):
    with pytest.raises(UsageError, match="over 16,000,000 pixels"):
        decoded(bomb(side))


def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded():
    usual = encoded(Image.fromarray(np.tile(PIXELS, (100, 100, 1))), "JPEG", progressive=True)
    assert decoded(usual)[0].shape == (600, 400, 3)
    last = usual[usual.rindex(b"\xff\xda") : -2]
    with pytest.raises(UsageError, match="over 100 scans"):
        decoded(usual[:-2] + last * 2000 + usual[-2:])


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a JPEG, PNG or WEBP"), (b"%!PS-Adobe", "not a JPEG"),
     (bomb(100), "^picture: not a readable image"), (encoded(Image.fromarray(PIXELS), "GIF"), "not a JPEG"),
     (encoded(Image.fromarray(PIXELS), "PNG")[:-30], "cut off")],
)  # fmt: skip
def test_what_is_no_picture_is_refused(content, message):
    with pytest.raises(UsageError, match=message):
        decoded(content)


@settings(deadline=None)  # WEBP takes its time on a busy machine
@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.binary(max_size=80), st.integers(0, 200))
def test_hostile_bytes_are_refused_and_nothing_else(kind, noise, place):
    whole = encoded(Image.fromarray(PIXELS), kind)
    spoilt = whole[: place % len(whole)] + noise + whole[place % len(whole) + len(noise) :]
    with contextlib.suppress(UsageError):
        assert decoded(spoilt)[0].shape[2] == 3


def test_a_data_url_gives_back_its_pixels():
    assert np.array_equal(from_data_url(to_data_url(PIXELS)), PIXELS)


@pytest.mark.parametrize("url", ["", "https://example.org/x.png", f"{PREFIX}%%%%", f"{PREFIX}ä", f"{PREFIX}AAAA"])
def test_other_addresses_are_refused(url):
    with pytest.raises(UsageError, match="picture"):
        from_data_url(url)
