"""Rules, folds and frames, against their definitions spelt out person by person."""

import numpy as np
import pytest

from lineament.authentication.protocols import PROTOCOLS, Protocol, Rule
from lineament.authentication.trials import FOLDS, FRAMES, considered, folds, templates
from lineament.datasets.base import AttributeDataset
from lineament.datasets.identities import mobio, umdaa01
from lineament.datasets.portraits import portraits
from lineament.errors import JobError
from tests.datasets.trees import mobio_tree, umdaa_tree


def dataset(identity, session=None, names=None, split=2):
    n = len(identity)
    return AttributeDataset(
        "made_up", lambda i: np.zeros((2, 2, 3), np.uint8), names or [f"{i:03}.png" for i in range(n)][::-1], (),
        np.empty((n, 0), np.int8), np.array(identity), np.array(session or [""] * n), np.full(n, split, np.int8),
    )  # fmt: skip


def spelt(data, rule):
    """What `templates` says, as a set of (person, images)."""
    made = templates(data, rule)
    dense = made.share.toarray()
    np.testing.assert_allclose(dense.sum(1), 1)
    return {(int(who), tuple(np.flatnonzero(row).tolist())) for who, row in zip(made.identity, dense, strict=True)}


def test_units_and_halves():
    data = dataset([7, 7, 7, 9, 9, 7], ["a", "a", "a", "a", "b", "b"])  # names fall: 005, 004, ... 000
    assert spelt(data, Rule("person")) == {(7, (0, 1, 2, 5)), (9, (3, 4))}
    assert spelt(data, Rule("session")) == {(7, (0, 1, 2)), (7, (5,)), (9, (3,)), (9, (4,))}
    assert spelt(data, Rule("image", ("b",))) == {(9, (4,)), (7, (5,))}
    assert spelt(data, Rule("person", ("a",), half=1)) == {(7, (2,))}  # the lower name of three; of one image none
    assert spelt(data, Rule("person", ("a",), half=2)) == {(7, (0, 1)), (9, (3,))}
    assert spelt(data, Rule("image", named="00[05]")) == {(7, (0,)), (7, (5,))}


def test_people_and_sessions_whose_spelling_could_be_mistaken_stay_apart():
    data = dataset([1, 11, 1], ["1 2", "2", "1"])
    assert len(spelt(data, Rule("session"))) == 3


def test_clips_are_units_and_their_frames_are_thinned_out_evenly():
    names = [f"x/{clip}.mp4:{frame:05}" for clip, n in (("a", 100), ("b", 3)) for frame in range(n)] + ["photo.png"]
    data = dataset([0] * 100 + [1] * 3 + [1], names=names)
    kept = considered(Protocol("made_up", "", (), minimum=1), data)
    numbers = [int(name[-5:]) for name in kept.names if "a.mp4" in name]
    assert len(numbers) == FRAMES and numbers[0] == 0 and numbers[-1] == 99 and set(np.diff(numbers)) <= {5, 6}
    assert kept.names[FRAMES:] == names[100:]
    assert len(spelt(kept, Rule("clip", named="mp4$"))) == 2


def test_people_who_are_unknown_too_rare_or_of_the_training_part_are_left_out():
    data = dataset([0, 0, 0, 1, 1, -1, -1, -1, 2, 2, 2])
    data.split[8:] = 0
    kept = considered(Protocol("made_up", "", (), minimum=3), data)
    assert kept.identity.tolist() == [0, 0, 0]
    assert len(considered(Protocol("made_up", "", (), minimum=2), dataset([0, 0], split=0))) == 2  # the only part


def test_every_pair_is_compared_once_and_tuned_on_neither_of_its_people():
    data = dataset(np.repeat(np.arange(13), 2).tolist())
    people, seen = np.arange(13), np.zeros((13, 13), int)
    parts = list(folds(data))
    for fold in parts:
        block = fold.block(people, people)
        seen += block
        tuning = set(data.identity[fold.development].tolist())
        assert not tuning & set(np.flatnonzero(block.any(1)).tolist()) and len(tuning) >= 13 - 2 * 3
    assert (seen == 1).all() and len(parts) == FOLDS * (FOLDS + 1) // 2


def test_a_development_part_tunes_alone_and_is_not_compared():
    data = dataset([0, 0, 1, 1, 2, 2])
    data.split[:2] = 1
    (fold,) = folds(data)
    assert data.identity[fold.development].tolist() == [0, 0]
    assert fold.block(np.arange(3), np.arange(3)).tolist() == [[False] * 3, [False, True, True], [False, True, True]]


def test_too_few_people_to_tune_on_are_refused():
    with pytest.raises(JobError, match="4 people"):
        list(folds(dataset([0, 1, 2, 3])))


def test_lights_and_cameras_of_portraits_are_found_in_their_style():
    drawn = portraits(people=8)
    lit = next(trial for trial in PROTOCOLS["portraits"].trials if trial.label == "lit left → right")
    left, right = ({i for _, own in spelt(drawn, rule) for i in own} for rule in (lit.gallery, lit.probe))
    assert left | right == set(range(len(drawn))) and not left & right
    assert all(drawn.style(i)["session_light_angle"] < -90 for i in left)
    with pytest.raises(JobError, match="session_light_angle"):
        templates(dataset([0]), lit.gallery)


def test_the_declarations_fit_what_the_readers_of_mobio_and_umdaa01_say(tmp_path):
    phone = mobio(mobio_tree(tmp_path / "mobio"))
    trials = {trial.label: trial for trial in PROTOCOLS["mobio"].trials}
    unis, across = trials["unis"], trials["laptop → phone"]
    assert len(templates(phone, unis.gallery).identity) == 1  # m001 in session 12
    assert len(templates(phone, unis.probe).identity) == 0 == len(templates(phone, trials["but"].gallery).identity)
    assert templates(phone, across.gallery).identity.tolist() == [0]  # f201, the first of two in order
    assert len(templates(phone, across.probe).identity) == 2  # one clip in session 1, one in session 12
    tasks = umdaa01(umdaa_tree(tmp_path / "umdaa01"))
    same, cross = PROTOCOLS["umdaa01"].trials[0], PROTOCOLS["umdaa01"].trials[3]
    assert templates(tasks, same.gallery).identity.tolist() == [0, 1] and not len(templates(tasks, same.probe).identity)
    assert templates(tasks, cross.probe).identity.tolist() == [0]  # user01 scrolls in session 2
