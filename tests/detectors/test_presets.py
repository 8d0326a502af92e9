"""Presets: what they promise can be built, and goes through a card unchanged."""

import json

import pytest

from lineament.detectors.attributes import CELEBA_ATTRIBUTES
from lineament.detectors.detector import build_network
from lineament.detectors.networks import multiply_adds
from lineament.detectors.presets import PRESETS, lineament, paper, parts_from_json, parts_to_json
from lineament.errors import UsageError


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_covers_its_attributes_and_says_what_it_is(name):
    config = PRESETS[name](CELEBA_ATTRIBUTES)
    assert set(config.attributes) == set(CELEBA_ATTRIBUTES)
    assert config.preset == name
    assert f"--preset {name}" in PRESETS[name].__doc__
    assert parts_from_json(json.loads(json.dumps(parts_to_json(config.parts)))) == config.parts
    for part in config.parts[:2]:
        assert build_network(part).width == part.embedding


def test_our_preset_costs_at_most_twice_the_paper_a_face():
    def cost(config):
        sides = 2 if config.mirror else 1
        return sides * sum(multiply_adds(build_network(p), p.window.height, p.window.width) for p in config.parts)

    published = cost(paper(CELEBA_ATTRIBUTES))
    assert published == pytest.approx(1.32e9, rel=0.01)
    assert cost(lineament(CELEBA_ATTRIBUTES)) <= 2 * published


def test_a_part_preset_refuses_what_no_part_carries():
    with pytest.raises(UsageError, match="no face part carries Freckles"):
        paper(["Smiling", "Freckles"])
    assert {part.name for part in paper(["Wearing_Necktie"]).parts} == {"MouthChin"}
