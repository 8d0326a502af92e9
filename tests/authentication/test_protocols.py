"""The declarations: what they name exists, and the published figures stand beside the trial they belong to."""

import csv
import re
from importlib.resources import files

import pytest

from lineament.authentication import published as tables
from lineament.authentication.protocols import PROTOCOLS, SITES, find_protocol
from lineament.authentication.published import published
from lineament.datasets.registry import DATASETS
from lineament.errors import UsageError

TRIALS = [(name, trial) for name, protocol in PROTOCOLS.items() for trial in protocol.trials]


def lines(number: str) -> list[dict[str, str]]:
    text = files(tables).joinpath(f"table_2_{number}.csv").read_text()
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize(("name", "trial"), TRIALS, ids=[f"{name}: {trial.label}" for name, trial in TRIALS])
def test_every_trial_names_what_exists(name, trial):
    assert PROTOCOLS[name].data in DATASETS
    for rule in (trial.gallery, trial.probe):
        re.compile(rule.named)
        assert str(rule).startswith(f"each {rule.each}")
    for table, row in trial.published:
        figures = published(table, row)
        assert figures and all(0 < eer < 0.5 for eer in figures.values())
    labels = [other.label for other in PROTOCOLS[name].trials]
    assert labels.count(trial.label) == 1


def test_published_figures_are_those_of_the_same_row():
    site = {trial.label: trial.published[0] for trial in PROTOCOLS["mobio"].trials}
    assert [line["experiment"] for line in lines("15")][:6] == list(SITES) == [t for t in site if t in SITES]
    assert published(*site["unis"])["MultiDeep"] == 0.07 and published(*site["all sites"])["LBP"] == 0.28
    first = {trial.label: trial.published[0] for trial in PROTOCOLS["mobio_first"].trials}
    assert [line["site"] for line in lines("4")][:6] == list(SITES)
    assert published(*first["lia"]) == {"LBP": 0.31, "ACAA": 0.24, "LBP + ACAA": 0.25}
    sessions = [f"{line['enrollment_session']} → {line['test_sessions']}" for line in lines("14")]
    assert [trial.label for trial in PROTOCOLS["umdaa01"].trials] == [*sessions[:6], "all → all"]
    low = {table: published(table, row) for table, row in PROTOCOLS["umdaa01"].trials[1].published}
    assert (low["2.6"]["LBP"], low["2.9"]["LBP"], low["2.14"]["LBP"], low["2.9"]["L-SVM 0.5"]) == (
        0.31,
        0.31,
        0.31,
        0.15,
    )


def test_the_first_enrolment_clip_is_told_from_the_other_tasks():
    gallery, probe = (re.compile(rule.named) for rule in (PROTOCOLS["umdaa01"].trials[0].gallery,
                                                          PROTOCOLS["umdaa01"].trials[0].probe))  # fmt: skip
    for clip, enrols in {"u1/1/enroll.mp4": True, "u1/1/Enrol_2.mp4": True, "enroll/1/popup.mp4": False}.items():
        assert bool(gallery.search(clip)) == enrols != bool(probe.search(clip))


def test_an_unknown_protocol_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'mobio'"):
        find_protocol("mobyo")
