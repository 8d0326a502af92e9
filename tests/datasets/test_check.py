"""What is broken is found and named, and the verbs say so with the right exit code."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lineament.cli import main
from lineament.datasets.celeba import celeba
from lineament.datasets.check import check
from lineament.datasets.folder import folder
from tests.datasets.trees import celeba_tree, folder_tree, idx_tree, write_image


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """CelebA with one image cut off, one missing, and one that has no label."""
    images = celeba_tree(tmp_path / "celeba") / "img_align_celeba"
    whole = (images / "000002.jpg").read_bytes()
    (images / "000002.jpg").write_bytes(whole[: len(whole) // 2])
    (images / "000005.jpg").unlink()
    write_image(images / "000099.jpg")
    (images / "notes.txt").write_text("not an image")
    return tmp_path


def test_every_fault_is_found_and_counted_once(broken: Path) -> None:
    report = check(celeba(broken / "celeba"))
    assert list(report.broken) == ["000002.jpg", "000005.jpg"]
    assert "cut off" in report.broken["000002.jpg"] and "no such file" in report.broken["000005.jpg"]
    assert [Path(path).name for path in report.unlisted] == ["000099.jpg"]
    assert report.sizes == {"218x178x3": 10} and not report.sound


def test_counts_agree_with_the_labels(tmp_path: Path) -> None:
    dataset = celeba(celeba_tree(tmp_path))
    report = check(dataset)
    assert report.people == 6 and report.splits == {"train": 4, "development": 4, "test": 4}
    for name, counts in report.attributes.items():
        assert counts == {
            "present": int((dataset.column(name) == 1).sum()),
            "absent": int((dataset.column(name) == 0).sum()),
            "unknown": 0,
        }


def test_a_person_in_two_parts_is_found(tmp_path: Path) -> None:
    root = celeba_tree(tmp_path)
    partition = root / "list_eval_partition.txt"
    partition.write_text(partition.read_text().replace("000001.jpg 0", "000001.jpg 2"))
    report = check(celeba(root))
    assert report.overlap == [7] and not report.sound


def test_a_torn_idx_file_breaks_every_image_in_it(tmp_path: Path) -> None:
    from lineament.datasets.idx import mnist

    dataset = mnist(idx_tree(tmp_path))
    path = tmp_path / "raw" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    assert list(check(dataset).broken) == [f"test/{i:05}" for i in range(5)]


def test_a_grey_image_among_colour_ones_is_found(tmp_path: Path) -> None:
    root = folder_tree(tmp_path)
    write_image(root / "faces" / "3.png", grey=True)
    report = check(folder(root))
    assert list(report.broken) == ["faces/3.png"] and "grey image among colour ones" in report.broken["faces/3.png"]
    with Image.open(root / "faces" / "3.png") as grey:
        grey.convert("RGB").save(root / "faces" / "3.png")
    assert check(folder(root)).sound, "CelebA has black-and-white photos, stored in colour"
    for i in range(6):
        write_image(root / "faces" / f"{i}.png", grey=True)
    assert check(folder(root)).sound, "a set of grey images is a sound set"


def test_data_check_names_the_files_and_fails(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "celeba", "--root", str(broken)]) == 1
    captured = capsys.readouterr()
    assert "000002.jpg" in captured.out and "000099.jpg" in captured.out and "Eyeglasses" in captured.out
    assert captured.err == "lineament: celeba: 2 broken, 1 unlisted, 0 people in two parts\n"


def test_data_check_as_json(broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "celeba", "--root", str(broken / "celeba"), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["images"] == 12 and len(report["broken"]) == 2 and report["sound"] is False
    assert main(["data", "check", "folder", "--root", str(folder_tree(tmp_path / "own")), "--json"]) == 0
    assert np.isclose(json.loads(capsys.readouterr().out)["attributes"]["Smiling"]["present"], 3)


def test_data_list_says_what_is_there(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (broken / "MNIST").mkdir()
    assert main(["data", "list", "--root", str(broken)]) == 0
    out = capsys.readouterr().out
    rows = {row.split("│")[1].strip(): row.split("│")[2:] for row in out.splitlines() if row.count("│") > 2}
    assert rows["celeba"][0].strip() == "12" and rows["celeba"][1].strip() == "yes"
    assert rows["orl"][1].strip() == "no" and rows["portraits"][1].strip() == "embedded"
    assert "no such" in out, "MNIST's folder is there but empty, and the list says why it cannot be used"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["check", "celba"], 2, "unknown data set 'celba'; did you mean 'celeba'"),
        (["check", "celeba"], 2, "pass a root (--root DIR) or set LINEAMENT_DATA"),
        (["fetch", "mnist"], 2, "pass a root (--root DIR) or set LINEAMENT_DATA"),
        (["fetch", "orl", "--root", "."], 2, "orl: cannot be fetched (only mnist, fashion_mnist can); it comes from"),
        (["fetch", "mnits", "--root", "."], 2, "did you mean 'mnist'"),
        (["check", "mnist", "--root", "."], 1, "lineament data fetch mnist"),
        (["check", "celeba", "--root", "nowhere"], 1, "nowhere: no such folder"),
        (["show", "celeba", "--out", "x.png", "--root", "."], 1, "list_attr_celeba.txt: no such file"),
    ],
)
def test_a_wrong_call_has_its_exit_code(
    words: list[str],
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("LINEAMENT_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["data", *words]) == code
    assert message in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_help_lists_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["data"]):
        with pytest.raises(SystemExit) as caught:
            main([*words, "--help"])
        assert caught.value.code == 0
        out = capsys.readouterr().out
        assert all(verb in out for verb in ("list", "check", "show"))
