"""A real training of seconds: patches of colour come and go, and a kill costs nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lineament.editing import erasing, label_reader, sampling, style_reader, training
from lineament.editing.presets import EditorConfig, preset, with_steps
from lineament.editing.training import train_editor
from lineament.errors import JobError, UsageError
from tests.editing.colored import NAMES, patches

SMALL = replace(
    preset("lineament"), width=8, critic_width=8, latent=2, code=2, steps=6, batch=8, evaluations=2, classifier_steps=3,
    eraser_steps=4,
    style_steps=3,
)  # fmt: skip


@pytest.mark.parametrize(("name", "calls"), [("lineament", (2, 5, 10, 14)), ("paper", (5,))])
def test_a_killed_training_goes_on_to_the_same_weights(
    tmp_path: Path, name: str, calls: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of each of its four trainings, with a checkpoint at every step."""
    schedule = {f: getattr(SMALL, f) for f in ("width", "critic_width", "latent", "code", "steps", "batch")}
    config = replace(preset(name), evaluations=2, classifier_steps=3, eraser_steps=4, style_steps=3, **schedule)
    images, labels = patches(64, 0)
    whole = train_editor(images, labels, patches(16, 1), NAMES, config, tmp_path / "whole", device="cpu")
    batch, clock, done = sampling.batch, iter(range(0, 10**6, 1000)), 0

    def killed(*arguments: object) -> object:
        nonlocal done
        done += 1
        if done in calls:
            raise KeyboardInterrupt
        return batch(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        for module in (label_reader, erasing, style_reader, training):
            patched.setattr(module, "batch", killed)
        patched.setattr("lineament.training.run.time.monotonic", lambda: float(next(clock)))
        for _ in calls:
            with pytest.raises(KeyboardInterrupt):
                train_editor(images, labels, patches(16, 1), NAMES, config, tmp_path / "killed", device="cpu")
        again = train_editor(images, labels, patches(16, 1), NAMES, config, tmp_path / "killed", device="cpu")
    for (key, value), other in zip(whole.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(value, other), key
    assert (tmp_path / "whole" / "styles").is_dir() == (name == "lineament")
    assert whole.attributes == NAMES and (whole.eraser is None) == (name == "paper")


def test_unknown_labels_are_read_from_the_picture(tmp_path: Path) -> None:
    images, labels = patches(64, 0)
    labels[::2, 1] = -1
    editor = train_editor(images, labels, patches(16, 1), NAMES, SMALL, tmp_path, device="cpu")
    assert all(value.isfinite().all() for value in editor.state_dict().values())
    validation = patches(16, 1)
    validation[1].fill_(-1)
    with pytest.raises(JobError, match="every label is unknown"):
        train_editor(images, labels, validation, NAMES, SMALL, tmp_path / "unjudged", device="cpu")
    with pytest.raises(UsageError, match="images: expected .* a label of each of 1 attributes"):
        train_editor(images, labels, patches(16, 1), NAMES[:1], SMALL, tmp_path / "narrow", device="cpu")


TERMS = (
    *("cgan", "inv", "attr", "spec", "center", "prior", "recode", "edited"),
    *("erase", "restore", "same", "region", "fill", "masked", "style_steps"),
)


@pytest.mark.parametrize("term", TERMS)
def test_every_term_can_be_switched(tmp_path: Path, term: str) -> None:
    value = type(getattr(SMALL, term))(not getattr(SMALL, term))
    few = replace(
        SMALL, steps=2, classifier_steps=1, eraser_steps=2, style_steps=2, evaluations=1, masked=term != "erase"
    )
    config: EditorConfig = replace(few, **{term: value})
    editor = train_editor(*patches(32, 0), patches(8, 1), NAMES, config, tmp_path, device="cpu")
    assert all(value.isfinite().all() for value in editor.state_dict().values())


def test_it_learns_to_put_a_patch_there_and_to_take_it_away(tmp_path: Path) -> None:
    config = replace(
        SMALL,
        width=16,
        critic_width=16,
        code=4,
        steps=150,
        batch=12,
        classifier_steps=60,
        eraser_steps=100,
        style_steps=100,
        evaluations=1,
    )
    editor = train_editor(*patches(400, 0), patches(32, 1), NAMES, config, tmp_path, device="cpu", precision="float32")
    images, labels = patches(100, 2)
    x = images.float() / 255
    codes = editor.encode(x)
    there = editor.present(codes) > 0
    assert (there == (labels == 1)).float().mean() > 0.95
    a = codes.a.clone()
    a[:, 0] = torch.where(there[:, :1], editor.centroids[0, 0], editor.centroids[0, 1])
    moved = (editor.edit(x, codes, codes._replace(a=a)) - x).abs().mean(1)
    inside, outside = moved[:, 12:20, 4:12].mean(), moved[:, :, 16:].mean()
    assert inside > 3 * outside


def test_the_artifact_keeps_the_edge_and_one_code_of_absence_so_that_a_draw_of_it_takes_the_attribute_off(
    tmp_path: Path,
) -> None:
    config = replace(SMALL, edge=0.2)
    editor = train_editor(*patches(32, 0), patches(8, 1), NAMES, config, tmp_path, device="cpu")
    assert editor.eraser is not None and editor.eraser.edge == 0.2
    assert torch.equal(editor.draw(0, 0, 3), editor.centroids[0, 0].expand(3, -1))
    assert not torch.equal(*editor.draw(0, 1, 2))


def test_a_shorter_schedule_shortens_what_comes_before_and_leaves_out_what_is_left_out() -> None:
    shorter = with_steps(replace(preset("lineament"), style_steps=0), 600)
    assert (shorter.steps, shorter.eraser_steps, shorter.style_steps) == (600, 640, 0)


def test_an_attribute_of_one_class_is_refused(tmp_path: Path) -> None:
    images, labels = patches(16, 0)
    labels[:, 1] = 1
    with pytest.raises(JobError, match="no image without Right"):
        train_editor(images, labels, patches(8, 1), NAMES, SMALL, tmp_path)


def test_images_of_odd_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="got 3 x 40 x 40"):
        train_editor(torch.zeros(4, 3, 40, 40, dtype=torch.uint8), torch.ones(4, 2, dtype=torch.int8),
                     patches(8, 1), NAMES, SMALL, tmp_path)  # fmt: skip


def test_settings_out_of_range_are_refused() -> None:
    wrong = [
        ({"recon": -1.0}, "recon"),
        ({"power": 3}, "power"),
        ({"edge": 1.0}, "edge: expected a value between 0 and 1"),
        ({"steps": 0}, "steps"),
        ({"recon": 0.0, "restore": 0.0}, "look like its image"),
        ({"averaging": 1.0}, "averaging"),
    ]
    for changes, told in wrong:
        with pytest.raises(UsageError, match=told):
            replace(SMALL, **changes)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="lineament"):
        preset("lineamnt")
