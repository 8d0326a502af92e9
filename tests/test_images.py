"""Images at the door: what is a batch and what is not; files of every kind, and files made to harm."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lineament.errors import JobError, UsageError
from lineament.images import FORMATS, MAX_PIXELS, check_images, read_image, to_batch, to_uint8

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOSSLESS = ("PNG", "BMP", "TIFF", "PPM")

ramp = np.stack(np.meshgrid(np.arange(0, 240, 20), np.arange(0, 240, 30), indexing="xy"), 2).astype(np.uint8)
COLOUR = np.concatenate([ramp, 255 - ramp[:, :, :1]], 2)  # (8, 12, 3), no two pixels alike


def encoded(pixels: NDArray[Any], kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


FILES = {kind: encoded(COLOUR, kind) for kind in FORMATS}


def read(raw: bytes, folder: Path) -> NDArray[np.uint8]:
    (folder / "photo.img").write_bytes(raw)
    return read_image(folder / "photo.img")


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(kind: str, tmp_path: Path) -> None:
    pixels = read(FILES[kind], tmp_path)
    assert pixels.shape == (8, 12, 3) and pixels.dtype == np.uint8
    if kind in LOSSLESS:
        assert np.array_equal(pixels, COLOUR)
    else:  # the mean survives a lossy format or a palette
        assert np.abs(pixels.mean((0, 1)) - COLOUR.mean((0, 1))).max() < 12


@QUICK
@given(
    kind=st.sampled_from(FORMATS),
    kept=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=6),
    tail=st.binary(max_size=8),
)
@example(kind="PNG", kept=0.0, flips=[], tail=b"")
def test_harmed_files_are_read_or_refused_by_name(
    kind: str, kept: float, flips: list[tuple[float, int]], tail: bytes, tmp_path: Path
) -> None:
    raw = bytearray(FILES[kind][: int(kept * len(FILES[kind]))])
    for place, flip in flips if raw else []:
        raw[int(place * len(raw))] ^= flip
    try:
        pixels = read(bytes(raw) + tail, tmp_path)
    except JobError as error:
        assert str(error).startswith(str(tmp_path / "photo.img"))
    else:
        assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_cut_in_half_is_refused(kind: str, tmp_path: Path) -> None:
    noise = encoded(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), kind)
    with pytest.raises(JobError, match=r"photo\.img: not "):
        read(noise[: len(noise) // 2], tmp_path)


@QUICK
@given(
    raw=st.binary(max_size=400), head=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"P6 "])
)
def test_garbage_is_refused_by_name(raw: bytes, head: bytes, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"photo\.img: "):
        read(head + raw, tmp_path)


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a.transpose(1, 0, 2), 2)),
        (8, lambda a: np.rot90(a)),
    ],
)
def test_exif_rotation_is_applied(
    orientation: int, turned: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read(encoded(COLOUR, "PNG", exif=exif), tmp_path), turned(COLOUR))


def test_broken_exif_is_no_traceback(tmp_path: Path) -> None:
    raw = encoded(COLOUR, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")
    try:
        assert read(raw, tmp_path).shape == (8, 12, 3)
    except JobError as error:  # warnings are errors here; elsewhere it is read
        assert "photo.img" in str(error)


@pytest.mark.parametrize("depth", [8, 16])
def test_grey_becomes_three_equal_channels_of_eight_bits(depth: int, tmp_path: Path) -> None:
    grey = np.array([[0, 100, 255]], dtype=np.uint8)
    raw = encoded(grey if depth == 8 else grey.astype(np.uint16) * 257, "PNG")
    assert np.array_equal(read(raw, tmp_path), np.repeat(grey[:, :, None], 3, 2))


def test_black_and_white_and_cmyk(tmp_path: Path) -> None:
    assert np.array_equal(read(encoded(np.eye(3, dtype=bool), "PNG"), tmp_path)[:, :, 0], np.eye(3) * 255)
    buffer = io.BytesIO()
    Image.new("CMYK", (4, 4), (255, 0, 0, 0)).save(buffer, "TIFF")
    red, green, blue = read(buffer.getvalue(), tmp_path)[0, 0]
    assert red < 50 and green > 150 and blue > 150


def test_pixels_of_unknown_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no known range; save it with 8 or 16"):
        read(encoded(np.full((4, 4), 0.5, dtype=np.float32), "TIFF"), tmp_path)


def test_transparency_is_put_on_white(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), dtype=np.uint8)
    rgba[0, :, 3] = [0, 51, 255]  # black: clear, a fifth, solid
    assert read(encoded(rgba, "PNG"), tmp_path)[0, :, 0].tolist() == [255, 204, 0]
    palette = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "L").convert("P")
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", transparency=0)
    assert read(buffer.getvalue(), tmp_path)[0, 0].tolist() == [255, 255, 255]


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it is this large."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [8001, 10_000, 60_000], ids=["ours", "Pillow's warning", "Pillow's error"])
def test_bombs_are_refused_unread(side: int, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=rf"photo\.img: over {MAX_PIXELS:,} pixels"):
        read(bomb(side, side), tmp_path)


@pytest.mark.parametrize("kind", ["nothing", "a folder", "a pipe"])
def test_what_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.img"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    with pytest.raises(JobError, match=r"photo\.img: no such file" if kind == "nothing" else "not a regular file"):
        read_image(path)


def test_formats_that_start_other_programs_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"photo\.img: not a JPEG, PNG, WEBP, GIF, BMP, TIFF or PPM file"):
        read(encoded(COLOUR, "EPS"), tmp_path)


def test_bytes_survive_the_way_to_floats_and_back() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, 3)
    batch = to_batch(pixels)
    assert batch.shape == (1, 3, 16, 16) and batch.is_contiguous()
    assert batch.dtype == torch.float32 and (batch.min(), batch.max()) == (0, 1)
    assert np.array_equal(to_uint8(batch), pixels)


def test_to_batch_copies_and_puts_channels_first() -> None:
    pixels = COLOUR[None].copy()
    pixels.flags.writeable = False  # as Pillow gives them
    batch = to_batch(pixels)
    assert batch[0, 2, 3, 4] == pixels[0, 3, 4, 2] / np.float32(255)
    batch.zero_()
    assert pixels.any()
    assert np.array_equal(to_uint8(to_batch(pixels[:, ::-1, ::-1])), pixels[:, ::-1, ::-1])


@pytest.mark.parametrize("pixels", [COLOUR, COLOUR[None] / 255, COLOUR[None, :, :, :2], COLOUR[None].astype(np.int16)])
def test_to_batch_refuses_what_are_no_pixels(pixels: NDArray[Any]) -> None:
    with pytest.raises(UsageError, match=r"pixels: expected uint8 \(batch, height, width, 1 or 3 channels\), got"):
        to_batch(pixels)


@pytest.mark.parametrize("images", [torch.rand(2, 3, 4, 5), torch.zeros(1, 1, 1, 1), torch.zeros(0, 3, 8, 8)])
def test_image_batches_pass_unchanged(images: Tensor) -> None:
    assert check_images(images) is images


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        (np.zeros((1, 3, 4, 4), np.float32), "expected a torch tensor, got ndarray; see images.to_batch"),
        (torch.rand(3, 4, 4), r"got shape \(3, 4, 4\)"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), "got torch.uint8; divide uint8 pixels by 255"),
        (torch.rand(1, 4, 4, 3), r"1 or 3 channels in dimension 1, got shape \(1, 4, 4, 3\)"),
        (torch.full((1, 1, 2, 2), 1.5), r"values in \[0, 1\], got \[1.5, 1.5\]"),
        (torch.full((1, 1, 2, 2), -0.1), r"got \[-0.1, -0.1\]"),
        (torch.tensor([[[[0.5, float("nan")]]]]), "NaN counts as outside"),
    ],
)
def test_other_things_are_refused_saying_what_came(images: Any, reason: str) -> None:
    with pytest.raises(UsageError, match=f"^faces: .*{reason}"):
        check_images(images, name="faces")


def test_the_one_legal_channel_count() -> None:
    assert check_images(torch.rand(1, 1, 2, 2), channels=1).shape[1] == 1
    with pytest.raises(UsageError, match=r"expected colour images \(3 channels\), got 1 channel"):
        check_images(torch.rand(1, 1, 2, 2), channels=3)
