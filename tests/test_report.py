import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from markupsafe import Markup
from PIL import Image

from lineament import report
from lineament.report import Cell, Finding, Fragment

HOSTILE = "</script><script>alert('x')</script>\" onload=\"alert(1)"


class Tags(HTMLParser):
    """Every tag with its attributes, and the text between."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def of(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


def hostile_blocks():
    drawing, axis = report.axes(4, 2)
    axis.plot([0, 1], [0, 1], color=report.ACCENT, label=HOSTILE)
    axis.set_title(HOSTILE + " $x^2$")
    report.legend(axis)
    pixels = np.zeros((8, 8, 3), np.uint8)
    return [
        report.prose(HOSTILE, heading=HOSTILE),
        report.table([HOSTILE, "n"], [[HOSTILE, Cell(HOSTILE, 1.0, HOSTILE)]], HOSTILE),
        report.table(["a"], [[HOSTILE]], HOSTILE, folded=True),
        report.figure(drawing, HOSTILE, HOSTILE),
        report.image_grid([pixels], [f"{HOSTILE}\n{HOSTILE}"], label=HOSTILE),
    ]


def hostile_page():
    fragment = Fragment(hostile_blocks(), [Finding("strength", HOSTILE, HOSTILE)])
    return report.page(HOSTILE, HOSTILE, [(HOSTILE, fragment), (HOSTILE, HOSTILE)], [(HOSTILE, HOSTILE)])


def test_hostile_text_stays_text_in_every_block_and_place():
    page = Tags(hostile_page())
    assert len(page.of("script")) == 1
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    assert page.text.count(HOSTILE) >= 14


def test_the_page_asks_for_nothing_from_outside():
    text = hostile_page()
    page = Tags(text)
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/webp;base64,")), (name, value[:60])
    assert (
        not re.search(r"@import|url\((?!#)", text)
        and not page.of("link")
        and "http" not in text.replace("http-equiv", "")
    )
    policy = next(tag["content"] for tag in page.of("meta") if tag.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy


def test_the_policy_allows_exactly_the_pages_own_script():
    import hashlib

    text = hostile_page()
    script = re.search(r"<script>(.*?)</script>", text[text.index("</footer>") :], re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_a_reader_finds_headings_links_and_failures():
    good = Fragment([report.prose("words")], [Finding("blind spot", "−3 points", "of accuracy")])
    page = Tags(report.page("T", "S", [("First", "disk <full>"), ("Second", good)], [("Seed", "0")]))
    assert "disk <full>" in page.text and "failed" in page.text
    identities = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = [attributes["href"][1:] for attributes in page.of("a")]
    assert set(links) <= identities and links.count("s2") == 2  # contents and finding


def test_pictures_have_words_and_figures_leave_no_names_behind():
    page = Tags(report.page("T", "S", [("A", Fragment(hostile_blocks()))], []))
    assert all(tag.get("alt") or tag.get("aria-label") for tag in [*page.of("img"), *page.of("svg")])
    found = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(found) == len(set(found))
    named = [
        name for name in found if not re.fullmatch(r"[sh]\d|[mpC]\w{10,}", name)
    ]  # sections; what figures refer to
    assert not named


def test_a_figure_takes_the_readers_colours():
    drawing, axis = report.axes(4, 2)
    axis.barh([0], [1], color=report.CONTRAST)
    svg = report.figure(drawing, "a bar")
    assert "var(--contrast)" in svg and "var(--muted)" in svg
    left = set(re.findall(r"#[0-9a-fA-F]{6}\b", svg))
    assert not left, f"colours that do not follow the scheme: {left}"


def test_drawing_leaves_the_users_matplotlib_as_it_was():
    import matplotlib

    matplotlib.get_backend()  # is otherwise settled by whoever asks first
    before = matplotlib.rcParams.copy()
    drawing, _ = report.axes(4, 2)
    report.figure(drawing, "nothing")
    assert matplotlib.rcParams == before


def test_tables_sort_numbers_by_value_and_mark_their_columns():
    page = Tags(
        report.table(["name", "share"], [["a", report.percent(0.9731, 0.96, 0.98)], ["b", report.percent(np.nan)]], "c")
    )
    assert [cell.get("data-value") for cell in page.of("td")] == ["0.9731", "-1"]
    assert [head.get("class") for head in page.of("th")[:2]] == [None, "n"]
    assert "97.3%" in page.text and "96.0–98.0" in page.text and "–" in page.text


def test_numbers_are_written_for_people():
    assert report.number(12345).text == "12,345" and report.number(-0.25, 2).text == "−0.25"
    assert report.number(np.nan).text == "–" and report.readable("No_Beard") == "No Beard"


@pytest.mark.parametrize(("shape", "size"), [((40, 30, 3), (30, 40)), ((300, 200, 3), (128, 192)), ((8, 8, 1), (8, 8))])
def test_pictures_are_shrunk_but_never_enlarged(shape, size):
    pixels = np.full(shape, 200, np.uint8)
    image = Tags(report.image_grid([pixels], ["first\nsecond"], label="grid")).of("img")[0]
    decoded = Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1])))
    assert decoded.size == size == (int(image["width"]), int(image["height"]))
    assert image["alt"] == "first, second" and abs(int(np.asarray(decoded).mean()) - 200) < 3


def test_blocks_are_markup_and_text_is_not():
    assert isinstance(report.prose("x"), Markup)
    page = report.page("T", "S", [("A", Fragment([report.prose("<i>")]))], [])
    assert "<p>&lt;i&gt;</p>" in page


def test_a_page_says_what_made_it_and_has_no_empty_boxes():
    found = Fragment([], [Finding("notice", "3", "of 10 look attacked")])
    page = Tags(report.page("T", "S", [("A", found)], [], kicker="lineament defend"))
    assert "To note" in page.text and "Good at" not in page.text and "dossier" not in page.text
    assert page.text.count("lineament defend") == 2
    without = report.page("T", "S", [("A", Fragment([]))], [])
    assert 'class="summary"' not in without and "lineament dossier" in without
