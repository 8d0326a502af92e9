"""Every test run checks the shapes that functions promise: beartype reads their jaxtyping annotations at each call.

The hook must stand before lineament is first imported, so nothing above it may import it. Ints pass for floats, as they
do for mypy.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

CHECKED = (
    "lineament.images",
    "lineament.attacks.base",
    "lineament.faces.parts",
    "lineament.detectors.augmentation",
    "lineament.detectors.cells",
    "lineament.detectors.clustering",
    "lineament.detectors.detector",
    "lineament.detectors.discovery",
    "lineament.detectors.hog",
    "lineament.detectors.lbp",
    "lineament.detectors.networks",
    "lineament.detectors.objective",
    "lineament.detectors.pursuit",
    "lineament.editing.diversity",
    "lineament.editing.likeness",
    "lineament.editing.retrieval",
    "lineament.explanation.baselines",
    "lineament.explanation.counterfactuals",
    "lineament.explanation.counterparts",
    "lineament.explanation.planted",
    "lineament.explanation.cycle_gan",
    "lineament.explanation.pixel_da",
    "lineament.explanation.substitutability",
    "lineament.training.distances",
    "lineament.explanation.perturbation",
    "lineament.explanation.regions",
    "lineament.explanation.attribution",
    "lineament.explanation.grad_cam",
    "lineament.explanation.inside",
    "lineament.explanation.log_odds",
    "lineament.explanation.relevance",
    "lineament.explanation.pairs",
    "lineament.datasets.labelled",
    "lineament.explanation.decisions",
    "lineament.explanation.objective",
    "lineament.explanation.networks",
    "lineament.defense.detection",
    "lineament.defense.threats",
    "lineament.attacks.black_box",
    "lineament.defense.autoencoder",
    "lineament.defense.magnet",
    "lineament.defense.flagging",
    "lineament.defense.pictures",
    "lineament.defense.reconstructions",
    "lineament.defense.subjects",
    "lineament.editing.section_edits",
    "lineament.editing.operations",
    "lineament.editing.pictures",
    "lineament.editing.fader",
    "lineament.editing.hisd",
    "lineament.editing.hisd_networks",
    "lineament.editing.oracle",
    "lineament.editing.styles",
    "lineament.studio.pictures",
)

install_import_hook(CHECKED, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """A browser, closed after each module, for its event loop would be in the way of tests with one of their own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser tests want playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"the browser tests want {CHROMIUM} (Debian: apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()
