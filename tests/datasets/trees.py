"""Small data sets on disk, one builder for each registered name; pixels are noise, so every image differs."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PIL import Image

GENERATOR = np.random.default_rng(0)


def write_image(path: Path, height: int = 16, width: int = 12, grey: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (height, width) if grey else (height, width, 3)
    Image.fromarray(GENERATOR.integers(0, 256, shape, dtype=np.uint8)).save(path)


def write_clip(path: Path, frames: int = 10, gop: int = 4) -> None:
    """A grey flicker with its frame number in its brightness; several key frames, and frames stored out of order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        stream.codec_context.gop_size = gop
        stream.codec_context.options = {"bf": "2", "b-adapt": "0", "sc_threshold": "0", "crf": "10", "threads": "1"}
        for number in range(frames):
            pixels = np.full((24, 32, 3), 20 * number + 10, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def idx_bytes(values: np.ndarray) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def celeba_tree(root: Path, n: int = 12, size: tuple[int, int] = (218, 178)) -> Path:
    names = [f"{i:06}.jpg" for i in range(1, n + 1)]
    for name in names:
        write_image(root / "img_align_celeba" / name, *size)
    signs = np.where(GENERATOR.random((n, 3)) < 0.5, -1, 1)
    rows = [f"{name} " + " ".join(f"{sign:2}" for sign in row) for name, row in zip(names, signs, strict=True)]
    (root / "list_attr_celeba.txt").write_text(f"{n}\nBald Eyeglasses Smiling \n" + "\n".join(rows) + "\n")
    (root / "identity_CelebA.txt").write_text("".join(f"{name} {i // 2 + 7}\n" for i, name in enumerate(names)))
    (root / "list_eval_partition.txt").write_text("".join(f"{name} {i // 2 % 3}\n" for i, name in enumerate(names)))
    return root


def idx_tree(root: Path, train: int = 24, test: int = 5) -> Path:
    raw = root / "raw"
    raw.mkdir(parents=True)
    for part, n in (("train", train), ("t10k", test)):
        images = GENERATOR.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        (raw / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images)))
        labels = (np.arange(n) % 10).astype(np.uint8)
        (raw / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    return root


def yale_b_tree(root: Path) -> Path:
    for person in ("yaleB01", "yaleB11"):
        for light in ("A+000E+00", "A-010E-20", "A+050E+00", "A+035E+40", "A+110E+15"):
            write_image(root / person / f"{person}_P00{light}.jpg", grey=True)
    write_image(root / "yaleB01" / "yaleB01_P00_Ambient.pgm", grey=True)
    return root


def orl_tree(root: Path) -> Path:
    for person in (1, 2, 10):
        for i in (1, 2):
            write_image(root / f"s{person}" / f"{i}.pgm", grey=True)
    return root


def yale_tree(root: Path) -> Path:
    for person in (1, 2):
        for condition in ("glasses", "happy", "leftlight"):
            write_image(root / f"subject{person:02}.{condition}.png", grey=True)
    return root


def mobio_tree(root: Path) -> Path:
    write_clip(root / "but/f201/01_mobile/f201_01_f02_i0_0.mp4")
    write_clip(root / "but/f201/01_laptop/f201_01_f02_i1_0.mp4")
    write_clip(root / "unis/m001/12_mobile/m001_12_p01_o0_0.mp4", frames=3)
    return root


def umdaa_tree(root: Path) -> Path:
    write_clip(root / "user01/1/enroll.mp4", frames=3)
    write_clip(root / "user01/2/scroll.mp4", frames=3)
    write_clip(root / "user02/1/enroll.mp4", frames=3)
    return root


def clips_tree(root: Path) -> Path:
    for name in ("b", "a"):
        write_clip(root / f"{name}.mkv")
    (root / "clips.csv").write_text("clip,subject,frames\nb.mkv,Ben,10\na.mkv,Anna,10\n")
    return root


def folder_tree(root: Path) -> Path:
    rows = []
    for i, person in enumerate(["anna", "anna", "ben", "ben", "cy", ""]):
        write_image(root / "faces" / f"{i}.png")
        rows.append(f"faces/{i}.png,{person},day {i % 2},{i % 2},{['1', '', '-1'][i % 3]}\n")
    (root / "labels.csv").write_text("file,identity,session,Smiling,Eyeglasses\n" + "".join(rows))
    return root


TREES: dict[str, Callable[[Path], Path]] = {
    "celeba": celeba_tree,
    "mnist": idx_tree,
    "fashion_mnist": idx_tree,
    "extended_yale_b": yale_b_tree,
    "orl": orl_tree,
    "yale": yale_tree,
    "mobio": mobio_tree,
    "umdaa01": umdaa_tree,
    "clips": clips_tree,
    "folder": folder_tree,
}
