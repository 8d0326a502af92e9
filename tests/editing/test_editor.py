"""The editor's promises: nothing changes where nothing is asked, and an artifact gives back what was saved."""

from pathlib import Path
from typing import cast

import pytest
import torch

from lineament.editing import editor as module
from lineament.editing.editor import CHANGED, change, composed, load
from lineament.editing.eraser import Eraser, painted_over
from lineament.errors import JobError, UsageError
from tests.editing.small_editor import small_editor


def test_equal_codes_give_the_image_to_the_bit() -> None:
    editor, images = small_editor(), torch.rand(3, 3, 32, 32)
    codes = editor.encode(images)
    assert torch.equal(editor.edit(images, codes, codes), images)


def test_an_edit_changes_the_image_and_stays_in_range() -> None:
    editor, images = small_editor(), torch.rand(3, 3, 32, 32)
    codes = editor.encode(images)
    edited = editor.edit(images, codes, codes._replace(a=codes.a + 2))
    assert edited.shape == images.shape and edited.min() >= 0 and edited.max() <= 1
    assert (edited - images).abs().mean() > 0.01


def test_what_the_drawing_lacks_is_kept_only_where_nothing_is_drawn() -> None:
    image, before = torch.rand(1, 3, 32, 32), torch.full((1, 3, 32, 32), 0.5)
    after = before.clone()
    after[:, :, :16] = 0.9
    result = composed(image, before, after)
    assert torch.equal(result[:, :, 20:], image[:, :, 20:])
    torch.testing.assert_close(result[:, :, :12], after[:, :, :12], atol=1e-3, rtol=0)


def test_change_is_63_percent_at_its_unit() -> None:
    before = torch.zeros(1, 3, 16, 16)
    after = before.clone()
    after[:, 1] = CHANGED
    torch.testing.assert_close(change(before, after), torch.full((1, 1, 16, 16), 1 - 2.718281828**-1))


def test_an_attribute_that_is_not_there_has_the_code_of_its_absence() -> None:
    editor, images = small_editor(), torch.rand(64, 3, 32, 32)
    found = editor.styles(images)
    editor.planes[:, -1] -= editor._present(found).median(0).values
    there = editor._present(found) > 0
    codes = editor.encode(images)
    assert there.any() and not there.all()
    assert torch.equal(codes.a[there], found[there])
    assert torch.equal(codes.a[~there], editor.centroids[:, 0].expand_as(found)[~there])


def test_styles_are_those_of_every_attribute_there_or_not() -> None:
    editor, images = small_editor(), torch.rand(4, 3, 32, 32)
    R = cast(Eraser, editor.eraser)
    masks = R.masks(R.layers(images))
    assert torch.equal(editor.styles(images), editor.encoder.styles(images, masks))
    with pytest.raises(UsageError, match="takes 3 x 32 x 32, got 3 x 16 x 16"):
        editor.styles(images[..., :16, :16])


def test_draws_spread_as_the_class_does_and_repeat_with_their_seed() -> None:
    editor = small_editor()
    root = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.2, 0.0], [0.0, 0.0, 0.1]])
    editor.spreads[1, 1] = root
    drawn = editor.draw(1, 1, 20_000, 2.0, torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn.mean(0), editor.centroids[1, 1], atol=0.05, rtol=0)
    torch.testing.assert_close(torch.cov(drawn.T), 4 * root @ root.T, atol=0.1, rtol=0)
    assert torch.equal(drawn[:5], editor.draw(1, 1, 20_000, 2.0, torch.Generator().manual_seed(0))[:5])
    with pytest.raises(UsageError, match="scale: expected more than 0, got 0"):
        editor.draw(0, 1, 1, 0)


def test_images_of_another_kind_are_refused() -> None:
    with pytest.raises(UsageError, match="takes 3 x 32 x 32, got 3 x 64 x 64"):
        small_editor().encode(torch.rand(1, 3, 64, 64))
    with pytest.raises(UsageError, match="got 1 x 32 x 32"):
        small_editor().encode(torch.rand(1, 1, 32, 32))


def test_an_artifact_gives_the_editor_back(tmp_path: Path) -> None:
    editor, images = small_editor(), torch.rand(2, 3, 32, 32)
    editor.half().float()  # what an artifact holds
    editor.save(tmp_path / "run" / "editor", data="random")
    again = load(tmp_path / "run")
    assert again.attributes == editor.attributes and again.card["data"] == "random"
    codes = editor.encode(images)
    assert torch.equal(again.encode(images).z, codes.z)
    assert torch.equal(
        again.edit(images, codes, codes._replace(a=-codes.a)), editor.edit(images, codes, codes._replace(a=-codes.a))
    )


def test_an_artifact_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError):
        load(tmp_path)


def test_without_the_editor_of_the_package_the_way_to_another_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "files", lambda package: tmp_path)
    with pytest.raises(JobError, match=r"no such folder.*--editor.*lineament train editor --out RUN"):
        module.shipped()


def test_opaque_attributes_are_filled_and_the_others_painted_over() -> None:
    editor, images = small_editor(), torch.rand(4, 3, 32, 32)
    editor.opaque[1] = True
    R, which = cast(Eraser, editor.eraser), torch.tensor([[True, False], [False, True], [True, True], [False, False]])
    layers = R.layers(images)
    erased = editor.erase(images, which)
    painted = painted_over(images, layers, torch.tensor([1.0, 0, 1, 0])[:, None] * torch.tensor([1.0, 0]))
    assert torch.equal(erased[0], painted[0])
    assert torch.equal(erased[1], R(images, R.masks(layers), torch.tensor([[False, True]]).expand(4, -1))[1])
    assert torch.equal(erased[2], R(painted, R.masks(layers), torch.tensor([[False, True]]).expand(4, -1))[2])
    assert torch.equal(erased[3], images[3])
    assert editor.erase(images, torch.zeros_like(which)) is images
