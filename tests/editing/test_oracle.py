"""The oracle: it learns what is to be seen, from what is known alone, and comes back from disk as it was."""

import json

import pytest
import torch

from lineament import artifacts
from lineament.editing import oracle as module
from lineament.editing.oracle import load, train_oracle
from lineament.editing.styles import Column, StyleTable
from lineament.errors import JobError, UsageError

COLUMNS = (Column("Square", "paint.red", "color"), Column("Square", "left", "amount"))


def squares(n: int, seed: int):
    """Pictures of 16 px, half of them with a red square; style is how red it is and how far to the left."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(90, 110, (n, 3, 16, 16), generator=generator).to(torch.uint8)
    labels = torch.randint(0, 2, (n, 2), generator=generator).to(torch.int8)
    red, left = torch.randint(130, 250, (n,), generator=generator), torch.randint(0, 10, (n,), generator=generator)
    for i in labels[:, 0].nonzero()[:, 0]:
        images[i, 0, 5:11, left[i] : left[i] + 6] = red[i]
    for i in labels[:, 1].nonzero()[:, 0]:
        images[i, 2, :3] = 200
    values = torch.stack([red / 255, left.float()], 1)
    values[labels[:, 0] == 0] = torch.nan
    return images, labels, StyleTable(values, COLUMNS)


@pytest.fixture(scope="module")
def trained():
    images, labels, styles = squares(600, 0)
    labels[::7, 1] = -1
    return train_oracle(images, labels, ("Square", "Stripe"), styles, epochs=12, width=8)


def test_it_reads_labels_and_styles_of_images_it_has_not_seen(trained):
    images, labels, styles = squares(200, 1)
    read = trained.read(images.float() / 255)
    assert ((read.log_odds > 0) == (labels == 1)).float().mean() > 0.98
    there = labels[:, 0] == 1
    error = (read.styles[there] - styles.values[there]).square().mean(0) / styles.values[there].var(0)
    assert (error < 0.15).all()
    assert read.features.shape == (200, 256) and torch.equal(trained(images.float() / 255), read.log_odds)


def test_what_is_unknown_teaches_nothing():
    images, labels, styles = squares(64, 2)
    labels[:, 1] = -1
    learnt = train_oracle(images, labels, ("Square", "Stripe"), styles, epochs=1, width=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        untouched = module.Oracle(("Square", "Stripe"), COLUMNS, (3, 16, 16), width=4).head.bias
    moved = learnt.head.bias - untouched
    assert moved[1].abs() < moved[0].abs() / 10  # weight decay alone moves the unknown one
    assert learnt.read(images.float() / 255).styles.isfinite().all()


def test_it_works_without_styles():
    images, labels, _ = squares(64, 2)
    read = train_oracle(images, labels, ("Square", "Stripe"), epochs=1, width=4).read(images.float() / 255)
    assert read.styles.shape == (64, 0) and read.log_odds.shape == (64, 2)


def test_same_seed_same_oracle_and_the_callers_generator_stays():
    images, labels, styles = squares(64, 3)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, again = (train_oracle(images, labels, ("a", "b"), styles, seed=4, epochs=1, width=4) for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), again.state_dict().values(), strict=True))
    other = train_oracle(images, labels, ("a", "b"), styles, seed=5, epochs=1, width=4)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_it_comes_back_as_it_was(trained, tmp_path):
    images = squares(9, 4)[0].float() / 255
    back = load(trained.save(tmp_path / "oracle", data="squares"))
    assert back.attributes == ("Square", "Stripe") and back.columns == COLUMNS and back.card["data"] == "squares"
    assert all(torch.equal(a, b) for a, b in zip(back.read(images), trained.read(images), strict=True))


def test_another_artifact_is_refused(trained, tmp_path):
    artifacts.save(tmp_path / "a", kind="editor", tensors={}, config={})
    with pytest.raises(JobError, match="expected a 'oracle'"):
        load(tmp_path / "a")
    config = json.loads((trained.save(tmp_path / "b") / "card.json").read_text())["config"]
    for wrong in ({**config, "width": 9}, {**config, "shape": [3, 16]}, {**config, "columns": [["x"]]}, {}):
        artifacts.save(
            tmp_path / "c", kind="oracle", tensors=trained.state_dict(), config=wrong, attributes=["Square", "Stripe"]
        )
        with pytest.raises(JobError, match="do not describe an oracle"):
            load(tmp_path / "c")


def test_wrong_calls_say_what_came(trained):
    images, labels, styles = squares(8, 5)
    with pytest.raises(UsageError, match="7 images"):
        train_oracle(images[:7], labels, ("a", "b"), styles)
    with pytest.raises(UsageError, match="1 attributes"):
        train_oracle(images, labels, ("a",), styles)
    with pytest.raises(UsageError, match=r"reads \(3, 16, 16\)"):
        trained(torch.zeros(2, 3, 20, 20))


def test_the_loss_is_the_mean_of_each_known_column():
    read = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]])
    labels = torch.tensor([[1, 0], [-1, 1]], dtype=torch.int8)
    targets = torch.tensor([[torch.nan], [3.0]])
    entropy = [-torch.tensor(value).sigmoid().log() for value in (2.0, 1.0, 3.0)]
    expected = sum(entropy) / 3 + (3.0 - 1.0) ** 2
    assert module._loss(read, labels, targets) == pytest.approx(float(expected))
