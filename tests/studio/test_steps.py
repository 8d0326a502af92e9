"""A chain of edits does what `Edit` does, and the Python shown beside it the same."""

import numpy as np
import pytest
import torch
from PIL import Image

from lineament.editing import editor as editors
from lineament.editing import operations
from lineament.errors import UsageError
from lineament.images import to_batch, to_uint8
from lineament.studio.faces import seen
from lineament.studio.pictures import from_data_url
from lineament.studio.steps import Asked, edited, python
from tests.studio.patches import HARM


def asked(faces, *steps):
    return Asked.model_validate({"image": faces[0].image, "steps": list(steps)})


def references(faces):
    """Two faces with the second attribute."""
    return [face.image for face in faces if face.readings[1] > 0.5][:2]


def chain(faces):
    first, second = references(faces)
    return [
        {"operation": "swap", "attribute": "Eyeglasses", "strength": 0.35},
        {"operation": "borrow", "attribute": HARM, "reference": first, "strength": 0.5},
        {"operation": "sample", "attribute": "Eyeglasses", "scale": 1.5, "seed": 3},
        {"operation": "borrow", "attribute": HARM, "reference": second, "force": True},
        {"operation": "swap", "attribute": "Eyeglasses", "on": False},
        {"operation": "borrow", "attribute": HARM, "reference": [first, second]},
    ]


def batch(url):
    return to_batch(from_data_url(url)[None])


def test_no_step_gives_the_face_itself(editor, faces):
    assert edited(editor, asked(faces)) == faces[0]


def test_steps_are_taken_in_turn(editor, faces):
    glasses, hat = editor.encode(batch(edited(editor, asked(faces, *chain(faces)[:2])).image)).a[0]
    torch.testing.assert_close(glasses, 0.35 * editor.usual(0, 1), atol=0.003, rtol=0)
    borrowed = editor.encode(batch(references(faces)[0])).a[0, 1]
    torch.testing.assert_close(hat, 0.5 * borrowed, atol=0.003, rtol=0)
    assert [round(share) for share in edited(editor, asked(faces, *chain(faces))).readings] == [0, 1]


def test_of_several_references_the_mean_is_borrowed(editor, faces):
    several = references(faces)
    step = {"operation": "borrow", "attribute": HARM, "reference": several}
    hat = editor.encode(batch(edited(editor, asked(faces, step)).image)).a[0, 1]
    codes = [editor.encode(batch(url)).a[0, 1] for url in several]
    torch.testing.assert_close(hat, torch.stack(codes).mean(0), atol=0.003, rtol=0)
    assert not torch.allclose(*codes, atol=0.01)
    with pytest.raises(ValueError, match="reference"):
        asked(faces, step | {"reference": []})


@pytest.mark.parametrize("folder", [None, "runs/it's"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_the_python_does_the_same_as_it_stands(editor, faces, monkeypatch, tmp_path, count, folder):
    monkeypatch.setattr(operations, "shipped", lambda: editor)
    monkeypatch.setattr(editors, "load", {"runs/it's": editor}.__getitem__)
    monkeypatch.chdir(tmp_path)
    wanted, (first, second) = asked(faces, *chain(faces)[:count]), references(faces)
    files = {"image": faces[0].image, "reference": first, "reference_1": first, "reference_2": second}
    for name, url in files.items():
        Image.fromarray(from_data_url(url)).save(f"{name}.png")
    names = {}
    exec(python(wanted, folder), names)  # noqa: S102
    face, pixels = edited(editor, wanted), to_uint8(names["edited"])
    assert np.array_equal(from_data_url(face.image), pixels[0])
    assert not np.array_equal(from_data_url(face.image), from_data_url(faces[0].image))
    assert face.readings == pytest.approx(seen(editor, pixels)[0].readings, abs=0.02)  # of 8 bits a colour


def test_the_python_says_only_what_is_not_as_usual(faces):
    steps = chain(faces)
    assert python(asked(faces, steps[0], steps[2], steps[3])).splitlines() == [
        "from lineament.editing.operations import edit",
        "from lineament.images import read_image, to_batch",
        'image = to_batch(read_image("image.png")[None])',
        'reference = to_batch(read_image("reference.png")[None])',
        "edited = edit(image).swap('Eyeglasses', strength=0.35).sample('Eyeglasses', scale=1.5, seed=3)"
        f".borrow({HARM!r}, reference, force=True).images",
    ]


def test_what_edit_refuses_is_refused_with_its_words(editor, faces):
    for step, message in [
        ({"operation": "swap", "attribute": "Eyeglases"}, "did you mean 'Eyeglasses'"),
        ({"operation": "swap", "attribute": "Eyeglasses", "strength": 1.1}, r"strength.*\[0, 1\]"),
        ({"operation": "sample", "attribute": "Eyeglasses", "scale": 0}, "scale: expected more than 0"),
        ({"operation": "borrow", "attribute": HARM, "reference": faces[0].image}, "nothing to borrow"),
    ]:
        with pytest.raises(UsageError, match=message):
            edited(editor, asked(faces, step))
