"""The verb `studio` as a person calls it."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from PIL import Image

from lineament.cli import main
from tests.editing.small_editor import small_editor


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An editor as it lies on disk; what it draws is not looked at."""
    return small_editor().save(tmp_path_factory.mktemp("run") / "editor", data="folder")


@pytest.fixture
def faces_folder(dataset, tmp_path):
    """A folder data set of three people, all for testing."""
    rows = [f"{i}.png,{i},test" for i in range(3)]
    for i in range(3):
        Image.fromarray(dataset.read(2 * i)).save(tmp_path / f"{i}.png")
    (tmp_path / "labels.csv").write_text("\n".join(["file,identity,split", *rows]))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("--port 99999", 2, "--port: expected 0 to 65535"),
        ("--port {taken}", 1, "127.0.0.1:{taken}: cannot listen there"),
        ("--host 203.0.113.1", 1, "cannot listen there"),
        ("--port 0 --editor {tmp}/none", 1, "{tmp}/none"),
        ("--port 0 --editor {folder} --data celba", 2, "did you mean 'celeba'"),
        ("--port 0 --editor {folder} --data folder --root {tmp}", 1, "labels.csv"),
        ("--port 0 --editor {folder} --root {tmp}", 1, "labels.csv"),  # the editor's own set
    ],
)
def test_a_wrong_call_is_told_what_to_do(words, code, message, folder, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        known = {"tmp": tmp_path, "folder": folder, "taken": taken.getsockname()[1]}
        assert main(["studio", *words.format(**known).split()]) == code
        assert message.format(**known) in capsys.readouterr().err


def test_it_serves_until_it_is_told_to_stop(folder, faces_folder):
    words = [sys.executable, "-m", "lineament.cli", "studio", "--editor", folder, "--port", "0"]
    words += ["--root", faces_folder]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, **pipes, env=os.environ | {"OMP_NUM_THREADS": "1"}) as studio:
        try:
            told = re.match(r"the studio is at (http://127.0.0.1:\d+); Ctrl-C ends it", studio.stdout.readline())
            assert told, studio.communicate()
            with urllib.request.urlopen(told[1]) as answer:
                assert answer.status == 200 and b"Lineament" in answer.read()
                assert "Server" not in answer.headers
            studio.send_signal(signal.SIGINT)
            assert studio.wait(60) == 0
            assert studio.stderr.read() == ""
        finally:
            studio.kill()
