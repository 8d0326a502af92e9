"""Training learns what is in the pictures, and only that; its parts do what they say."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from lineament.detectors.detector import Detector, load
from lineament.detectors.evaluation import thresholds
from lineament.detectors.prediction import decoded, log_odds, sigmoid
from lineament.detectors.training import train_detector
from lineament.errors import UsageError
from lineament.training import Run


def accuracy(detector, dataset):
    labels = np.stack([dataset.column(name) for name in detector.attributes], 1)
    return (
        (sigmoid(log_odds(detector, dataset, decoded(dataset, detector.shape))) >= detector.thresholds) == (labels == 1)
    ).mean(0)


def test_a_detector_learns_from_people_and_knows_others(trained, drawn):
    test = drawn.part("test")
    majority = np.maximum(test.column("Wearing_Hat").mean(), 1 - test.column("Wearing_Hat").mean())
    assert accuracy(trained[0], test)[0] > max(0.9, majority + 0.05)  # a hat is large


def test_shuffled_labels_teach_nothing(drawn, tiny, tmp_path):
    labels = drawn.labels.copy()
    train = np.flatnonzero(drawn.split == 0)
    labels[train] = labels[np.random.default_rng(0).permutation(train)]
    detector = train_detector(replace(drawn, name="shuffled", labels=labels), tiny, tmp_path, precision="float32")
    test = drawn.part("test")
    truth = test.column("Wearing_Hat") == 1
    score = log_odds(detector, test, decoded(test, detector.shape))[:, 0]
    auc = (score[truth][:, None] > score[~truth]).mean()
    assert 0.2 < auc < 0.8


def test_a_training_killed_between_epochs_ends_with_the_same_weights(trained, drawn, tiny, tmp_path, monkeypatch):
    """Batch normalisation, averages, optimiser, sampler places: all of it comes back from the checkpoint."""
    log, steps = Run.log, []

    def dying(run, **values):
        steps.append(run.step)
        if len(steps) == 30:
            raise KeyboardInterrupt
        log(run, **values)

    config = replace(tiny, sampling="queues", mixup=0.2, epochs=4)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "log", dying)
        patch.setattr("lineament.detectors.training.Run", partial(Run, checkpoint_seconds=0.0))  # after every step
        train_detector(drawn, config, tmp_path / "killed", precision="float32", device="cpu")
    killed = train_detector(drawn, config, tmp_path / "killed", precision="float32", device="cpu")
    whole = train_detector(drawn, config, tmp_path / "whole", precision="float32", device="cpu")
    assert len(steps) == 30
    for (name, a), b in zip(killed.state_dict().items(), whole.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_a_run_is_not_taken_up_with_other_labels(trained, drawn, tiny):
    labels = drawn.labels.copy()
    labels[0] = 1 - labels[0]
    with pytest.raises(UsageError, match="holds another run"):
        train_detector(replace(drawn, labels=labels), tiny, trained[1], precision="float32", device="cpu")


def test_fewer_images_than_a_batch_are_one_batch(drawn, tiny, tmp_path):
    kept = np.concatenate([np.flatnonzero(drawn.split == part)[:20] for part in (0, 1)])
    train_detector(drawn.subset(kept), replace(tiny, epochs=2), tmp_path, precision="float32")
    assert load(tmp_path).card["training"]["steps"] == 2


def test_images_of_several_sizes_train_at_one(drawn, tiny, tmp_path):
    from lineament.datasets.pixels import resized

    mixed = replace(drawn, name="mixed", read=lambda i: resized(drawn.read(i), (40, 32) if i % 2 else (80, 64)))
    detector = train_detector(mixed, replace(tiny, epochs=1), tmp_path, precision="float32", size=40)
    assert detector.shape == (40, 32)
    assert decoded(mixed, detector.shape).shape == (600, 40, 32, 3)
    with pytest.raises(UsageError, match="at least 16"):
        train_detector(mixed, tiny, tmp_path / "other", size=4)


def test_the_same_seed_gives_the_same_detector(trained, drawn, tiny, tmp_path):
    again = train_detector(drawn, tiny, tmp_path, precision="float32")
    for (name, a), b in zip(again.state_dict().items(), trained[0].state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_thresholds_come_from_the_development_part(trained, drawn):
    detector = trained[0]
    development = drawn.part("development")
    labels = np.stack([development.column(name) for name in detector.attributes], 1)
    scores = sigmoid(log_odds(detector, development, decoded(development, detector.shape)))
    chosen = thresholds(scores, labels, "mixed")
    assert detector.thresholds == pytest.approx(chosen.astype(np.float32), abs=1e-4)


@pytest.mark.parametrize("sampling", ["queues", "oversampled"])
@pytest.mark.parametrize("head", ["networks", "svm"])
def test_other_samplings_and_heads_train_too(drawn, tiny, tmp_path, sampling, head):
    parts = tiny.parts
    if sampling == "oversampled":
        parts = tuple(replace(parts[0], name=name, attributes=(name,)) for name in ("Wearing_Hat", "Eyeglasses"))
    config = replace(tiny, sampling=sampling, head=head, parts=parts, epochs=6, mixup=0.2, smoothing=0.05, mirror=False)
    detector = train_detector(drawn, config, tmp_path, precision="float32")
    assert isinstance(detector, Detector)
    train = drawn.part("train")
    truth, score = train.column("Wearing_Hat") == 1, log_odds(detector, train, decoded(train, detector.shape))[:, 0]
    assert (score[truth][:, None] > score[~truth]).mean() > 0.9


def test_grey_images_train_as_three_equal_channels(tiny, drawn, tmp_path):
    grey = replace(drawn, name="grey", read=lambda i: drawn.read(i)[:, :, :1])
    detector = train_detector(grey, replace(tiny, epochs=1), tmp_path, precision="float32")
    few = grey.subset(np.arange(4))
    assert np.isfinite(log_odds(detector, few, decoded(few, detector.shape))).all()


def test_a_set_without_a_development_part_is_refused(drawn, tiny, tmp_path):
    with pytest.raises(UsageError, match="0 development images; both parts are needed"):
        train_detector(drawn.subset(drawn.split != 1), tiny, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_attribute_that_is_not_labelled_is_refused(drawn, tiny, tmp_path):
    config = replace(tiny, parts=(replace(tiny.parts[0], attributes=("Eyeglases",)),))
    with pytest.raises(UsageError, match="did you mean 'Eyeglasses'"):
        train_detector(drawn, config, tmp_path / "run")
