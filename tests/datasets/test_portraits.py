"""Portraits: the same bytes from the same numbers, labels that bind, counterfactuals that change one thing, truth."""

import pickle
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineament.datasets.portraits import (
    ATTRIBUTES,
    LANDMARKS,
    REGIONAL,
    counterfactual,
    labels,
    landmarks,
    masks,
    parameters,
    picture,
    portraits,
    render,
    sample_scene,
)
from lineament.errors import UsageError

CELEBA = (
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair "
    "Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male "
    "Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks "
    "Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace "
    "Wearing_Necktie Young"
)

scenes = st.builds(sample_scene, st.integers(0, 50), st.integers(0, 10_000), st.integers(0, 3), st.integers(0, 9))


def changed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.abs(first.astype(int) - second).max(2)


@pytest.fixture(scope="module")
def small():
    return portraits(12, 4, size=32, seed=3)


def test_same_bytes_in_another_process_and_in_another_order(small):
    there = "from lineament.datasets.portraits import portraits as p; import zlib; d = p(12, 4, size=32, seed=3); "
    there += "print([zlib.crc32(d.read(i).tobytes()) for i in (40, 7)])"
    output = subprocess.run([sys.executable, "-c", there], capture_output=True, text=True, check=True).stdout
    assert output.strip() == str([zlib.crc32(small.read(i).tobytes()) for i in (7, 40)][::-1])


def test_seeds_people_days_and_images_differ():
    pictures = [render(sample_scene(*numbers), 32) for numbers in ((0, 0), (1, 0), (0, 1), (0, 0, 1), (0, 0, 0, 1))]
    assert len({picture.tobytes() for picture in pictures}) == 5


def test_a_person_stays_and_a_day_stays():
    first, same_day, next_day = sample_scene(2, 5, 0, 0), sample_scene(2, 5, 0, 1), sample_scene(2, 5, 1, 0)
    assert first.person == same_day.person == next_day.person
    assert first.wear == same_day.wear != next_day.wear
    assert first.session == same_day.session != next_day.session
    assert first.camera != same_day.camera
    assert first.wear.eyeglasses_shape == next_day.wear.eyeglasses_shape  # people keep their glasses
    passing = {"Smiling", "Mouth_Slightly_Open", "Blurry"}
    assert first.present - passing == same_day.present - passing


def test_the_dataset_is_an_attribute_dataset(small):
    assert len(small) == 48
    assert small.images([0, 5]).shape == (2, 3, 32, 32)
    assert small.labels.shape == (48, len(ATTRIBUTES))
    assert small.landmarks.shape == (48, len(LANDMARKS), 2)
    assert small.eyes is not None
    np.testing.assert_array_equal(small.eyes, small.landmarks[:, :2])
    assert list(small.session[:4]) == ["0", "0", "1", "1"]
    assert list(small.style(0)) == list(small.style(47))
    assert all(isinstance(value, (float, str)) for value in small.style(0).values())
    assert {"person_nose_width", "eyeglasses_shape", "session_light_angle", "camera_yaw"} <= small.style(0).keys()


def test_splits_are_disjoint_by_identity(small):
    people = [set(small.part(part).identity.tolist()) for part in ("train", "development", "test")]
    assert all(people)
    assert sum(map(len, people)) == len(set.union(*people)) == 12


def test_a_subset_travels_between_processes(small):
    test = small.part("test")
    copy = pickle.loads(pickle.dumps(test))  # noqa: S301
    np.testing.assert_array_equal(copy.read(1), test.read(1))
    assert copy.style(0) == test.style(0)


def test_names_are_those_of_celeba_and_all_are_common_enough():
    assert set(ATTRIBUTES) <= set(CELEBA.split())
    assert len(ATTRIBUTES) >= 18
    found = np.stack([labels(sample_scene(0, person)) for person in range(1500)])
    share = {name: np.mean(column[column >= 0]) for name, column in zip(ATTRIBUTES, found.T, strict=True)}
    assert all(0.07 <= value <= 0.72 for value in share.values()), share
    assert (found == -1).mean() < 0.03


@given(scenes)
@settings(max_examples=60, deadline=None)
def test_labels_do_not_contradict_each_other(scene):
    present = scene.present
    hair = {"Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"}
    assert len(present & hair) <= 1
    assert len(present & {"Bald", "Straight_Hair", "Wavy_Hair"}) == 1
    assert not ("Bald" in present and present & (hair | {"Bangs"}))
    assert ("No_Beard" in present) != bool(present & {"Mustache", "Goatee", "Sideburns"})
    assert not {"Wearing_Necklace", "Wearing_Necktie"} <= present


@given(scenes, st.sampled_from(ATTRIBUTES), st.booleans())
@settings(max_examples=60, deadline=None)
def test_switching_is_consistent_and_can_be_repeated(scene, name, on):
    after = counterfactual(scene, **{name: on})
    assert (name in after.present) == on
    assert counterfactual(after, **{name: on}) == after
    if (name in scene.present) == on:
        assert after == scene
    test_labels_do_not_contradict_each_other.hypothesis.inner_test(after)


@pytest.mark.parametrize(
    ("name", "top", "bottom", "reach"),
    [
        ("Eyeglasses", 0.33, 0.62, 0.32),
        ("Wearing_Hat", 0.0, 0.52, 0.40),
        ("Mustache", 0.54, 0.73, 0.25),
        ("Goatee", 0.64, 0.89, 0.20),
        ("Bushy_Eyebrows", 0.29, 0.48, 0.26),
        ("Wearing_Necktie", 0.74, 1.0, 0.50),
        ("Big_Nose", 0.41, 0.73, 0.22),
        ("Smiling", 0.35, 0.84, 0.26),
    ],
)
def test_a_counterfactual_changes_only_the_attributes_own_part_of_the_face(name, top, bottom, reach):
    for person in range(6):
        scene = counterfactual(sample_scene(4, person), Blurry=False, Bald=False, Sideburns=False, camera_roll=0.0)
        without, with_it = (counterfactual(scene, **{name: flag}) for flag in (False, True))
        region = changed(render(without, 64), render(with_it, 64)) > 0
        rows, columns = np.nonzero(region)
        assert region.sum() >= 15
        assert top * 64 <= rows.min() and rows.max() <= bottom * 64
        assert np.abs(columns / 64 - 0.5).max() <= reach


@pytest.mark.parametrize("name", REGIONAL)
def test_masks_hold_the_change_and_are_empty_exactly_when_the_attribute_is_absent(name):
    for person in range(3):
        scene = counterfactual(sample_scene(6, person), Wearing_Hat=False, Bald=False, Blurry=False)
        scene = counterfactual(scene, **{name: True})
        region, without = masks(scene, 48), counterfactual(scene, **{name: False})
        assert list(region) == list(REGIONAL)
        told = dict(zip(ATTRIBUTES, labels(scene), strict=True))
        assert all(mask.any() == (told[other] == 1) for other, mask in region.items())
        assert not changed(render(scene, 48), render(without, 48))[~region[name]].max(initial=0) > 6
        assert not masks(without, 48)[name].any()


def test_masks_are_those_of_the_picture_that_is_read(small):
    region = small.masks(0)
    assert all(mask.shape == (32, 32) and mask.dtype == bool for mask in region.values())
    assert all(region[name].any() == (small.column(name)[0] == 1) for name in REGIONAL)


def test_a_hat_leaves_the_wave_of_short_hair_unknown():
    short = counterfactual(sample_scene(), Bald=False, Wavy_Hair=True, Wearing_Hat=True, person_hair_length="short")
    told = dict(zip(ATTRIBUTES, labels(short), strict=True))
    assert told["Wavy_Hair"] == told["Straight_Hair"] == -1
    told = dict(zip(ATTRIBUTES, labels(counterfactual(short, person_hair_length="long")), strict=True))
    assert (told["Wavy_Hair"], told["Straight_Hair"]) == (1, 0)


def test_eye_landmarks_lie_on_the_drawn_irises():
    for person in range(12):
        plain = {"Eyeglasses": False, "Blurry": False, "person_eye_openness": 1.0, "gaze": 0.0}
        scene = counterfactual(sample_scene(8, person), **plain)
        brown, blue = (counterfactual(scene, person_iris_color=color) for color in ("brown", "blue"))
        rows, columns = np.nonzero(changed(render(brown, 128), render(blue, 128)) > 40)
        left, right = landmarks(scene)[:2]
        for place, side in (
            (left, columns < 128 * (left + right)[0] / 2),
            (right, columns > 128 * (left + right)[0] / 2),
        ):
            middle = np.array([columns[side].mean() + 0.5, rows[side].mean() + 0.5]) / 128
            assert np.abs(middle - place).max() < 0.016  # two pixels of 128: the upper lid covers a little


@given(scenes, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
@settings(max_examples=50, deadline=None)
def test_the_lens_of_the_landmarks_undoes_the_lens_of_the_pixels(scene, x, y):
    left, top = picture._bent(scene, (x, y))
    factor = 1 + 0.22 * scene.camera.distortion * (left**2 + top**2 - 0.12)  # as the shader has it
    assert (left * factor, top * factor) == pytest.approx((x, y), abs=1e-4)


def test_mouth_landmarks_frame_the_lips():
    scene = counterfactual(sample_scene(9, 1), Blurry=False, Mustache=False, Smiling=True, camera_noise=0.0)
    region = changed(*(render(counterfactual(scene, Wearing_Lipstick=flag), 128) for flag in (True, False))) > 12
    columns = np.nonzero(region)[1] / 128
    places = dict(zip(LANDMARKS, landmarks(scene), strict=True))
    assert abs(columns.min() - places["left_mouth_corner"][0]) < 0.03
    assert abs(columns.max() - places["right_mouth_corner"][0]) < 0.03


def test_style_overrides_reach_the_picture_and_the_parameters():
    scene = counterfactual(sample_scene(1, 1), Eyeglasses=True, eyeglasses_shape="round", eyeglasses_color="black")
    square = counterfactual(scene, eyeglasses_shape="square")
    assert parameters(square)["eyeglasses_shape"] == "square"
    assert [key for key, value in parameters(scene).items() if parameters(square)[key] != value] == ["eyeglasses_shape"]
    assert changed(render(scene), render(square)).any()


@pytest.mark.parametrize("size", [31, 513, 0, -64, True, 64.0])
def test_sizes_out_of_range_are_refused(size):
    with pytest.raises(UsageError, match="32"):
        render(sample_scene(), size)
    with pytest.raises(UsageError, match="32"):
        portraits(2, 2, size=size)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Eyeglases": True}, "did you mean 'Eyeglasses'"),
        ({"eyeglasses_shape": "rond"}, "round"),
        ({"eyeglasses_tint": 1.5}, r"\[0, 1\]"),
        ({"eyeglasses_tint": float("nan")}, r"\[0, 1\]"),
        ({"Eyeglasses": 1}, "True or False"),
    ],
)
def test_wrong_changes_are_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        counterfactual(sample_scene(), **changes)


@pytest.mark.parametrize("wrong", [{"people": 0}, {"images_per_person": 1}, {"sessions": 0}])
def test_wrong_counts_are_refused(wrong):
    with pytest.raises(UsageError, match="sessions"):
        portraits(**{"people": 2, "images_per_person": 2, **wrong})


def test_an_image_that_is_not_there_is_refused(small):
    with pytest.raises(UsageError, match="there are 48"):
        small.read(48)
