"""The verbs on a bad day: an output nobody reads, a full disk, a folder where a file belongs. Never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from lineament import cli
from lineament.cli import main
from tests.datasets.trees import celeba_tree

PROGRAM = "import sys; from lineament.cli import main; sys.exit(main(sys.argv[1:]))"
SMALL_DISK = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
"""
CHECK = ("data", "check", "celeba", "--json", "--root")


@pytest.mark.parametrize("words", [CHECK, ("--help",)], ids=["a verb", "help"])
def test_an_output_nobody_reads_is_left_in_silence(words: tuple[str, ...], tmp_path: Path) -> None:
    root = [str(celeba_tree(tmp_path))] if words == CHECK else []
    command = [sys.executable, "-c", PROGRAM, *words, *root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout and running.stderr
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 1


def test_a_full_disk_below_the_output_is_told(tmp_path: Path) -> None:
    root = celeba_tree(tmp_path / "celeba")
    with (tmp_path / "report.json").open("wb") as out:
        command = [sys.executable, "-c", SMALL_DISK + PROGRAM, *CHECK, str(root)]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True)
    assert done.stderr == "lineament: standard output: File too large\n" and done.returncode == 1


def test_a_folder_where_a_list_is_expected_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = celeba_tree(tmp_path) / "list_attr_celeba.txt"
    path.unlink()
    path.mkdir()
    assert main(["data", "check", "celeba", "--root", str(tmp_path)]) == 1
    assert (
        capsys.readouterr().err
        == f"lineament: {path}: cannot be read (Is a directory); expected one of CelebA's lists\n"
    )


def test_an_error_of_the_system_names_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.VERBS, "data list", lambda: tmp_path.read_bytes())
    assert main(["data", "list"]) == 1
    assert capsys.readouterr().err == f"lineament: {tmp_path}: Is a directory\n"
