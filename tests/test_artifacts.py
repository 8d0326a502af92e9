"""Artifacts: a random one comes back as it went; any changed byte is refused; a failing disk leaves what was there."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from lineament import artifacts
from lineament.artifacts import Artifact, load, read_card, save, write_atomically
from lineament.errors import JobError, UsageError

TENSORS = {"layer.weight": torch.arange(6.0).view(2, 3), "layer.bias": torch.tensor([1, -1])}
SMALL = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
shapes = st.lists(st.integers(0, 4), max_size=4)
dtypes = st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool])


def write(folder: Path, **changed: Any) -> Path:
    given: dict[str, Any] = {"kind": "detector", "tensors": TENSORS, "config": {"width": 8}}
    return save(folder, **(given | changed))


def seal(folder: Path, **changed: Any) -> None:
    """Change the card as one who knows the format would: with a sha256 that fits."""
    card = json.loads((folder / "card.json").read_bytes()) | changed
    card.pop("card_sha256")
    (folder / "card.json").write_bytes(artifacts._sealed(card))


@SMALL
@given(
    tensors=st.dictionaries(st.text("abc.", min_size=1, max_size=6), st.tuples(shapes, dtypes), max_size=4),
    config=st.dictionaries(st.text(), json_values, max_size=4),
    metrics=st.dictionaries(st.text(), json_values, max_size=4),
)
def test_round_trip(tensors: dict[str, Any], config: dict[str, Any], metrics: dict[str, Any], tmp_path: Path) -> None:
    made = {key: torch.randint(0, 100, shape).to(dtype) for key, (shape, dtype) in tensors.items()}
    loaded = load(write(tmp_path / "a", tensors=made, config=config, metrics=metrics), kind="detector")
    assert loaded.card["config"] == config and loaded.card["metrics"] == metrics
    assert loaded.tensors.keys() == made.keys()
    for key, tensor in made.items():
        assert loaded.tensors[key].dtype == tensor.dtype
        assert torch.equal(loaded.tensors[key], tensor)


def test_views_shared_weights_and_gradients_are_written_as_they_look(tmp_path: Path) -> None:
    base = torch.randn(4, 3, requires_grad=True)
    written: dict[str, Tensor] = {"base": base, "turned": base.t(), "row": base[1], "again": base}
    loaded = load(write(tmp_path / "a", tensors=written), kind="detector").tensors
    assert all(torch.equal(loaded[key], tensor) for key, tensor in written.items())


@SMALL
@given(
    name=st.sampled_from(["card.json", "model.safetensors"]),
    place=st.floats(0, 1, exclude_max=True),
    flip=st.integers(1, 255),
)
def test_any_changed_byte_is_refused(name: str, place: float, flip: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a", attributes=["Smiling", "Bärtig"], metrics={"auc": 0.5}) / name
    raw = bytearray(path.read_bytes())
    raw[int(place * len(raw))] ^= flip
    path.write_bytes(raw)
    with pytest.raises(JobError, match=r"card\.json|model\.safetensors"):
        load(path.parent, kind="detector")


@SMALL
@given(name=st.sampled_from(["card.json", "model.safetensors"]), kept=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_off_anywhere_is_refused(name: str, kept: float, tmp_path: Path) -> None:
    path = write(tmp_path / "a") / name
    raw = path.read_bytes()
    path.write_bytes(raw[: int(kept * len(raw))])
    with pytest.raises(JobError):
        load(path.parent, kind="detector")


@SMALL
@given(raw=st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_a_card_of_anything_is_refused(raw: bytes, tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    (folder / "card.json").write_bytes(raw)
    with pytest.raises(JobError, match=r"card\.json"):
        read_card(folder)


REFUSALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (lambda a: a.rename(a.with_name("b")), "no such folder"),
    "a file": (lambda a: [a.rename(a.with_name("b")), a.write_text("x")], "is a file"),
    "no card": (lambda a: (a / "card.json").unlink(), "no file card.json"),
    "no weights": (lambda a: (a / "model.safetensors").unlink(), "no file model.safetensors"),
    "weights are a folder": (
        lambda a: [(a / "model.safetensors").unlink(), (a / "model.safetensors").mkdir()],
        "no file",
    ),
    "weights grew": (lambda a: os.truncate(a / "model.safetensors", 9999), "expected no more than"),
    "weights cut": (lambda a: os.truncate(a / "model.safetensors", 9), "cut off after 9 of"),
    "not JSON": (lambda a: (a / "card.json").write_text("{"), "not JSON"),
    "deep JSON": (lambda a: (a / "card.json").write_text("[" * 100_000), "not JSON"),
    "long number": (lambda a: (a / "card.json").write_text("9" * 5000), "not JSON"),
    "no object": (lambda a: (a / "card.json").write_text("[]"), "expected a JSON object, got list"),
    "huge card": (lambda a: (a / "card.json").write_text(" " * 2_000_000), "expected no more than 1,048,576"),
    "another kind": (lambda a: seal(a, kind="editor"), "holds a 'editor', expected a 'detector'"),
    "a later format": (lambda a: seal(a, format=2), "format 2; this lineament"),
    "NaN": (lambda a: (a / "card.json").write_text(json.dumps(read_card(a) | {"x": float("nan")})), "own sha256"),
    "another type": (lambda a: seal(a, config=[]), "'config': expected dict, got list"),
    "a size beyond reason": (lambda a: seal(a, weights_bytes=10**30), "cut off"),
    "a negative size": (lambda a: seal(a, weights_bytes=-2), "expected no more than"),
    "another hash": (lambda a: seal(a, weights_sha256="0" * 64), "its sha256 is not the card's"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_give_the_reason(case: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    harm, reason = REFUSALS[case]
    harm(folder)
    with pytest.raises(JobError, match=reason) as refused:
        load(folder, kind="detector")
    assert str(folder) in str(refused.value)


def test_weights_that_are_no_safetensors_are_refused_even_with_a_fitting_hash(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    raw = b"\x80\x04pickle"
    (folder / "model.safetensors").write_bytes(raw)
    seal(folder, weights_bytes=len(raw), weights_sha256=artifacts.hashlib.sha256(raw).hexdigest())
    with pytest.raises(JobError, match="not a safetensors file"):
        load(folder, kind="detector")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"metrics": {"auc": float("nan")}}, "JSON values only"),
        ({"config": {"path": Path("x")}}, "JSON values only"),
        ({"attributes": ["Smiling", 3]}, "expected a list of names"),
        ({"licence": None}, "'licence': expected str, got NoneType"),
        ({"kind": 3}, "'kind': expected str, got int"),
        ({"weights_sha256": "0"}, "written by save itself"),
        ({"notes": "x" * 2_000_000}, "more than 1,048,576"),
        ({"tensors": {"a": [1.0]}}, "cannot be written as safetensors"),
        ({"tensors": {"a": torch.eye(2).to_sparse()}}, "cannot be written as safetensors"),
    ],
)
def test_what_cannot_be_written_is_a_wrong_call_and_leaves_nothing(
    changed: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=reason):
        write(tmp_path / "a", **changed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exchange", [True, False], ids=["one step", "two steps"])
def test_a_new_artifact_replaces_the_old_one(exchange: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not exchange:
        monkeypatch.setattr(artifacts, "_exchange", lambda one, other: False)
    write(tmp_path / "deep" / "a")
    write(tmp_path / "deep" / "a", config={"width": 9})
    assert read_card(tmp_path / "deep" / "a")["config"] == {"width": 9}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(JobError, match=r"holds other files \(thesis.tex\)"):
        write(tmp_path)
    with pytest.raises(JobError, match="is a file"):
        write(tmp_path / "thesis.tex")
    with pytest.raises(JobError, match="holds other files"):
        write(Path("/"))
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


STEPS = ["mkdir", "open", "fsync", "fsync again", "rename"]


@pytest.mark.parametrize("old", [True, False], ids=["over an old one", "first one"])
@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_at_any_step_leaves_what_was_there(
    step: str, old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a"
    if old:
        write(folder)
    name, _, again = step.partition(" ")
    owner = os if name == "fsync" else Path
    real, left = getattr(owner, name), [1 if again else 0]

    def full(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(JobError, match=r"a: could not be written \(No space left"):
        patch.setattr(artifacts, "_exchange", lambda one, other: False)
        patch.setattr(owner, name, full)
        write(folder, config={"width": 9})
    assert [path.name for path in tmp_path.iterdir()] == (["a"] if old else [])
    if old:
        assert load(folder, kind="detector").card["config"] == {"width": 8}


def test_the_second_rename_failing_brings_the_old_one_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, real, calls = write(tmp_path / "a"), Path.rename, []

    def rename(path: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.EIO, "Input/output error")
        return real(path, target)

    monkeypatch.setattr(artifacts, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(JobError, match="Input/output error"):
        write(folder, config={"width": 9})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert load(folder, kind="detector").card["config"] == {"width": 8}


LIMITED = """
import resource, signal, sys, torch
from lineament.artifacts import save, write_atomically
from lineament.errors import JobError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for attempt in (
    lambda: save(sys.argv[1], kind="detector", tensors={"w": torch.zeros(4096)}, config={}),
    lambda: write_atomically(sys.argv[1] + ".bin", b"x" * 8192),
):
    try:
        attempt()
    except JobError as error:
        print(error)
"""


def test_a_disk_that_really_takes_no_more(tmp_path: Path) -> None:
    write(tmp_path / "a")
    (tmp_path / "a.bin").write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", LIMITED, tmp_path / "a"], capture_output=True, text=True, check=True)
    assert done.stdout.count("could not be written (File too large); nothing was changed") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.bin"]
    assert load(tmp_path / "a", kind="detector").card["config"] == {"width": 8}
    assert (tmp_path / "a.bin").read_bytes() == b"old"


def test_write_atomically_takes_bytes_or_a_function_and_makes_parents(tmp_path: Path) -> None:
    assert write_atomically(tmp_path / "deep" / "a", b"one").read_bytes() == b"one"
    assert write_atomically(tmp_path / "deep" / "a", lambda file: file.write(b"two")).read_bytes() == b"two"


def test_write_atomically_follows_links_and_keeps_the_mode(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["folder", "device", "below a file"])
def test_write_atomically_refuses_what_is_no_file(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    path = {"folder": tmp_path, "device": Path(os.devnull), "below a file": tmp_path / "file" / "x"}[kind]
    with pytest.raises(JobError, match=str(path)):
        write_atomically(path, b"x")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("error", [ValueError("torn pipe"), KeyboardInterrupt()])
def test_a_writer_that_fails_leaves_the_old_file(error: BaseException, tmp_path: Path) -> None:
    def broken(file: Any) -> None:
        file.write(b"half")
        raise error

    write_atomically(tmp_path / "a", b"old")
    with pytest.raises(type(error)):
        write_atomically(tmp_path / "a", broken)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_the_representation_prints_no_weights() -> None:
    assert "tensor" not in repr(Artifact(TENSORS, {"kind": "detector"}))
