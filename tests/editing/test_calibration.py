"""Where presence begins and which code is the usual one, against every other choice."""

import pytest
import torch

from lineament.datasets.labelled import floats
from lineament.editing.calibration import SLACK, balance, choose_usual
from lineament.editing.editor import Editor
from lineament.editing.sampling import Pools, pools
from tests.editing.colored import NAMES, patches
from tests.editing.small_editor import small_editor


@pytest.fixture
def editor() -> Editor:
    return small_editor(NAMES, seed=1)  # in which some codes are read less often than others


def redness(images: torch.Tensor) -> torch.Tensor:
    """Reads an attribute where its half of the image is redder than it is blue."""
    red = images[:, 0] - images[:, 2]
    return torch.stack([red[:, :, :16].mean((1, 2)), red[:, :, 16:].mean((1, 2))], 1)


def known(n: int = 40) -> Pools:
    return pools(*patches(n, 0), NAMES)


def right(odds: torch.Tensor, labels: torch.Tensor) -> float:
    """Balanced accuracy of one column at 0."""
    return sum(float(((odds > 0) == c)[labels == c].double().mean()) for c in (0, 1)) / 2


def test_after_balancing_no_other_bias_errs_less(editor: Editor) -> None:
    images, labels = patches(60, 1)
    before = editor.present_in(floats(images))
    balance(editor, images, labels)
    after = editor.present_in(floats(images))
    moved = after - before
    torch.testing.assert_close(moved, moved[:1].expand_as(moved), atol=1e-4, rtol=1e-4)
    for odds, truth in zip(after.unbind(1), labels.unbind(1), strict=True):
        best = max(right(odds - shift - 1e-4, truth) for shift in odds.tolist())
        assert right(odds, truth) == pytest.approx(best)


def test_balancing_leaves_an_attribute_of_unknown_labels_alone(editor: Editor) -> None:
    images, labels = patches(60, 1)
    labels[:, 1] = -1
    before = editor.planes.clone()
    balance(editor, images, labels)
    assert torch.equal(editor.planes[1], before[1]) and not torch.equal(editor.planes[0], before[0])


def test_the_usual_code_is_the_nearest_of_those_read_hardly_less_often_than_the_best(editor: Editor) -> None:
    images, labels = patches(30, 1)
    mean = editor.centroids.clone()
    choose_usual(editor, redness, known(), (images, labels))
    material = known()
    for i in range(2):
        x = floats(images[labels[:, i] == 0])
        found = editor.encode(x)

        def share(code: torch.Tensor, i: int = i, x: torch.Tensor = x, found=found) -> float:
            a = found.a.clone()
            a[:, i] = code
            return float((redness(editor.edit(x, found, found._replace(a=a)))[:, i] > 0).double().mean())

        codes = editor.styles(floats(material.images[material.present[i]]))[:, i]
        candidates = list(codes)
        best = max(share(code) for code in candidates)
        near = min(float((code - mean[i, 1]).norm()) for code in candidates if share(code) >= best - SLACK)
        assert share(editor.usual(i, 1)) >= best - SLACK
        assert float((editor.usual(i, 1) - mean[i, 1]).norm()) == pytest.approx(near, abs=1e-5)
    assert torch.equal(editor.usuals[:, 0], mean[:, 0])
    assert torch.equal(editor.centroids, mean)


def test_an_attribute_that_nobody_lacks_keeps_its_mean(editor: Editor) -> None:
    images, labels = patches(30, 1)
    labels[:, 0] = 1
    choose_usual(editor, redness, known(), (images, labels))
    assert torch.equal(editor.usual(0, 1), editor.centroids[0, 1])
