"""Who and when, out of the published file names."""

import math
from pathlib import Path

import numpy as np

from lineament.datasets.identities import extended_yale_b, mobio, orl, umdaa01, yale
from tests.data_root import data_root
from tests.datasets.trees import mobio_tree, orl_tree, umdaa_tree, write_image, yale_b_tree, yale_tree


def test_lights_of_extended_yale_b(tmp_path: Path) -> None:
    dataset = extended_yale_b(yale_b_tree(tmp_path))
    of = dict(zip(dataset.names, dataset.session.tolist(), strict=True))
    expected = {
        "A+000E+00": "frontal",
        "A-010E-20": "middle",
        "A+050E+00": "middle",  # 50 degrees exactly
        "A+035E+40": "extreme",  # 51.1 degrees from the axis, though neither angle is above 40
        "A+110E+15": "extreme",
        "_Ambient": "ambient",
    }
    for light, session in expected.items():
        name = "yaleB01/yaleB01_P00" + light + (".pgm" if session == "ambient" else ".jpg")
        assert of[name] == session
    assert set(dataset.identity.tolist()) == {1, 11}


def test_files_of_other_names_are_left_out(tmp_path: Path) -> None:
    root = orl_tree(tmp_path)
    write_image(root / "s1" / "thumbnail.png")
    (root / "README").write_text("The ORL face database")
    assert len(orl(root)) == 6


def test_people_of_orl_are_numbered_as_published(tmp_path: Path) -> None:
    dataset = orl(orl_tree(tmp_path))
    assert sorted(set(dataset.identity.tolist())) == [1, 2, 10]
    for name, person in zip(dataset.names, dataset.identity, strict=True):
        assert name.startswith(f"s{person}/")


def test_conditions_of_yale(tmp_path: Path) -> None:
    dataset = yale(yale_tree(tmp_path))
    assert dataset.session[:3].tolist() == ["glasses", "happy", "leftlight"] and dataset.eyes is None


def test_sessions_and_devices_of_mobio(tmp_path: Path) -> None:
    dataset = mobio(mobio_tree(tmp_path))
    assert len(dataset) == 23
    assert sorted(set(dataset.session.tolist())) == ["01 laptop", "01 phone", "12 phone"]
    men = dataset.session == "12 phone"
    assert men.sum() == 3 and len(set(dataset.identity[men]) & set(dataset.identity[~men])) == 0


def test_users_and_sessions_of_umdaa(tmp_path: Path) -> None:
    dataset = umdaa01(umdaa_tree(tmp_path))
    assert dataset.identity.tolist() == [0] * 6 + [1] * 3
    assert dataset.session.tolist() == ["1"] * 3 + ["2"] * 3 + ["1"] * 3


def test_lights_of_the_real_set_agree_with_the_definition() -> None:
    dataset = extended_yale_b(data_root("extended_yale_b"))
    for name, session in zip(dataset.names, dataset.session.tolist(), strict=True):
        azimuth, elevation = (math.radians(int(part)) for part in (name[-12:-8], name[-7:-4]))
        angle = round(math.degrees(math.acos(math.cos(azimuth) * math.cos(elevation))), 6)
        assert session == ("frontal" if angle <= 12 else "middle" if angle <= 50 else "extreme")
    assert np.sum((dataset.identity == 1) & (dataset.session == "frontal")) == 7
