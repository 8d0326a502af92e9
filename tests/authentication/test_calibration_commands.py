import numpy as np

from lineament.authentication import calibration_commands
from lineament.authentication.cohort import load
from lineament.cli import main
from lineament.datasets.portraits import portraits
from tests.datasets.trees import orl_tree


def test_the_verb_makes_the_cohort_of_the_shipped_detector(tmp_path, monkeypatch, capsys):
    few = {"people": 8, "images_per_person": 4, "sessions": 2, "seed": 5}
    monkeypatch.setattr(calibration_commands, "PORTRAITS", few)
    assert main(["calibrate", "--out", str(tmp_path / "cohort")]) == 0
    cohort = load(tmp_path / "cohort")
    assert cohort.people == 8 and np.array_equal(cohort.identity, portraits(**few).identity)
    said = " ".join(capsys.readouterr().err.split())
    assert "8 people in 32 images; the finest false match rate it can show is 0.38" in said
    assert main(["calibrate", "--out", str(tmp_path / "cohort")]) == 0  # the same again
    monkeypatch.setattr(calibration_commands, "PORTRAITS", few | {"seed": 6})
    assert main(["calibrate", "--out", str(tmp_path / "cohort")]) == 1
    assert "holds another cohort" in capsys.readouterr().err and load(tmp_path / "cohort").sha256 == cohort.sha256


def test_data_without_development_people_are_refused(tmp_path, capsys):
    orl_tree(tmp_path)
    assert main(["calibrate", "--out", str(tmp_path / "cohort"), "--data", "orl", "--root", str(tmp_path)]) == 2
    assert "orl: has no development part" in capsys.readouterr().err and not (tmp_path / "cohort").exists()
