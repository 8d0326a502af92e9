"""What the editor sees in faces, and which are there to choose from."""

from dataclasses import replace

import numpy as np
import pytest

from lineament.editing.operations import edit
from lineament.errors import UsageError
from lineament.studio.faces import gallery, seen
from lineament.studio.pictures import from_data_url


def test_a_face_is_its_picture_and_the_editors_readings(editor, dataset, pixels):
    (face,) = seen(editor, pixels[None])
    assert np.array_equal(from_data_url(face.image), pixels)
    assert face.readings == pytest.approx(edit(dataset.images([0]), editor).presence[0].tolist(), abs=6e-4)


def test_the_gallery_shows_different_people_the_plainest_first_and_holders_of_each_attribute(editor, dataset, faces):
    where = {dataset.read(i).tobytes(): i for i in range(len(dataset))}
    people = [dataset.identity[where[from_data_url(face.image).tobytes()]] for face in faces]
    assert len(set(people)) == len(people) == 12
    present = np.array([face.readings for face in faces]) > 0.5
    assert (np.diff(present.sum(1)) >= 0).all()
    whole = np.array([face.readings for face in gallery(editor, dataset, 40)]) > 0.5
    assert len(whole) == 40
    assert (present.sum(0) >= np.minimum(whole.sum(0), 6)).all()
    assert gallery(editor, dataset, 12) == faces != gallery(editor, dataset, 12, seed=1)


def test_people_who_are_not_known_apart_count_one_by_one(editor, dataset):
    strangers = replace(dataset, identity=np.full(len(dataset), -1))
    assert len(gallery(editor, strangers, 60)) == 60


def test_faces_in_colour_are_wanted(editor, dataset):
    with pytest.raises(UsageError, match="portraits: expected faces in colour .* got grey ones"):
        gallery(editor, replace(dataset, read=lambda i: dataset.read(i)[..., :1]))
    with pytest.raises(UsageError, match="got none"):
        gallery(editor, dataset.subset([]))
