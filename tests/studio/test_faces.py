"""What the editor sees in faces, and which are there to choose from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lineament.errors import UsageError
from lineament.studio.faces import gallery, seen
from lineament.studio.pictures import from_data_url


def owners(dataset, faces):
    """Who is shown."""
    where = {dataset.read(i).tobytes(): int(dataset.identity[i]) for i in range(len(dataset))}
    return [where[from_data_url(face.image).tobytes()] for face in faces]


def test_a_face_is_its_picture_and_the_editors_readings(editor, dataset, pixels):
    (face,) = seen(editor, pixels[None])
    assert np.array_equal(from_data_url(face.image), pixels)
    odds = editor.present(editor.encode(dataset.images([2])))[0]
    assert face.readings == pytest.approx(torch.sigmoid(odds).tolist(), abs=6e-4)


def test_the_gallery_shows_different_people_the_plainest_first_and_some_with_each_attribute(editor, dataset, faces):
    people = owners(dataset, faces)
    assert len(set(people)) == len(people) == 12
    worn = [(person % 3 == 0) + (person % 4 == 0) for person in people]
    assert worn == sorted(worn) and worn[0] == 0
    assert sum(person % 3 == 0 for person in people) >= 4 and sum(person % 4 == 0 for person in people) >= 4
    assert gallery(editor, dataset, 12) == faces != gallery(editor, dataset, 12, seed=1)
    assert sorted(owners(dataset, gallery(editor, dataset, 60))) == list(range(40))


def test_people_who_are_not_known_apart_count_one_by_one(editor, dataset):
    strangers = replace(dataset, identity=np.full(len(dataset), -1)).subset(range(20))
    assert len(gallery(editor, strangers, 60)) == 20


def test_faces_in_colour_are_wanted(editor, dataset):
    with pytest.raises(UsageError, match="portraits: expected faces in colour .* got grey ones"):
        gallery(editor, replace(dataset, read=lambda i: dataset.read(i)[..., :1]))
    with pytest.raises(UsageError, match="got none"):
        gallery(editor, dataset.subset([]))
