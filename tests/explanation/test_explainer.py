"""The explainer: what an explanation holds, its dial, its file, and the calls it refuses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lineament.datasets.labelled import floats
from lineament.errors import JobError, UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import Explainer, Explanation, dial, explain, flips, load
from lineament.explanation.export import export_onnx
from lineament.explanation.networks import Transformer
from tests.explanation.toy import DECISIONS, bars


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    torch.manual_seed(0)
    transformer = Transformer((1, 8, 8), width=8)
    torch.nn.init.normal_(transformer.output.weight, 0, 0.5)
    return Explainer(transformer, DECISIONS.classes)


IMAGES = floats(bars(10))


def swapped() -> Explanation:
    """Bars moved to the other half, by hand; images 0, 2, … are on the left."""
    source = torch.arange(10) % 2
    other = IMAGES.roll(4, 3)
    mask = torch.ones(10, 1, 8, 8)
    return Explanation(IMAGES, DECISIONS(IMAGES).exp(), source, 1 - source, IMAGES, other, mask, other)


def test_an_explanation_is_what_its_parts_say(explainer: Explainer) -> None:
    explanation = explain(explainer, DECISIONS, IMAGES, batch_size=3)
    assert torch.equal(explanation.source, torch.arange(10) % 2)
    assert torch.equal(explanation.target, 1 - explanation.source)
    assert torch.allclose(explanation.probabilities.sum(1), torch.ones(10))
    mixed = IMAGES * (1 - explanation.mask) + explanation.transformed * explanation.mask
    assert torch.equal(explanation.composite, mixed)
    whole = explain(explainer, DECISIONS, IMAGES)
    assert torch.allclose(whole.composite, explanation.composite, atol=1e-6)
    assert torch.equal(whole[2:4].mask, whole.mask[2:4]) and len(whole[[1]]) == 1


def test_the_dial_starts_at_the_image_and_ends_at_the_composite() -> None:
    explanation = swapped()
    assert torch.equal(explanation.at(0.0), IMAGES) and torch.equal(explanation.at(1.0), explanation.composite)
    each = explanation.at(torch.linspace(0, 1, 10))
    assert torch.allclose(each[3], explanation.at(3 / 9)[3])
    strengths, probabilities = dial(explanation, DECISIONS, 5)
    assert torch.allclose(strengths, torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])) and probabilities.shape == (10, 5)
    for i in range(10):
        for k, strength in enumerate(strengths):
            moved = IMAGES[i] + strength * (explanation.composite[i] - IMAGES[i])
            expected = DECISIONS(moved[None]).exp()[0, explanation.target[i]]
            assert probabilities[i, k] == pytest.approx(float(expected), abs=1e-5)


def test_the_decision_flips_where_a_finer_dial_finds_it() -> None:
    explanation = swapped()
    found = flips(explanation, DECISIONS, 5)
    fine = np.linspace(0, 1, 1001)
    crossed = torch.stack([DECISIONS.predict(explanation.at(float(s))) == explanation.target for s in fine], 1)
    expected = torch.from_numpy(fine)[crossed.int().argmax(1)]
    assert torch.allclose(found.double(), expected, atol=2e-3)


def test_what_never_crosses_has_no_place_where_it_flips() -> None:
    still = swapped()
    still = Explanation(**{**vars(still), "composite": still.images})
    assert flips(still, DECISIONS).isnan().all()


def test_calls_that_cannot_be_explained_are_refused(explainer: Explainer) -> None:
    with pytest.raises(UsageError, match="takes 1 x 8 x 8, got 1 x 8 x 12"):
        explain(explainer, DECISIONS, torch.rand(2, 1, 8, 12))
    with pytest.raises(UsageError, match="trained for the classes left, right; got up, down"):
        explain(explainer, Decisions(DECISIONS.classifier, ("up", "down"), column=0), IMAGES)
    with pytest.raises(UsageError, match="image 0 is already decided as 'left'"):
        explain(explainer, DECISIONS, IMAGES, target=0)
    with pytest.raises(UsageError, match="expected 0 to 1"):
        explain(explainer, DECISIONS, IMAGES, target=2)
    with pytest.raises(UsageError, match=r"one class, or \(10,\), got shape \(3,\)"):
        explain(explainer, DECISIONS, IMAGES, target=torch.tensor([0, 1, 0]))
    with pytest.raises(UsageError, match="image 4 is already"):
        explain(explainer, DECISIONS, IMAGES, target=torch.tensor([1, 0, 1, 0, 0, 0, 1, 0, 1, 0]), batch_size=3)
    with pytest.raises(UsageError, match="at least one"):
        explain(explainer, DECISIONS, IMAGES[:0])
    for turned in (dial, flips):
        with pytest.raises(UsageError, match="at least 2"):
            turned(swapped(), DECISIONS, 1)


def test_explaining_leaves_the_images_and_the_explainer_as_they_were(explainer: Explainer) -> None:
    before, weights = IMAGES.clone(), {k: v.clone() for k, v in explainer.state_dict().items()}
    explain(explainer, DECISIONS, IMAGES)
    assert torch.equal(before, IMAGES) and all(torch.equal(v, weights[k]) for k, v in explainer.state_dict().items())


def test_an_artifact_comes_back_and_a_wrong_one_is_refused(explainer: Explainer, tmp_path: Path) -> None:
    explainer.save(tmp_path / "explainer", data="bars")
    again = load(tmp_path)
    assert again.card["data"] == "bars" and again.classes == explainer.classes and again.shape == (1, 8, 8)
    apart = explain(again, DECISIONS, IMAGES).composite - explain(explainer, DECISIONS, IMAGES).composite
    assert float(apart.abs().max()) < 2e-2  # weights are kept as float16
    card = tmp_path / "explainer" / "card.json"
    card.write_text(card.read_text().replace('"width": 8', '"width": 9'))
    with pytest.raises(JobError):
        load(tmp_path)


def test_the_onnx_file_explains_as_torch_does(explainer: Explainer, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    assert export_onnx(explainer, tmp_path / "explainer.onnx") < 1e-4
    session = onnxruntime.InferenceSession((tmp_path / "explainer.onnx").read_bytes())
    explanation = explain(explainer, DECISIONS, IMAGES)
    fed = {"images": IMAGES.numpy(), "source": explanation.source.numpy(), "target": explanation.target.numpy()}
    composite = session.run(["composite"], fed)[0]
    assert np.allclose(composite, explanation.composite.numpy(), atol=1e-4)
