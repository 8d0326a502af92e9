"""Sources: the right pictures at the right times, and clear words for everything that is none."""

import itertools
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lineament.authentication import sources
from lineament.authentication.sources import camera, clip, paced, pictures, stills, thinned
from lineament.errors import JobError, LineamentError, UsageError
from tests.datasets.trees import write_clip

LIVE = "testsrc=size=64x48:rate=30,realtime"  # a device of FFmpeg's that behaves as a camera does
BRIEF = "testsrc=size=64x48:rate=30:duration=0.2,realtime"

pytest.importorskip("av")


def test_a_clip_gives_its_frames_at_their_own_times(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", frames=10)
    times, images = zip(*clip(tmp_path / "a.mkv"), strict=True)
    assert np.diff(times) == pytest.approx(np.full(9, times[1] - times[0]), abs=2e-3)
    assert [image.mean() for image in images] == pytest.approx(20 * np.arange(10) + 10, abs=3)


def test_a_folder_gives_its_pictures_in_order_of_names_and_evenly_spaced(tmp_path: Path) -> None:
    for name, level in (("b.png", 20), ("a.jpg", 10), ("c.webp", 30)):
        Image.new("RGB", (8, 6), (level,) * 3).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    seen = [(moment, float(image.mean())) for moment, image in stills(tmp_path, rate=4)]
    assert seen == [(0.0, pytest.approx(10, abs=2)), (0.25, 20), (0.5, pytest.approx(30, abs=2))]


@given(gaps=st.lists(st.floats(0, 3), min_size=1, max_size=40), rate=st.floats(0.5, 40), began=st.floats(-1e3, 1e6))
def test_thinned_pictures_keep_the_first_and_never_crowd(gaps: list[float], rate: float, began: float) -> None:
    times = (began + np.cumsum(gaps)).tolist()
    kept = [moment for moment, _ in thinned(((moment, None) for moment in times), rate)]
    assert kept[0] == times[0] and kept == sorted(kept)
    for start in range(len(kept)):  # no more than one a period, however a window lies, but for the one it cuts
        assert sum(kept[start] <= moment < kept[start] + 1 / rate for moment in kept) <= 2
    assert kept[-1] > times[-1] - 1 / rate - 1e-3


def test_thirty_frames_a_second_at_ten_are_every_third(tmp_path: Path) -> None:
    moments = [n / 30 for n in range(30)]
    assert [m for m, _ in thinned(((m, None) for m in moments), 10)] == moments[::3]


def test_a_clip_is_played_at_its_own_speed_and_stops_in_time() -> None:
    began = time.monotonic()
    assert len(list(paced(((5 + n / 10, None) for n in range(4)), speed=2))) == 4
    assert 0.15 <= time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.mkv", "none.mkv: no such file; expected a clip"),
        ("text.mp4", r"text.mp4: not a clip that can be read \(empty, damaged, or another kind of file\)$"),
        ("empty.mkv", "empty.mkv: not a clip"),
        ("sound.mkv", "sound.mkv: has no video stream"),
        ("folder", "folder: no picture in it"),
        ("text.png", "text.png: not a JPEG"),
        ("grey.png", "grey.png: is grey"),
        ("folder.mp4", "folder.mp4: not a regular file"),
        ("https://example.org/a.mp4", "no such file"),
    ],
)
def test_what_is_no_source_is_told_so(source: str, message: str, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.mkv").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.mp4").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "grey.png")
    write_sound(tmp_path / "sound.mkv")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JobError, match=message):
        list(pictures(source, speed=float("inf")))


def write_sound(path: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))


def test_a_clip_cut_off_is_told_so_or_ends_early_but_never_crashes(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", frames=10)
    content = (tmp_path / "a.mkv").read_bytes()
    lengths = []
    for keep in range(0, len(content), max(1, len(content) // 40)):
        (tmp_path / "cut.mkv").write_bytes(content[:keep])
        try:
            lengths.append(len(list(clip(tmp_path / "cut.mkv"))))
        except LineamentError as error:
            assert "cut.mkv" in str(error)
            lengths.append(0)
    assert lengths[0] == 0 and max(lengths) <= 10


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])  # Matroska just ends; MP4 with its index in front knows
def test_a_clip_cut_in_half_says_how_many_frames_were_expected(tmp_path: Path, name: str) -> None:
    import av

    noise = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3), dtype=np.uint8)
    with av.open(str(tmp_path / name), "w", options={"movflags": "faststart"} if name == "a.mp4" else {}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for pixels in noise:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode())
    assert len(list(clip(tmp_path / name))) == 60
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(JobError, match=r"breaks off after [23]\d frames of some 60 that it should have"):
        list(clip(tmp_path / name))


@pytest.mark.parametrize("word", ["rate", "seconds", "speed"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_numbers_that_are_not_above_zero_are_refused(word: str, value: float, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"--{word}"):
        pictures(str(tmp_path), **{word: value})


def test_a_rate_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--rate: expected a finite number"):
        pictures(str(tmp_path), rate=float("inf"))


def test_a_camera_gives_the_newest_picture_and_drops_those_nobody_had_time_for() -> None:
    film = camera(LIVE, kind="lavfi")
    before = time.monotonic()
    moments = [next(film)[0]]
    time.sleep(0.4)  # twelve pictures go by
    moments += [next(film)[0] for _ in range(2)]
    film.close()
    assert before < moments[0] < moments[1] < moments[2]
    assert moments[1] - moments[0] > 0.25


def test_a_camera_that_stops_is_lost_by_name_and_its_thread_ends() -> None:
    film = camera(BRIEF, kind="lavfi")
    with pytest.raises(JobError, match="camera testsrc.*stopped sending"):
        list(film)


def test_a_silent_camera_says_so(monkeypatch) -> None:
    def silent(*_):
        yield 0.0, np.zeros((2, 2, 3), np.uint8)
        time.sleep(0.5)

    monkeypatch.setattr(sources, "_decoded", silent)
    film = list(itertools.islice(camera("0", kind="any", patience=0.1), 3))
    assert film[0][1] is not None and film[1][1] is None and film[2][1] is None
    assert 0.05 < film[2][0] - film[1][0] < 0.4


@pytest.mark.parametrize(
    ("platform", "device", "message"),
    [
        ("linux", "/dev/none", "camera /dev/none: not there"),
        ("linux", "97", "camera /dev/video97: not there"),
        ("win32", "", "Integrated Camera"),
        ("plan9", "", "unknown on plan9"),
    ],
)
def test_a_camera_that_is_not_there_is_told_so(platform: str, device: str, message: str, monkeypatch) -> None:
    monkeypatch.setattr(sources.sys, "platform", platform)
    with pytest.raises(LineamentError, match=message):
        next(camera(device))


def test_a_camera_ends_with_its_seconds(monkeypatch) -> None:
    monkeypatch.setattr(sources, "_camera_name", lambda device: (LIVE, "lavfi"))
    moments = [moment for moment, _ in pictures("camera", rate=20, seconds=0.3)]
    assert 2 <= len(moments) <= 7 and moments[-1] - moments[0] < 0.3
