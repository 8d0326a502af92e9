import json
import re
from copy import copy
from dataclasses import replace
from pathlib import Path

import pytest

from lineament import cli, dossier
from lineament.authentication import section as verification
from lineament.errors import JobError
from lineament.report import Fragment, Section, prose
from lineament.subject import Subject
from tests.editing.small_editor import small_editor
from tests.toy_subject import ATTRIBUTES, HOSTILE, subject


@pytest.fixture(scope="module")
def toy():
    return subject()


@pytest.fixture(scope="module")
def results(toy):
    return dossier.run_sections(toy, dossier.SECTIONS, visible=False)


@pytest.fixture(scope="module")
def written(toy, results, tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("dossier")
    dossier.write(toy, results, folder / "page.html", command="lineament dossier", json=folder / "figures.json")
    return folder / "page.html", json.loads((folder / "figures.json").read_text())


def test_every_section_runs_on_a_small_subject(written):
    page, figures = written
    assert not figures["failed"] and list(figures["sections"]) == [section.title for section in dossier.SECTIONS]
    text = page.read_text()
    assert "This section failed" not in text and "made up here" in text and "quick, 200 resamples" in text
    assert text.count("data:image/webp") > 30 and text.count("<svg") == 7


def test_the_figures_are_true_of_a_detector_that_cannot_miss(written):
    sections = written[1]["sections"]
    rows = {row["attribute"]: row for row in sections["How well each attribute is detected"]["rows"]}
    for name in ATTRIBUTES[:3]:
        assert rows[name]["accuracy"][0] > 0.97 and rows[name]["auc"][0] > 0.97
    assert rows[ATTRIBUTES[3]]["balanced_accuracy"][0] < 0.9
    worst = sections["Where it errs"]["blind_spots"][0]
    assert (worst["attribute"], worst["with"]) == (ATTRIBUTES[3], "Red") and worst["balanced_accuracy_lost"][1] > 0.2
    assert sections["Whether people can be told apart"]["set_eer"][0] < 0.4
    assert sections["Why strangers are refused"]["first_reason_true"][0] > 0.8
    assert sections["The data"] == {"images": 600, "people": 60, "people_in_two_parts": 0}


def test_hostile_names_of_files_and_attributes_stay_text(toy):
    first = toy.dataset.part("test").subset([0])
    toy_named = dossier.Subject(toy.dataset, toy.detector, quick=True)
    assert HOSTILE in toy.dataset.names and len(first) == 1
    text = dossier.page("t", "s", dossier.run_sections(toy_named, dossier.SECTIONS[:1], visible=False), [])
    assert text.count("<script>") == 1 and "&lt;b&gt;Hat&lt;/b&gt;" in text


def test_two_runs_give_the_same_page(toy, written, tmp_path):
    again = subject()
    dossier.write(again, dossier.run_sections(again, dossier.SECTIONS, visible=False), tmp_path / "a.html",
                  command="lineament dossier")  # fmt: skip
    first, second = (re.sub(r"Made</dt><dd>[^<]*", "", path.read_text()) for path in (written[0], tmp_path / "a.html"))
    assert first == second


def test_a_failing_section_does_not_lose_the_page(toy, tmp_path, monkeypatch, capsys):
    def out_of_memory(subject, progress):
        progress(0.5)
        raise JobError("no memory left; use --quick")

    def defect(subject, progress):
        return {}["missing"]

    def fine(subject, progress):
        return Fragment([prose("all is well")])

    monkeypatch.delenv("LINEAMENT_DEBUG", raising=False)
    sections = [Section("One", out_of_memory, 1), Section("Two", defect, 1), Section("Three", fine, 1)]
    results = dossier.run_sections(toy, sections, visible=False)
    with pytest.raises(
        JobError, match=r"2 section\(s\) failed: 'One' \(no memory left; use --quick\); 'Two'.*KeyError"
    ):
        dossier.write(toy, results, tmp_path / "page.html", json=tmp_path / "figures.json")
    text = (tmp_path / "page.html").read_text()
    assert "no memory left; use --quick" in text and "all is well" in text
    assert set(json.loads((tmp_path / "figures.json").read_text())["failed"]) == {"One", "Two"}
    assert "LINEAMENT_DEBUG=1" in text and "Traceback" not in capsys.readouterr().err
    monkeypatch.setenv("LINEAMENT_DEBUG", "1")
    dossier.run_sections(toy, sections, visible=False)
    said = capsys.readouterr().err
    assert said.count("Traceback") == 1 and '["missing"]' in said


def test_a_dossier_of_which_nothing_succeeded_does_not_overwrite_a_good_one(toy, tmp_path):
    def out_of_memory(subject, progress):
        raise JobError("no memory left; use --quick")

    page = tmp_path / "page.html"
    page.write_text("the good one")
    results = dossier.run_sections(toy, [Section("One", out_of_memory, 1), Section("Two", out_of_memory, 1)],
                                   visible=False)  # fmt: skip
    with pytest.raises(JobError, match=r"page.html: not written, .* no memory left"):
        dossier.write(toy, results, page, json=tmp_path / "figures.json")
    assert page.read_text() == "the good one" and list(tmp_path.iterdir()) == [page]


def test_an_image_that_cannot_be_read_stops_the_job_and_is_named(toy):
    def torn(i):
        if i == last:
            raise JobError("faces/00599.png: cut off")
        return toy.dataset.read(i)

    last = int((toy.dataset.split == 2).nonzero()[0][-1])
    broken = Subject(replace(toy.dataset, read=torn), toy.detector)
    with pytest.raises(JobError, match=r"faces/00599.png: cut off.*data check"):
        dossier.run_sections(broken, dossier.SECTIONS, visible=False)


def test_provenance_says_how_the_detector_was_trained_and_how_much_was_measured(toy, results, tmp_path):
    card = {
        "images": {"train": 6300, "development": 1350},
        "metrics": {"development_accuracy": 0.98659},
        "training": {"seed": 3, "steps": 2352, "schedule": {"preset": "portraits"}},
    }
    known, strange = (Subject(toy.dataset, copy(toy.detector), quick=True) for _ in range(2))
    for told, entry in ((known, card), (strange, {"training": 7, "images": {"train": "many"}, "metrics": None})):
        told.computed, told.detector.card = toy.computed, toy.detector.card | entry
        dossier.write(told, results, tmp_path / "page.html")
        text = (tmp_path / "page.html").read_text()
        training = re.search("Training</dt><dd>([^<]*)", text)[1]
        assert training == (
            "preset portraits; seed 3; 2,352 steps; 6,300 training images; 1,350 development images; "
            "development accuracy 98.7%" if entry is card else "not in the card"
        )  # fmt: skip
    images = len(toy.readings("test").dataset)
    assert f"weak, on {images:,} test images." in text and images < len(toy.dataset)


def test_a_section_that_drew_people_less_often_says_so(toy, monkeypatch):
    text = "".join(verification.run(toy, lambda share: None).blocks)
    assert "resamples" not in text
    monkeypatch.setattr(verification, "AFFORDABLE", 0)
    assert "from 100 resamples" in "".join(verification.run(toy, lambda share: None).blocks)


def test_other_data_without_a_detector_is_a_wrong_call_that_says_how_to_train_one(capsys, tmp_path):
    assert cli.main(["dossier", "--data", "celeba", "--root", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"lineament train detector --data celeba --root {tmp_path} --out runs/celeba" in said
    assert "--detector runs/celeba" in said


def test_a_wrong_generator_is_refused_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(dossier, "run_sections", lambda *given: pytest.fail("work began"))
    words = ["dossier", "--quick", "--generator", str(tmp_path), "--out", str(tmp_path / "page.html")]
    assert cli.main(words) == 1
    assert f"{tmp_path}" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_wrong_editor_is_refused_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(dossier, "run_sections", lambda *given: pytest.fail("work began"))
    folder = small_editor(attributes=("Halo",)).save(tmp_path / "run" / "editor").parent
    words = ["dossier", "--quick", "--editor", str(folder), "--out", str(tmp_path / "page.html")]
    assert cli.main(words) == 2
    assert "the editor knows Halo; detector and data share Bald, " in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(toy, results, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError, match="page.html"):
        dossier.write(toy, results, tmp_path / "file" / "page.html")


# ---- the page in a real browser ----


@pytest.fixture(params=[("light", 1200), ("dark", 1200), ("light", 375), ("dark", 375)], ids=lambda p: f"{p[0]}-{p[1]}")
def tab(request, chromium, written):
    """The page opened without a network; whatever it asks for or complains of fails the test."""
    scheme, width = request.param
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, offline=True)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else complaints.append(asked.url))
    tab.goto(written[0].as_uri())
    yield tab
    assert not complaints
    context.close()


LUMINANCE = """names => {
  const style = getComputedStyle(document.documentElement);
  return names.map(name => {
    const box = document.createElement("i");
    box.style.color = style.getPropertyValue("--" + name);
    document.body.append(box);
    const rgb = getComputedStyle(box).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
    box.remove();
    const linear = rgb.map(c => c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  });
}"""


def test_nothing_overflows_and_all_pictures_show(tab):
    width = tab.viewport_size["width"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    tab.wait_for_function("[...document.images].every(image => image.complete)")
    assert tab.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    boxes = tab.evaluate("[...document.querySelectorAll('svg')].map(svg => svg.getBoundingClientRect().right)")
    assert len(boxes) == 7 and max(boxes) <= width


def test_text_is_legible_in_both_schemes(tab):
    inks = ["ink", "muted", "accent", "contrast", "good"]
    *text, paper, panel = tab.evaluate(LUMINANCE, [*inks, "paper", "panel"])
    for name, ink in zip(inks, text, strict=True):
        for ground in (paper, panel):
            contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
            assert contrast >= 4.5, f"{name}: contrast {contrast:.2f} (WCAG AA wants 4.5)"
    dark = tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (paper < 0.1) if dark else (paper > 0.9)
    colours = "getComputedStyle(document.querySelector('svg text')).fill + getComputedStyle(document.body).color"
    assert ("236, 232, 225" in tab.evaluate(colours)) == dark


def test_tables_sort_both_ways(tab):
    sorting = """column => {
      const table = document.querySelectorAll('#s5 table')[1];
      table.tHead.rows[0].cells[column].querySelector('button').click();
      const cells = [...table.tBodies[0].rows].map(row => row.cells[column]);
      return cells.map(cell => cell.dataset.value ?? cell.textContent);
    }"""
    falling = [float(value) for value in tab.evaluate(sorting, 2)]
    assert falling == sorted(falling, reverse=True) and len(set(falling)) == 4
    assert [float(value) for value in tab.evaluate(sorting, 2)] == falling[::-1]
    names = tab.evaluate(sorting, 0)
    assert names[1:] == ["Bright Sky", "Red", "Smiling"] and "<b>Hat</b>" in names[0]
    assert tab.evaluate("document.querySelectorAll('#s5 [aria-sort]').length") == 1
