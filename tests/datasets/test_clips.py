"""Video: the right frame in any order, and in order no frame decoded twice."""

import os
import signal
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineament.datasets.clips import clips, frames
from lineament.errors import JobError
from tests.data_root import data_root
from tests.datasets.trees import clips_tree, write_clip


def test_frames_come_with_clip_subject_and_number(tmp_path: Path) -> None:
    dataset = clips(clips_tree(tmp_path))
    assert dataset.names[:2] == ["b.mkv:00000", "b.mkv:00001"] and len(dataset) == 20
    assert dataset.identity.tolist() == [1] * 10 + [0] * 10
    assert set(dataset.session[:10].tolist()) == {"b.mkv"}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, 19), min_size=1, max_size=12))
def test_any_order_gives_the_frame_that_was_asked_for(tmp_path: Path, order: list[int]) -> None:
    if not (tmp_path / "clips.csv").exists():
        clips_tree(tmp_path)
    dataset = clips(tmp_path)
    for i in order:
        assert dataset.read(i).mean() == pytest.approx(20 * (i % 10) + 10, abs=3)


def test_reading_in_order_decodes_each_frame_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lineament.datasets import clips as module

    opened = []
    walk = module._walk
    monkeypatch.setattr(module, "_walk", lambda path, first: opened.append((path.name, first)) or walk(path, first))
    dataset = clips(clips_tree(tmp_path))
    for i in range(20):
        dataset.read(i)
    assert opened == [("b.mkv", 0), ("a.mkv", 0)]


def test_a_fork_opens_a_decoder_of_its_own(tmp_path: Path) -> None:
    dataset = clips(clips_tree(tmp_path))
    dataset.read(0)
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(10)  # a decoder that waits for its parent's threads waits for ever
        os.write(writer, dataset.read(1).tobytes()[:1])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert abs(os.read(reader, 1)[0] - 30) <= 3
    assert dataset.read(1).mean() == pytest.approx(30, abs=3)
    os.close(reader)
    os.close(writer)


def test_one_folder_a_subject(tmp_path: Path) -> None:
    write_clip(tmp_path / "ben" / "x.mp4", frames=3)
    write_clip(tmp_path / "anna" / "x.mp4", frames=2)
    dataset = clips(tmp_path)
    assert dataset.names == ["anna/x.mp4:00000", "anna/x.mp4:00001"] + [f"ben/x.mp4:0000{i}" for i in range(3)]
    assert dataset.identity.tolist() == [0, 0, 1, 1, 1]


def test_frames_yields_the_whole_clip(tmp_path: Path) -> None:
    write_clip(tmp_path / "x.mkv", frames=7)
    levels = [image.mean() for image in frames(tmp_path / "x.mkv")]
    np.testing.assert_allclose(levels, 20 * np.arange(7) + 10, atol=3)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("clip,person\na.mkv,Anna\n", "clips.csv: has no column 'subject'; found clip, person"),
        ("clip,subject\n../a.mkv,Anna\n", r"clips.csv: image 1 is named '\.\./a.mkv'"),
        ("clip,subject\ngone.mkv,Anna\n", "gone.mkv: not a readable video"),
        ("clip,subject,frames\na.mkv,Anna,many\n", "clips.csv: line 2, column frames: 'many'"),
        ("clip,subject\nclips.csv,Anna\n", "clips.csv: not a readable video"),
    ],
)
def test_a_bad_table_is_refused(tmp_path: Path, table: str, message: str) -> None:
    clips_tree(tmp_path)
    (tmp_path / "clips.csv").write_text(table)
    with pytest.raises(JobError, match=message):
        clips(tmp_path)


def test_more_frames_listed_than_there_are(tmp_path: Path) -> None:
    clips_tree(tmp_path)
    (tmp_path / "clips.csv").write_text("clip,subject,frames\na.mkv,Anna,11\n")
    with pytest.raises(JobError, match="a.mkv: has 10 frames, frame 10 was listed; cut off"):
        clips(tmp_path).read(10)


def test_sound_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "anna" / "voice.mp4"
    path.parent.mkdir()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 16000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    with pytest.raises(JobError, match="voice.mp4: has no video stream"):
        clips(tmp_path)


def test_the_real_clips_have_the_frames_their_table_says() -> None:
    dataset = clips(data_root("face_video"))
    first = dataset.session == "again.mkv"
    decoded = list(frames(dataset.sources[0]))
    assert len(decoded) == first.sum() == 77
    for i in (0, 40, 12, 76):
        np.testing.assert_array_equal(dataset.read(i), decoded[i])
