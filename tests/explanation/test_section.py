"""The dossier's section, with an explainer and without one."""

import pytest

from lineament.datasets.portraits import portraits
from lineament.detectors.detector import shipped
from lineament.explanation import loading
from lineament.explanation.section import SECTION, _findings
from lineament.subject import Subject
from tests.explanation.test_loading import untrained
from tests.toy_subject import subject as toy_subject


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    """A package without explainers, so that the section shows those of the test alone."""
    monkeypatch.setattr(loading, "files", lambda name: tmp_path)


def test_without_explainers_it_shows_where_occlusion_hurts_and_which_command_trains_one():
    heard = []
    fragment = SECTION.run(toy_subject(), heard.append)
    text = "".join(map(str, fragment.blocks))
    assert "lineament train explainer" in text and "--explainer" in text
    assert text.count("<img") == len(fragment.data["occlusion"]) == 4 and not fragment.findings
    assert heard == sorted(heard) and heard[-1] == pytest.approx(1)


@pytest.mark.parametrize(("removed", "added", "found"), [(0.9, 0.6, 1), (0.9, 0.1, 0), (None, 0.9, 0)])
def test_a_mask_is_a_weak_flank_only_if_it_flips_either_way(removed, added, found):
    figures = {"attribute": "Bangs", "images": 9, "removed": removed, "added": added, "flips_at": 0.5, "mask": 0.01}
    assert len(_findings([figures])) == found


def test_with_an_explainer_it_shows_strips_masks_and_attribution(tmp_path):
    faces = portraits(people=30, images_per_person=4, size=64, seed=2)
    folder = untrained(tmp_path / "run" / "explainer").parent
    fragment = SECTION.run(Subject(faces, shipped(), quick=True, explainers=[folder]), lambda share: None)
    (figures,) = fragment.data["explanations"]
    assert figures["attribute"] == "Eyeglasses" and figures["images"] <= 40 and 0 < figures["mask"] < 1
    text = "".join(map(str, fragment.blocks))
    assert "occlusion" in text and "mask that takes it away" in text and text.count("<tr>") == 1 + 1 + 1 + 4
    assert fragment.blocks and all(finding.kind == "weak flank" for finding in fragment.findings)
