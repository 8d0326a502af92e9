"""The dossier's section: with an editor whose edits are known, with one that errs, and without one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from lineament.datasets.portraits import portraits
from lineament.detectors.detector import shipped as shipped_detector
from lineament.editing import section
from lineament.editing.section import SECTION, opened
from lineament.errors import JobError, UsageError
from lineament.subject import Subject
from tests.editing.small_editor import small_editor
from tests.editing.square_painter import Painter
from tests.toy_subject import HOSTILE, Thumbnails, squares
from tests.toy_subject import subject as toy_subject


@pytest.fixture
def editing(monkeypatch):
    """Lets the section find one's own editor."""

    def choose(editor):
        monkeypatch.setattr(section, "opened", lambda subject: editor)

    return choose


def test_it_shows_edits_and_says_which_the_detector_reads(editing):
    editing(Painter())
    heard = []
    fragment = SECTION.run(toy_subject(), heard.append)
    text, told = "".join(map(str, fragment.blocks)), json.loads(json.dumps(fragment.data))["edits"]
    assert [row["attribute"] for row in told] == ["Red", "Smiling"]
    red, smile = told
    assert all(smile[key][0] > 0.9 for key in ("put_on", "taken_off", "drawn", "borrowed"))
    assert red["taken_off"][0] > 0.9 > red["put_on"][0] > 0.2  # it misses the hat, which Red hides
    assert text.count("<svg") == 1 and text.count("<img") == 4 * 3 + 2 * 6 + 2 * 7
    assert heard == sorted(heard) and heard[-1] < 1
    assert [finding.kind for finding in fragment.findings] == ["notice", "notice"]


def test_an_editor_that_paints_the_wrong_corner_is_found_out(editing):
    editing(Painter(paints={"Smiling": "Red"}))
    fragment = SECTION.run(toy_subject(), lambda share: None)
    smile = fragment.data["edits"][1]
    assert smile["put_on"][0] < 0.2 and max(smile["moved"].values()) == smile["moved"]["Red"] > 0.3
    assert "a swap of Smiling" in fragment.findings[1].text and "answer about Red" in fragment.findings[1].text
    assert "least where Smiling is put on (0%" in fragment.findings[0].text
    assert "not read" in "".join(map(str, fragment.blocks))


def test_names_of_files_stay_text(editing):
    editing(Painter())
    subject = toy_subject()
    subject.dataset = replace(subject.dataset, names=[HOSTILE] * len(subject.dataset))
    text = "".join(map(str, SECTION.run(subject, lambda share: None).blocks))
    assert "<script>" not in text and "&lt;script&gt;" in text


def test_without_an_editor_it_says_why_and_how_to_get_one(monkeypatch):
    fragment = SECTION.run(toy_subject(), lambda share: None)
    assert "lineament train editor --data squares --out RUN" in str(fragment.blocks[0])
    assert not fragment.findings and not fragment.data

    def lost():
        raise JobError("shipped/portraits: no such folder")

    monkeypatch.setattr(section, "shipped", lost)
    told = opened(Subject(portraits(people=8, images_per_person=2), shipped_detector()))
    assert "not to be had (shipped/portraits: no such folder)" in told and "lineament train editor" in told


def test_the_editor_of_the_package_edits_portraits_alone(monkeypatch):
    editor = small_editor(size=64)
    monkeypatch.setattr(section, "shipped", lambda: editor)
    faces = portraits(people=8, images_per_person=2)
    assert opened(Subject(faces, shipped_detector())) is editor
    assert "edits portraits" in opened(toy_subject())
    monkeypatch.setattr(section, "shipped", lambda: small_editor(attributes=("Halo",)))
    assert "comes with lineament knows Halo" in opened(Subject(faces, shipped_detector()))


def test_a_given_editor_that_is_torn_or_of_other_attributes_is_refused(tmp_path):
    subject = toy_subject()
    subject.editor = tmp_path / "nothing"
    with pytest.raises(JobError, match="nothing"):
        opened(subject)
    subject.editor = small_editor(attributes=("Halo", "Horns")).save(tmp_path / "run" / "editor").parent
    with pytest.raises(UsageError, match=r"run: the editor knows Halo, Horns; .*share Red, "):
        opened(subject)


def test_an_editor_in_a_folder_edits_faces_of_another_size(tmp_path):
    folder = small_editor(size=32).save(tmp_path / "run" / "editor", data="portraits").parent
    faces = portraits(people=40, images_per_person=2, size=64, seed=3)
    fragment = SECTION.run(Subject(faces, shipped_detector(), quick=True, editor=folder), lambda share: None)
    text = "".join(map(str, fragment.blocks))
    assert "An editor, trained on portraits, redraws" in text
    for row in fragment.data["edits"]:
        assert np.all([0 <= value <= 1 for value in row["moved"].values()]) and row["images"] > 4


def test_grey_images_and_an_attribute_that_nobody_has(editing):
    editing(Painter())
    dataset = squares()
    labels = dataset.labels.copy()
    labels[:, 0][dataset.labels[:, 0] == 1] = -1  # of the rest, nobody is known to be Red

    def grey(i):
        return dataset.read(i).mean(2, keepdims=True).astype(np.uint8)

    unlike = replace(dataset, labels=labels, read=grey)
    detector = Thumbnails(dataset)
    detector._features = lambda images: torch.nn.functional.adaptive_avg_pool2d(images, 8).flatten(1)
    fragment = SECTION.run(Subject(unlike, detector, quick=True), lambda share: None)
    for row in fragment.data["edits"]:
        if row["attribute"] == "Red":
            assert row["taken_off"] == row["borrowed"] == [None, None, None] and row["put_on"][0] is not None
    assert "–" in "".join(map(str, fragment.blocks))
