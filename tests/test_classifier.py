"""The adapters leave what they wrap as it was, refuse what is no classifier, and ONNX files agree with torch."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lineament.classifier import export_onnx, from_function, from_module, from_onnx
from lineament.errors import JobError, UsageError


def network(seed: int = 0) -> nn.Sequential:
    """Every layer that a careless wrapper would disturb: in-place, dropout, batch statistics, a frozen weight."""
    torch.manual_seed(seed)
    body = nn.Sequential(
        nn.Hardtanh(0.2, 0.8, inplace=True), nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5)
    )
    made = nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    made[3].bias.requires_grad_(False)
    body[2].eval()
    return made


@pytest.fixture
def images() -> Tensor:
    return torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "classifier.onnx"
    export_onnx(from_module(network()), path, (1, 8, 8))
    return path


def test_explaining_leaves_the_module_untouched(images: Tensor) -> None:
    module = network()
    module[3].weight.grad = torch.ones(3, 4)
    state = {key: value.clone() for key, value in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    wanted = [weight.requires_grad for weight in module.parameters()]
    asked = images.clone().requires_grad_(True)
    from_module(module)(asked).sum().backward()
    assert asked.grad is not None and asked.grad.abs().sum() > 0
    assert torch.equal(asked.detach(), images)
    assert [part.training for part in module.modules()] == modes
    assert [weight.requires_grad for weight in module.parameters()] == wanted
    assert all(torch.equal(module.state_dict()[key], value) for key, value in state.items())
    assert torch.equal(module[3].weight.grad, torch.ones(3, 4)) and module[0][1].weight.grad is None


def test_a_module_runs_in_evaluation_mode_and_its_training_shows(images: Tensor) -> None:
    module = network()
    classifier = from_module(module)
    before = classifier(images)
    assert torch.equal(before, copy.deepcopy(module).eval()(images.clone()))
    with torch.no_grad():
        module[3].bias.add_(1)
    torch.testing.assert_close(classifier(images), before + 1)


def test_tied_weights_stay_tied_in_the_twin() -> None:
    first = nn.Linear(4, 4)
    second = nn.Linear(4, 4)
    second.weight = first.weight
    twin = from_module(nn.Sequential(nn.Flatten(), first, second)).module
    assert isinstance(twin, nn.Sequential) and twin[1].weight is twin[2].weight
    assert twin[1].weight.data_ptr() == first.weight.data_ptr()


def test_a_module_that_cannot_be_copied_is_refused() -> None:
    module = nn.Flatten()
    module.__dict__["hidden"] = torch.ones(1, requires_grad=True) * 2
    with pytest.raises(UsageError, match="Flatten: cannot be copied"):
        from_module(module)


def test_a_function_may_return_arrays_lists_or_tensors_and_write_to_its_images(images: Tensor) -> None:
    def greedy(given: Tensor) -> Tensor:
        return given.zero_().flatten(1)[:, :2]

    before = images.clone()
    assert from_function(greedy)(images).shape == (5, 2)
    assert torch.equal(images, before)
    for convert in (np.asarray, torch.Tensor.tolist):
        logits = from_function(lambda given, convert=convert: convert(given.mean((2, 3))))(images)
        torch.testing.assert_close(logits, images.mean((2, 3)))
        assert logits.dtype == torch.float32


@pytest.mark.parametrize(
    ("function", "error", "reason"),
    [
        (lambda x: x.mean((1, 2, 3)), UsageError, r"expected logits of shape \(5, classes\), got \(5,\)"),
        (lambda x: x[:2].flatten(1), UsageError, r"got \(2, 64\)"),
        (lambda x: x.flatten(1).log() * 0 if x.sum() < 0 else x.flatten(1) / 0, JobError, "image 0 are not finite"),
    ],
)
def test_what_are_no_logits_is_refused(
    function: Callable[[Tensor], Tensor], error: type[Exception], reason: str, images: Tensor
) -> None:
    with pytest.raises(error, match=reason):
        from_function(function)(images)


def test_images_that_a_module_cannot_take_are_a_wrong_call() -> None:
    with pytest.raises(UsageError, match=r"Sequential: failed on images of shape \(2, 3, 8, 8\)"):
        from_module(network())(torch.rand(2, 3, 8, 8))


def test_a_batch_size_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="batch_size: expected at least 1, got 0"):
        from_module(network(), batch_size=0)


@pytest.mark.parametrize("batch", [1, 2, 9])
def test_an_exported_file_agrees_with_torch_at_any_batch(batch: int, exported: Path) -> None:
    images = torch.rand(batch, 1, 8, 8)
    torch.testing.assert_close(from_onnx(exported)(images), from_module(network())(images), rtol=1e-4, atol=1e-5)


def test_an_exported_file_refuses_other_images_by_name(exported: Path) -> None:
    with pytest.raises(UsageError, match=r"classifier.onnx: takes images of shape \(1, 8, 8\), got \(1, 9, 8\)"):
        from_onnx(exported)(torch.rand(1, 1, 9, 8))


def test_export_refuses_what_holds_no_module_and_a_wrong_shape(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only a torch module can be exported"):
        export_onnx(from_function(lambda x: x.flatten(1)), tmp_path / "a.onnx", (1, 8, 8))
    with pytest.raises(UsageError, match=r"shape: expected \(channels, height, width\)"):
        export_onnx(network(), tmp_path / "a.onnx", (1, 1, 8, 8))


class Forgetful(nn.Module):
    """Differs between torch and its export: the trace keeps the first value of a counter."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        return images.flatten(1) + self.calls


def test_an_export_that_disagrees_with_torch_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"old")
    with pytest.raises(JobError, match="a.onnx: not written: its logits are"):
        export_onnx(Forgetful(), tmp_path / "a.onnx", (1, 4, 4))
    assert (tmp_path / "a.onnx").read_bytes() == b"old"


class Undecided(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) if images.sum() > 1 else -images.flatten(1)


def test_a_module_that_torch_cannot_export_is_a_failed_job(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="torch cannot export Undecided"):
        export_onnx(Undecided(), tmp_path / "a.onnx", (1, 4, 4))
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.floats(0, 1, exclude_max=True), noise=st.binary(max_size=20))
def test_a_torn_file_is_refused_by_name_or_still_right(
    kept: float, noise: bytes, exported: Path, images: Tensor, tmp_path: Path
) -> None:
    raw = exported.read_bytes()
    torn = tmp_path / "torn.onnx"
    torn.write_bytes(raw[: int(kept * len(raw))] + noise)
    try:
        logits = from_onnx(torn)(images)
    except JobError as error:
        assert "torn.onnx" in str(error)
    else:  # cut between two fields that nothing needs
        assert torch.equal(logits, from_onnx(exported)(images))


@pytest.mark.parametrize("batch", [1, 4])
def test_a_file_of_fixed_batch_is_run_one_by_one_or_refused(batch: int, tmp_path: Path) -> None:
    from onnx import TensorProto, helper, save

    places: list[Any] = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("images", [batch, 1, 4, 4]), ("logits", [batch, 16]))
    ]
    graph = helper.make_graph([helper.make_node("Flatten", ["images"], ["logits"])], "fixed", places[:1], places[1:])
    opset = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "fixed.onnx")
    images = torch.rand(3, 1, 4, 4)
    if batch == 1:
        assert torch.equal(from_onnx(tmp_path / "fixed.onnx")(images), images.flatten(1))
    else:
        with pytest.raises(JobError, match="takes batches of 4 images only"):
            from_onnx(tmp_path / "fixed.onnx")


def test_a_missing_file_and_a_missing_extra_say_what_to_do(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(JobError, match=r"none\.onnx: could not be read \(No such file"):
        from_onnx(tmp_path / "none.onnx")
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(JobError, match=r"pip install 'lineament\[export\]'"):
        from_onnx(exported)
