import json
import re

import pytest
from PIL import Image

from lineament.cli import main
from lineament.detectors.discovery import load


@pytest.fixture(scope="module")
def folder(drawn, tmp_path_factory):
    """The portraits as a folder data set."""
    place = tmp_path_factory.mktemp("faces")
    lines = ["file,identity,split," + ",".join(drawn.attributes)]
    for i, name in enumerate(drawn.names):
        Image.fromarray(drawn.read(i)).save(place / name)
        split = ("train", "development", "test")[drawn.split[i]]
        lines.append(",".join(map(str, [name, drawn.identity[i], split, *drawn.labels[i]])))
    (place / "labels.csv").write_text("\n".join(lines))
    return place


@pytest.fixture(scope="module")
def ran(folder, trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "run"
    words = ["discover", "--data", "folder", "--root", str(folder), "--detector", str(trained[1]), "--out", str(out),
             "--clusters", "4", "--samples", "200", "--sparsity", "5"]  # fmt: skip
    assert main(words) == 0
    return out, words


def test_it_leaves_features_figures_and_sheets(ran):
    out, _ = ran
    figures = json.loads((out / "figures.json").read_text())
    assert [row["part"] for row in figures["parts"]] == ["Head", "Top"]
    for row in figures["parts"]:
        assert (
            sum(row["sizes"]) == 200
            and len(row["clusters"]) == 4
            and row["sizes"] == [c["size"] for c in row["clusters"]]
        )
        assert row["majority"] <= row["purity"] <= 1 and row["nmi"] > row["nmi_moved"] and row["nmi_unseen"] > 0
    assert figures["settings"] == {"clusters": 4, "samples": 200, "sparsity": 5, "seed": 0}
    assert load(out).card["config"]["detector_sha256"] == figures["detector"]


def test_the_page_is_self_contained_and_repeats_the_figures(ran):
    out, _ = ran
    text, figures = (out / "sheets.html").read_text(), json.loads((out / "figures.json").read_text())
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text) and text.count("data:image/webp") > 40
    explained = sum(row["explained"] for row in figures["parts"])
    assert f"{explained} of 8" in text and "lineament discover --data folder" in text


def test_called_again_it_computes_no_cluster_anew(ran, monkeypatch):
    out, words = ran
    before = (out / "discovered" / "model.safetensors").stat().st_mtime_ns
    page = (out / "sheets.html").read_bytes()
    monkeypatch.setattr("lineament.detectors.discovery_run.clustered", None)
    assert main(words) == 0
    assert (out / "discovered" / "model.safetensors").stat().st_mtime_ns == before
    assert (out / "sheets.html").read_bytes() == page


def test_dry_run_prints_and_writes_nothing(folder, trained, tmp_path, capsys):
    out = tmp_path / "run"
    words = ["discover", "--data", "folder", "--root", str(folder), "--detector", str(trained[1]), "--out", str(out)]
    assert main([*words, "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["parts"] == {"Head": 64, "Top": 64} and told["images"] == 420 and not out.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--data", "celeba"], "no detector for it comes with lineament"), (["--clusters", "1"], "clusters: expected 2"),
     (["--samples", "100", "--sparsity", "101"], "sparsity: expected 1 to 100")],
)  # fmt: skip
def test_wrong_calls_are_refused(words, said, tmp_path, capsys):
    assert main(["discover", "--out", str(tmp_path / "run"), *words]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_a_set_without_labels_is_refused(folder, trained, tmp_path, capsys):
    bare = tmp_path / "bare"
    bare.mkdir()
    paths = sorted(folder.glob("*.png"))[:90]
    for path in paths:
        (bare / path.name).symlink_to(path)
    (bare / "labels.csv").write_text("\n".join(["file,split", *(f"{path.name},train" for path in paths)]))
    words = ["discover", "--data", "folder", "--root", str(bare), "--detector", str(trained[1]), "--out", str(tmp_path)]
    assert main(words) == 2
    assert "no attribute labels" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_before_the_work(folder, trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("lineament.detectors.discovery_commands.make", None)
    (tmp_path / "file").touch()
    words = ["discover", "--data", "folder", "--root", str(folder), "--detector", str(trained[1])]
    assert main([*words, "--out", str(tmp_path / "file" / "run")]) == 1
    assert "cannot be written (Not a directory)" in capsys.readouterr().err
