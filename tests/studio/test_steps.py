"""A chain of edits does what `Edit` does, and the Python shown beside it the same."""

import numpy as np
import pytest

from lineament.editing.editor import load
from lineament.errors import UsageError
from lineament.images import to_batch, to_uint8
from lineament.studio.faces import seen
from lineament.studio.pictures import from_data_url
from lineament.studio.steps import Asked, edited, python
from tests.studio.conftest import HARM


def wanted(faces, *steps):
    return Asked.model_validate({"image": faces[0].image, "steps": list(steps)})


def references(faces, n=2):
    """Faces in which an untrained editor happens to see what is borrowed."""
    return [face.image for face in faces if face.readings[1] > 0.5][:n]


def chain(faces):
    first, second = references(faces)
    return [
        {"operation": "swap", "attribute": "Eyeglasses", "strength": 0.35},
        {"operation": "borrow", "attribute": HARM, "reference": first, "strength": 0.5},
        {"operation": "sample", "attribute": "Eyeglasses", "on": False, "scale": 1.5, "seed": 3},
        {"operation": "borrow", "attribute": HARM, "reference": second, "force": True},
        {"operation": "borrow", "attribute": HARM, "reference": first},
    ]


def test_no_step_gives_the_face_itself(editor, faces):
    assert edited(editor, wanted(faces)) == faces[0]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_the_python_does_the_same(editor, faces, tmp_path, count):
    folder = str(editor.save(tmp_path / "editor"))
    saved = load(folder)
    asked = wanted(faces, *chain(faces)[:count])
    image, first, second = (batch(url) for url in (faces[0].image, *references(faces)))
    names = {"image": image, "reference": first, "reference_1": first, "reference_2": second}
    exec(python(asked, folder), names)  # noqa: S102
    pixels = to_uint8(names["edited"])
    face = edited(saved, asked)
    assert np.array_equal(from_data_url(face.image), pixels[0])
    assert not np.array_equal(pixels[0], from_data_url(faces[0].image))
    assert face.readings == pytest.approx(seen(saved, pixels)[0].readings, abs=0.02)  # of 8 bits a colour


def batch(url):
    return to_batch(from_data_url(url)[None])


def test_the_python_of_the_shipped_editor_says_only_what_is_not_as_usual(faces):
    steps = chain(faces)
    assert python(wanted(faces, steps[0], steps[2], steps[3])).splitlines() == [
        "from lineament.editing.operations import edit",
        "edited = edit(image).swap('Eyeglasses', strength=0.35).sample('Eyeglasses', on=False, scale=1.5, seed=3)"
        f".borrow({HARM!r}, reference, force=True).images",
    ]


def test_what_edit_refuses_is_refused_with_its_words(editor, faces):
    without = next(face.image for face in faces if face.readings[1] < 0.5)
    for step, message in [
        ({"operation": "swap", "attribute": "Eyeglases"}, "did you mean 'Eyeglasses'"),
        ({"operation": "swap", "attribute": "Eyeglasses", "strength": 1.1}, r"strength.*\[0, 1\]"),
        ({"operation": "sample", "attribute": "Eyeglasses", "scale": 0}, "scale: expected more than 0"),
        ({"operation": "borrow", "attribute": HARM, "reference": without}, "nothing to borrow"),
    ]:
        with pytest.raises(UsageError, match=message):
            edited(editor, wanted(faces, step))
