"""Training an explainer for seconds: it crosses where it should, resumes to the bit, and refuses clearly."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lineament.classifier import from_function
from lineament.datasets.labelled import floats
from lineament.errors import JobError, UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import Explainer, explain
from lineament.explanation.student import imitate
from lineament.explanation.training import train_explainer
from tests.explanation.toy import DECISIONS, TINY, LeftOrRight, bars


def trained(folder: Path, **changes: object) -> Explainer:
    decisions, stand_in = changes.pop("decisions", DECISIONS), changes.pop("stand_in", None)
    return train_explainer(
        bars(200), bars(40, seed=1), decisions, replace(TINY, **changes), folder, stand_in=stand_in, device="cpu",
        precision="float32",
    )  # fmt: skip


def test_a_minute_of_bars_crosses_in_both_directions_and_changes_little(tmp_path: Path) -> None:
    explainer = trained(tmp_path, steps=300, kappa=0.4)
    explanation = explain(explainer, DECISIONS, floats(bars(60, seed=2)))
    crossed = DECISIONS.predict(explanation.composite) == explanation.target
    assert all(crossed[explanation.source == j].double().mean() > 0.9 for j in (0, 1))
    assert float(explanation.mask.mean()) < 0.9
    assert float((explanation.reconstruction - explanation.images).abs().mean()) < 0.1


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(tmp_path / "whole").state_dict()
    calls = 0

    def failing(images: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls > 45 and torch.is_grad_enabled():
            raise KeyboardInterrupt
        return LeftOrRight()(images)

    class Killed:
        differentiable = True
        __call__ = staticmethod(failing)

    with pytest.raises(KeyboardInterrupt):
        monkeypatch.setattr("lineament.training.run.time.monotonic", lambda: float(calls * 100))
        trained(tmp_path / "killed", decisions=Decisions(Killed(), DECISIONS.classes, column=0))
    monkeypatch.undo()
    assert (tmp_path / "killed" / "checkpoint.safetensors").exists()
    resumed = trained(tmp_path / "killed").state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    steps = [json.loads(line)["step"] for line in (tmp_path / "killed" / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)


def test_a_finished_run_is_loaded_and_another_one_is_not_overwritten(tmp_path: Path) -> None:
    first = trained(tmp_path)
    assert torch.equal(trained(tmp_path).state_dict()["transformer.output.bias"], first.transformer.output.bias)
    with pytest.raises(UsageError, match="kappa"):
        trained(tmp_path, kappa=0.2)


@pytest.mark.parametrize(
    "term", ["gan", "classifier", "reconstruction", "consistency", "count", "smoothness", "entropy"]
)
def test_every_term_can_be_switched_off(tmp_path: Path, term: str, capsys: pytest.CaptureFixture[str]) -> None:
    explainer = trained(tmp_path, steps=2, evaluations=1, **{term: 0.0})
    assert ("nothing but the other priors keeps the mask small" in capsys.readouterr().err) == (term == "count")
    assert explainer.masked and explainer.card["training"]["schedule"][term] == 0


def test_without_a_mask_the_transformed_image_is_the_composite(tmp_path: Path) -> None:
    explainer = trained(tmp_path, steps=2, evaluations=1, mask=False)
    explanation = explain(explainer, DECISIONS, floats(bars(4)))
    assert torch.equal(explanation.composite, explanation.transformed) and bool((explanation.mask == 1).all())


def test_more_than_two_classes_share_one_network(tmp_path: Path) -> None:
    def three(images: Tensor) -> Tensor:
        thirds = images[..., :2].mean((1, 2, 3)), images[..., 2:5].mean((1, 2, 3)), images[..., 5:].mean((1, 2, 3))
        return 20 * torch.stack(thirds, 1)

    class Three:
        differentiable = True
        __call__ = staticmethod(three)

    decisions = Decisions(Three(), ("left", "middle", "right"))
    with pytest.raises(UsageError, match="label=True"):
        trained(tmp_path, decisions=decisions)
    explainer = trained(tmp_path, decisions=decisions, label=True, steps=2, evaluations=1)
    explanation = explain(explainer, decisions, floats(bars(6)))
    assert (explanation.target != explanation.source).all() and len(explainer.classes) == 3


def test_a_classifier_that_decides_for_one_class_leaves_nothing_to_explain(tmp_path: Path) -> None:
    sure = Decisions(DECISIONS.classifier, DECISIONS.classes, column=0, threshold=1 - 1e-12)
    with pytest.raises(JobError, match=r"decides for 'right' on none of 200 images"):
        trained(tmp_path, decisions=sure)
    assert not list(tmp_path.iterdir())


def test_impossible_objectives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="both weights are 0"):
        trained(tmp_path, gan=0.0, classifier=0.0)
    with pytest.raises(UsageError, match="kappa"):
        trained(tmp_path, kappa=1.5)
    with pytest.raises(UsageError, match="a mask of everything would cost nothing"):
        trained(tmp_path, count=0.0, consistency=0.0)
    with pytest.raises(UsageError, match="no gradient"):
        trained(tmp_path, decisions=Decisions(from_function(LeftOrRight()), DECISIONS.classes, column=0))


def test_the_log_holds_each_term_as_it_is(tmp_path: Path) -> None:
    trained(tmp_path, steps=1, evaluations=1, kappa=0.9)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["count"] for line in lines if "count" in line] == [pytest.approx(0.9)]


def test_a_run_that_diverges_says_so(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="diverged at step"):
        trained(tmp_path, learning_rate=1e30)


def test_another_black_box_gets_no_student_of_the_first(tmp_path: Path) -> None:
    first = Decisions(from_function(LeftOrRight()), DECISIONS.classes, column=0)
    other = Decisions(from_function(lambda images: -LeftOrRight()(images)), DECISIONS.classes, column=0)
    imitate(first, bars(300), tmp_path, steps=2, device="cpu")
    with pytest.raises(UsageError, match="another run"):
        imitate(other, bars(300), tmp_path, steps=2, device="cpu")


def test_a_black_box_is_explained_through_a_student(tmp_path: Path) -> None:
    asked = 0

    def answers(images: Tensor) -> Tensor:
        nonlocal asked
        asked += len(images)
        return LeftOrRight()(images)

    black_box = Decisions(from_function(answers), DECISIONS.classes, column=0)
    student = imitate(black_box, bars(300), tmp_path / "student", steps=80, device="cpu")
    assert asked == 600 + 64 and student.differentiable  # some once more, to tell the black box from others
    images = floats(bars(60, seed=3))
    assert float((student.predict(images) == black_box.predict(images)).double().mean()) > 0.95
    explainer = trained(tmp_path / "run", decisions=black_box, stand_in=student, steps=4, evaluations=1)
    assert explainer.card["metrics"]["validity"] >= 0


def test_what_a_black_box_said_before_it_failed_is_not_asked_again(tmp_path: Path) -> None:
    asked: list[int] = []

    def moody(images: Tensor) -> Tensor:
        asked.append(len(images))
        if len(asked) == 3:
            raise RuntimeError("line is busy")
        return LeftOrRight()(images)

    black_box = Decisions(from_function(moody), DECISIONS.classes, column=0)
    with pytest.raises(JobError, match="line is busy"):
        imitate(black_box, bars(300), tmp_path, steps=4, device="cpu")
    assert asked == [64, 256, 256]
    imitate(black_box, bars(300), tmp_path, steps=4, device="cpu")
    assert asked[3:] == [64, 256, 88]
