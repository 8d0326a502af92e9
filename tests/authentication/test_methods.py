from dataclasses import replace

import numpy as np
import pytest
import torch

from lineament.authentication.face_readings import read_faces
from lineament.authentication.methods import parse
from lineament.datasets.base import AttributeDataset
from lineament.datasets.identities import yale
from lineament.datasets.portraits import portraits
from lineament.detectors import platform
from lineament.detectors.detector import shipped
from lineament.errors import JobError, UsageError
from lineament.images import to_batch
from tests.data_root import data_root


def test_names_say_what_is_read_and_how_it_is_compared():
    plain, published, both = parse("detector, detector@published, lbp+detector@whitened")
    assert [part.treatment for method in (plain, published, both) for part in method.parts] == [
        "chosen", "published", "published", "whitened",
    ]  # fmt: skip
    assert plain.parts[0].reader is published.parts[0].reader is both.parts[1].reader  # opened and read once
    assert (both.name, both.parts[0].reader.similarity) == ("lbp+detector@whitened", "inverse_distance")


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("lbq", UsageError, "did you mean 'lbp'"),
        ("detector@publised", UsageError, "did you mean 'published'"),
        ("lbp@whitened", UsageError, "unknown treatment"),
        ("lbp:here", UsageError, "lbp without a folder"),
        ("classical", UsageError, "classical:FOLDER"),
        ("lbp,lbp", UsageError, "lbp named twice"),
        ("lbp,", UsageError, "unknown method ''"),
        ("detector:nowhere", JobError, "nowhere"),
        ("discovered:nowhere", JobError, "nowhere"),
        ("platform:nowhere", JobError, "nowhere"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_words(text, error, words):
    with pytest.raises(error, match=words):
        parse(text)


def test_readings_are_the_detectors_log_odds_of_each_face_where_its_eyes_are():
    drawn, detector = portraits(people=3, size=64), shipped()
    kept, readings = read_faces([parse("detector")[0].parts[0].reader], drawn, "given", progress=False)
    with torch.inference_mode():
        expected = detector(drawn.images(np.arange(18)), torch.from_numpy(drawn.eyes)).numpy()
    assert kept.tolist() == list(range(18))
    np.testing.assert_allclose(readings["detector"], expected, atol=1e-4)


def test_grey_and_larger_pictures_of_several_sizes_are_read_in_one_frame():
    drawn = portraits(people=2, images_per_person=2, sessions=1, size=64)
    large = portraits(people=2, images_per_person=2, sessions=1, size=192)
    grey = [np.asarray(drawn.read(i).mean(2, keepdims=True), np.uint8) for i in range(4)]
    mixed = [drawn.read(0), large.read(1), grey[2], large.read(3)]
    data = AttributeDataset(
        "mixed", lambda i: mixed[i], drawn.names, (), np.empty((4, 0), np.int8), drawn.identity, drawn.session,
        drawn.split, eyes=drawn.eyes,
    )  # fmt: skip
    (method,) = parse("detector")
    _, found = read_faces([method.parts[0].reader], data, "given", progress=False)
    _, same = read_faces([method.parts[0].reader], drawn, "given", progress=False)
    with torch.inference_mode():
        alone = shipped()(to_batch(grey[2][None]).expand(-1, 3, -1, -1), torch.from_numpy(drawn.eyes[2:3])).numpy()
    np.testing.assert_allclose(found["detector"][2], alone[0], atol=1e-4)
    np.testing.assert_allclose(found["detector"][0], same["detector"][0], atol=1e-4)
    for i in (1, 3):  # the same scene drawn larger says nearly the same
        assert np.corrcoef(found["detector"][i], same["detector"][i])[0, 1] > 0.9


def test_eyes_of_real_faces_are_found_and_a_picture_without_a_face_is_left_out():
    faces = yale(data_root("yale_faces"))
    blank = np.full((243, 320, 1), 128, np.uint8)
    some = replace(faces.subset(np.arange(4)), read=lambda i: blank if i == 2 else faces.read(i))
    kept, readings = read_faces([parse("lbp")[0].parts[0].reader], some, "given", progress=False)  # the set has no eyes
    assert kept.tolist() == [0, 1, 3] and readings["lbp"].shape == (3, 19200)
    with pytest.raises(JobError, match="no face found"):
        read_faces([parse("lbp")[0].parts[0].reader], some.subset([2]), "found", progress=False)


def test_values_of_the_platform_variant_are_read_as_they_are_and_a_wrong_kind_is_named(tmp_path):
    drawn = portraits(people=20, size=64)
    detector = platform.train(drawn, tmp_path, scale=0.3, attributes=("Male", "Eyeglasses"))
    (method,) = parse(f"platform:{tmp_path}@published")
    _, found = read_faces([method.parts[0].reader], drawn.subset(np.arange(4)), "given", progress=False)
    expected = detector.values(drawn.images(np.arange(4)), torch.from_numpy(drawn.eyes[:4]))
    np.testing.assert_allclose(found[f"platform:{tmp_path}"], expected, rtol=1e-4, atol=1e-5)
    assert method.parts[0].reader.similarity == "inverse_distance"
    with pytest.raises(UsageError, match=f"holds a platform; write platform:{tmp_path}"):
        parse(f"classical:{tmp_path}")
