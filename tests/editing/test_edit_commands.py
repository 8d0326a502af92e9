"""The verbs of editing, run as a person runs them: what is written and told, and what is refused."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from lineament.cli import main
from lineament.editing import edit_report
from lineament.editing.edit_report import Edited
from lineament.editing.editor import load
from lineament.editing.operations import edit
from lineament.images import read_image, to_batch, to_uint8
from tests.editing.seeing import seeing_editor, some_images

NAMES = ("Bangs", "Eyeglasses", "Wearing_Hat")
SIZE = 32


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder data set of noise on grounds of different colour, labelled with Eyeglasses by the toy editor."""
    folder, pixels = tmp_path_factory.mktemp("data"), to_uint8(some_images(32, SIZE))
    images = to_batch(pixels)
    seeing_editor(images, NAMES).save(folder / "run" / "editor", data="noise", licence="free")
    editor = load(folder / "run")
    seen = (editor.present(editor.encode(images))[:, 1] > 0).tolist()
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "Eyeglasses", "split"])
        for i in range(len(images)):
            Image.fromarray(pixels[i]).save(folder / f"{i:02d}.png")
            writer.writerow([f"{i:02d}.png", int(seen[i]), "test"])
    return folder


@pytest.fixture
def editor(data):
    return load(data / "run")


def pictures(data, editor, name, shown, count):
    """Files of which the editor says that they show, or do not show, an attribute."""
    paths = sorted(data.glob("*.png"))
    images = to_batch(np.stack([read_image(path) for path in paths]))
    odds = editor.present(editor.encode(images))[:, editor.attributes.index(name)]
    return [path for path, value in zip(paths, odds.tolist(), strict=True) if (value > 0) == shown][:count]


def read(path):
    return to_batch(read_image(path)[None])


def equal(path, image):
    return np.array_equal(read_image(path), to_uint8(image)[0])


def test_swap_writes_what_python_gives_a_grid_and_what_the_editor_reads(data, editor, tmp_path, capsys):
    paths, out = sorted(data.glob("*.png"))[:2], tmp_path / "edits"
    words = ["edit", "swap", *map(str, paths), "--on", "Eyeglasses", "--off", "Bangs", "--strength", "0.5"]
    assert main([*words, "--editor", str(data / "run"), "--out", str(out)]) == 0
    done = edit(read(paths[0]), editor).swap("Eyeglasses", strength=0.5).swap("Bangs", False, strength=0.5)
    assert equal(out / "images" / paths[0].name, done.images)
    facts = json.loads((out / "edits.json").read_text())
    assert facts["operation"] == (
        "edit(images).swap('Eyeglasses', True, strength=0.5).swap('Bangs', False, strength=0.5)"
    )
    editor = facts["editor"]
    assert editor["data"] == "noise" and editor["licence"] == "free" and len(editor["weights_sha256"]) == 64
    row = facts["images"][0]
    assert row["file"] == f"images/{paths[0].name}" and row["image"] == str(paths[0])
    assert row["after"]["Bangs"] == pytest.approx(float(done.presence[0, 0]), abs=1e-3)
    assert row["change"] == pytest.approx(float((done.images - done.originals).abs().mean()), abs=1e-4)
    with Image.open(out / "grid.png") as grid:
        assert grid.height > 2 * 128
    told = capsys.readouterr()
    assert "Eyeglasses" in told.out and "2 images edited" in told.err


def test_sample_writes_each_draw_and_repeats_by_seed(data, editor, tmp_path, capsys):
    path = sorted(data.glob("*.png"))[3]
    words = ["edit", "sample", str(path), "--on", "Eyeglasses", "Wearing_Hat", "--count", "3", "--scale", "0.5"]
    for out, seed in (("a", "4"), ("b", "4"), ("c", "5")):
        flags = ["--seed", seed, "--out", str(tmp_path / out), "--editor", str(data / "run"), "--json"]
        assert main([*words, *flags]) == 0
        rows = json.loads(capsys.readouterr().out)["images"]
        assert [row["variant"] for row in rows] == ["draw 1", "draw 2", "draw 3"]
    files = [f"images/{path.stem}-draw-{k}.png" for k in (1, 2, 3)]
    first, again, other = ([(tmp_path / out / file).read_bytes() for file in files] for out in ("a", "b", "c"))
    assert first == again and len({*first, *other}) == 6
    done = edit(read(path), editor).sample("Eyeglasses", count=3, scale=0.5, seed=4)
    assert equal(tmp_path / "a" / files[2], done.sample("Wearing_Hat", scale=0.5, seed=4)[[2]].images)


def test_borrow_from_each_reference_and_from_their_mean(data, editor, tmp_path):
    references = pictures(data, editor, "Eyeglasses", True, 2)
    (query,) = pictures(data, editor, "Eyeglasses", False, 1)
    words = ["edit", "borrow", str(query), "--attributes", "Eyeglasses", "--editor", str(data / "run"), "--reference",
             *map(str, references)]  # fmt: skip
    assert main([*words, "--out", str(tmp_path / "each")]) == 0
    for reference in references:
        done = edit(read(query), editor).borrow("Eyeglasses", read(reference))
        assert equal(tmp_path / "each" / "images" / f"{query.stem}-from-{reference.name}.png", done.images)
    assert main([*words, "--mean", "--out", str(tmp_path / "mean")]) == 0
    done = edit(read(query), editor).borrow("Eyeglasses", [read(reference) for reference in references])
    assert equal(tmp_path / "mean" / "images" / query.name, done.images)


def test_borrow_draws_queries_without_and_references_with_the_attribute(data, editor, tmp_path, capsys):
    words = f"edit borrow --data folder --root {data} --n 5 --attributes Eyeglasses --editor {data / 'run'} --json"
    assert main([*words.split(), "--out", str(tmp_path / "grid.png")]) == 0
    told = json.loads(capsys.readouterr().out)
    rows, seen = told["images"], {path.name for path in pictures(data, editor, "Eyeglasses", True, 99)}
    assert len(rows) == 5 and all(row["before"]["Eyeglasses"] < 0.5 for row in rows)
    assert len(set(told["references"])) == 5 and set(told["references"]) <= seen
    assert list(tmp_path.iterdir()) == [tmp_path / "grid.png"]  # the grid alone


def test_test_images_are_drawn_by_seed_among_those_that_lack_it(data, tmp_path, capsys):
    drawn = []
    for k, seed in enumerate((0, 0, 1)):
        words = f"edit swap --data folder --root {data} --n 4 --off Eyeglasses --editor {data / 'run'} --seed {seed}"
        assert main([*words.split(), "--json", "--out", str(tmp_path / f"{k}.png")]) == 0
        rows = json.loads(capsys.readouterr().out)["images"]
        assert all(row["before"]["Eyeglasses"] > 0.5 for row in rows)
        drawn.append([row["image"] for row in rows])
    assert drawn[0] == drawn[1] != drawn[2]


def test_one_bad_picture_does_not_lose_the_others(data, tmp_path, capsys):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    words = ["edit", "swap", str(data / "00.png"), str(tmp_path / "bad.png"), "--on", "Bangs", "--editor",
             str(data / "run"), "--out", str(tmp_path / "out")]  # fmt: skip
    assert main(words) == 1
    assert (tmp_path / "out" / "images" / "00.png").is_file() and "bad.png" in capsys.readouterr().err


def test_fit_takes_what_is_refused_without_it(data, tmp_path, capsys):
    grey = tmp_path / "grey.png"
    Image.fromarray(torch.randint(0, 256, (40, 30), dtype=torch.uint8).numpy()).save(grey)
    words = ["edit", "swap", str(grey), "--on", "Bangs", "--editor", str(data / "run"), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "30 x 40 pixels, and the editor takes 32 x 32" in capsys.readouterr().err
    assert main([*words, "--fit"]) == 0
    assert read_image(tmp_path / "out" / "images" / "grey.png").shape == (SIZE, SIZE, 3)


def test_a_dry_run_fails_on_what_the_run_would_fail_on(data, tmp_path, capsys):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    words = ["edit", "swap", str(data / "00.png"), str(tmp_path / "bad.png"), "--on", "Bangs", "--editor",
             str(data / "run"), "--out", str(tmp_path / "out"), "--dry-run"]  # fmt: skip
    assert main(words) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["images"] == [str(data / "00.png")] and "bad.png" in told.err


def test_a_picture_is_not_written_over_by_its_edit(data, tmp_path, capsys):
    face = tmp_path / "face.png"
    face.write_bytes((data / "00.png").read_bytes())
    words = ["edit", "swap", str(face), "--on", "Bangs", "--editor", str(data / "run"), "--out", str(face)]
    assert main(words) == 2
    assert "exists already; name a new file" in capsys.readouterr().err
    assert face.read_bytes() == (data / "00.png").read_bytes()


def test_a_reference_that_is_named_twice_is_borrowed_from_once(data, editor, tmp_path):
    (reference,) = pictures(data, editor, "Eyeglasses", True, 1)
    (query,) = pictures(data, editor, "Eyeglasses", False, 1)
    words = ["edit", "borrow", str(query), "--attributes", "Eyeglasses", "--editor", str(data / "run"), "--out",
             str(tmp_path / "out"), "--reference", str(reference), str(reference)]  # fmt: skip
    assert main(words) == 0
    assert len(list((tmp_path / "out" / "images").iterdir())) == 1


def test_paths_and_attributes_with_brackets_are_told_as_they_are(data, tmp_path, capsys):
    images = some_images(4, SIZE)
    seeing_editor(images, ("[/x]", "[red]")).save(tmp_path / "run" / "editor")
    folder = tmp_path / "[" / "red]"
    folder.mkdir(parents=True)
    words = ["edit", "swap", str(data / "00.png"), "--on", "[/x]", "--editor", str(tmp_path / "run"), "--out",
             str(tmp_path / "[" / "x]")]  # fmt: skip
    assert main(words) == 0
    told = capsys.readouterr()
    assert "[/x]" in told.out and f"1 images edited: {tmp_path}/[/x]" in told.err


def test_test_images_keep_their_folders_in_what_is_written(data, editor, tmp_path):
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "set" / "a" / "0.png").write_bytes((data / "00.png").read_bytes())
    (tmp_path / "set" / "labels.csv").write_text("file,Bangs,split\na/0.png,0,test\n")
    words = (
        f"edit swap --data folder --root {tmp_path / 'set'} --on Bangs --editor {data / 'run'} --out {tmp_path / 'out'}"
    )
    assert main(words.split()) == 0
    (row,) = json.loads((tmp_path / "out" / "edits.json").read_text())["images"]
    assert row["image"] == "a/0.png" and row["file"] == "images/0.png"


def test_one_line_warns_of_edits_that_are_not_read_and_of_what_was_there_before(data, editor, tmp_path, capsys):
    with_it, without = (pictures(data, editor, "Eyeglasses", shown, 1)[0] for shown in (True, False))
    words = ["edit", "swap", str(with_it), str(without), "--on", "Eyeglasses", "--strength", "0", "--editor",
             str(data / "run"), "--out", str(tmp_path / "out")]  # fmt: skip
    assert main(words) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "1 of 2 were not read as meant by the editor itself; 1 of 2 images were so before"


def test_a_grid_has_no_more_columns_than_rows_and_says_so(data, editor, tmp_path, monkeypatch):
    begun, captions = edit(read(data / "00.png"), editor), []
    monkeypatch.setattr(
        edit_report, "write_grid", lambda path, columns, names, caption, given: captions.append((len(columns), caption))
    )
    edited = Edited(["a"], begun, {"Bangs": True}, {f"draw {k}": begun for k in range(30)}, {"input": begun.images})
    edit_report.write(edited, tmp_path / "grid.png", {}, "Draws.")
    assert captions == [(1 + 24, "Draws. The first 24 of 30 edits of each.")]


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(data, tmp_path, capsys):
    words = f"edit sample {data / '00.png'} --on Bangs --count 2 --editor {data / 'run'} --out {tmp_path / 'x'}"
    assert main([*words.split(), "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["operation"] == "edit(images).sample('Bangs', True, count=2)" and told["variants"] == [
        "draw 1",
        "draw 2",
    ]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("swap {one}", 2, "--on, --off: name at least one attribute"),
        ("swap {one} --on Eyeglases", 2, "did you mean 'Eyeglasses'"),
        ("swap {one} --on Beard", 2, "known: Bangs, Eyeglasses, Wearing_Hat"),
        ("swap {one} --on Bangs --off Bangs", 2, "Bangs is named twice"),
        ("swap {one} --on Bangs --strength 1.5", 2, "strength: expected a share of the way in [0, 1], got 1.5"),
        ("sample {one} --on Bangs --scale 0", 2, "scale: expected more than 0, got 0"),
        ("sample {one} --on Bangs --scale -1", 2, "scale"),
        ("sample {one} --on Bangs --scale 1e38", 2, "scale: expected at most 100"),
        ("sample {one} --on Bangs --count 0", 2, "count: expected at least 1"),
        ("sample {one} --on Bangs --count 1000000000", 2, "at most 1,000, got 1,000,000,000"),
        ("swap --on Eyeglasses {one}", 2, "00.png: was taken for an attribute; name pictures first"),
        ("swap {one} --out {one} --on Bangs", 2, "00.png: exists already"),
        ("sample {one} --on Bangs --seed -1", 2, "--seed"),
        ("swap --on Bangs", 2, "images: name pictures"),
        ("swap {one} --on Bangs --data folder", 2, "images: name pictures"),
        ("swap --on Bangs --data foldr", 2, "did you mean 'folder'"),
        ("swap --on Bangs --data folder --root {data} --n 0", 2, "--n: expected at least 1"),
        ("swap {tmp}/none.png --on Bangs", 1, "no such file"),
        ("swap {tmp} --on Bangs", 1, "holds no picture"),
        ("swap {one} --on Bangs --editor {tmp}", 1, "card.json"),
        ("swap {one} --on Bangs --out {data}", 2, "holds files already"),
        ("swap {one} --on Bangs --out {tmp}/x.jpg", 2, "a name that ends in .png"),
        ("borrow {one} --attributes Bangs", 2, "--reference: name one or several pictures"),
        ("borrow {one} --attributes Bangs --reference {tmp}/none.png", 1, "no such file"),
        ("borrow {one} --attributes Eyeglasses --reference {without}", 2, "{without}: does not show Eyeglasses"),
        ("borrow --data folder --root {data} --attributes Eyeglasses --mean", 2, "--reference"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(words, code, message, data, editor, tmp_path, capsys):
    (without,) = pictures(data, editor, "Eyeglasses", False, 1)
    words = words.format(one=data / "00.png", data=data, tmp=tmp_path, without=without).split()
    defaults = [
        flag for flag in (f"--editor {data / 'run'}", f"--out {tmp_path / 'x'}") if flag.split()[0] not in words
    ]
    assert main(["edit", *words, *" ".join(defaults).split()]) == code
    told = capsys.readouterr().err
    assert told.startswith("lineament: ") and message.format(without=without) in told
    assert not list(tmp_path.iterdir())  # nothing half-written


def test_a_reference_without_the_attribute_is_taken_by_force(data, editor, tmp_path):
    (without,) = pictures(data, editor, "Eyeglasses", False, 1)
    words = f"edit borrow {data / '00.png'} --attributes Eyeglasses --reference {without} --editor {data / 'run'}"
    assert main([*words.split(), "--force", "--out", str(tmp_path / "x")]) == 0
