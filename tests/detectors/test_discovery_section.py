import re

import numpy as np
import pytest

from lineament.detectors.discovery_section import SECTION, members, sheets, words
from lineament.detectors.enrichment import agreement
from lineament.subject import Subject
from tests.toy_subject import subject


def test_a_sheet_shows_each_person_once():
    identity = np.repeat(np.arange(5), 4)
    inside = np.ones(20, dtype=bool)
    inside[:3] = False
    chosen = members(inside, identity, 12, seed=0)
    assert sorted(identity[chosen]) == [0, 1, 2, 3, 4] and inside[chosen].all()
    assert len(members(inside, np.full(20, -1), 12, seed=0)) == 12  # strangers are people of their own
    assert (members(inside, identity, 3, seed=1) == members(inside, identity, 3, seed=1)).all()
    assert set(chosen) != set(members(inside, identity, 12, seed=5))  # drawn, not the first ones


def test_words_name_what_is_over_represented_with_share_and_lift():
    clusters = np.repeat([0, 1], [150, 50])
    labels = np.stack([clusters, np.arange(200) % 2], 1).astype(np.int8)
    found = agreement(clusters, labels, np.arange(200), 2)
    assert words(found, 1, ("Wearing_Hat", "Male"), tests=4) == (
        "50 images, 25% of all. More common than chance allows: Wearing Hat 100% (4.0×)."
    )
    assert words(found, 0, ("Wearing_Hat", "Male"), tests=4).endswith("No label is more common than chance allows.")


def test_one_sheet_a_cluster_and_nothing_for_an_empty_one(drawn, trained):
    part, test = trained[0].parts[1], drawn.part("test")
    clusters = np.arange(len(test)) % 2 * 2  # cluster 1 is empty
    found = agreement(clusters, test.labels, test.identity, 3)
    text = "".join(sheets(part, test, clusters, found, tests=100, nominal=trained[0].eyes, count=4))
    assert text.count("data:image/webp") == 8
    assert re.findall("<h3>(.*?)</h3>", text) + re.findall("<summary>(.*?):", text) == ["Group 1", "Group 3"]


@pytest.fixture(scope="module")
def fragment(drawn, trained):
    heard = []
    result = SECTION.run(Subject(drawn, trained[0], quick=True), heard.append)
    assert heard == sorted(heard) and heard[-1] <= 1
    return result


def test_the_dossier_shows_the_part_that_says_most_of_the_labels(fragment):
    rows = {row["part"]: row for row in fragment.data["parts"]}
    assert set(rows) == {"Head", "Top"} and all(sum(row["sizes"]) == 90 for row in rows.values())
    best = max(rows, key=lambda name: rows[name]["nmi"])
    text = "".join(fragment.blocks)
    assert f"here those of the part {best}" in text
    headings, folded = (re.findall(f"<{tag}>(Group [0-9]+)", text) for tag in ("h3", "summary"))
    assert sorted(map(int, (title.split()[1] for title in headings + folded))) == list(range(1, 11))
    assert len(headings) <= rows[best]["explained"] < 10 and text.index("<h3>") < text.index("<details>")
    assert all(row["nmi_moved"] < row["nmi"] for row in rows.values())


def test_groups_that_no_label_explains_are_a_blind_spot(fragment):
    best = max(fragment.data["parts"], key=lambda row: row["nmi"])
    unnamed = 10 - best["explained"]
    assert [(finding.kind, finding.number) for finding in fragment.findings] == [("blind spot", str(unnamed))]


def test_a_detector_without_parts_and_a_small_set_are_told_so(drawn, trained):
    assert "no part networks" in "".join(SECTION.run(subject(), lambda share: None).blocks)
    few = drawn.subset(np.r_[np.flatnonzero(drawn.split != 2), np.flatnonzero(drawn.split == 2)[:12]])
    assert "needs 50 test images" in "".join(SECTION.run(Subject(few, trained[0]), lambda share: None).blocks)
