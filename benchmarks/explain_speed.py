"""Milliseconds of one explanation on one core: an explainer's single pass beside the attributions of the same decision.

Two sizes: digits at 28 px with the small classifier of chapter 4, portraits at 64 px with the detector that comes with
the package, both explained by networks of the presets' sizes. Weights of the explainers are random, for they do not
change the cost. An attribution map says where; the explainer also says how the image would have to look.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import benchmark, processor_seconds

METHODS = ("gradient", "integrated_gradients", "grad_cam", "occlusion", "lrp_epsilon", "lrp_z_plus")
BATCH = 32


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    import torch

    torch.manual_seed(seed)
    rows = [row for size, setting in SETTINGS.items() for row in timed(size, *setting(), quick)]
    metrics: dict[str, float] = {}
    for size in SETTINGS:
        ms = {row["method"]: row["ms"] for row in rows if row["size"] == size}
        suffix = size.replace(" ", "_")
        metrics[f"explainer_ms_{suffix}"] = ms["explainer"]
        for name in ("occlusion", "integrated_gradients"):
            metrics[f"{name}_over_explainer_{suffix}"] = ms[name] / ms["explainer"]
    return metrics, rows


def digits() -> tuple[Any, Any]:
    """Decisions and explainer for grey images of 28 px."""
    from lineament.classifier import from_module
    from lineament.explanation.decisions import Decisions
    from lineament.explanation.small_classifiers import build

    shape = (1, 28, 28)
    return Decisions(from_module(build("convolutional", shape, 2)), ("4", "9")), untrained("digits", shape, ("4", "9"))


def portraits() -> tuple[Any, Any]:
    """Decisions and explainer for the shipped detector's eyeglasses."""
    from lineament.detectors.detector import shipped
    from lineament.explanation.classifiers import two_classes

    decisions = two_classes(shipped(), "Eyeglasses")
    return decisions, untrained("faces", (3, 64, 64), decisions.classes)


SETTINGS: dict[str, Callable[[], tuple[Any, Any]]] = {"28 px": digits, "64 px": portraits}


def untrained(preset: str, shape: tuple[int, int, int], classes: tuple[str, ...]) -> Any:
    """An explainer of a preset's size."""
    from lineament.explanation.explainer import Explainer
    from lineament.explanation.networks import Transformer
    from lineament.explanation.presets import PRESETS

    config = PRESETS[preset]
    sizes = {name: getattr(config, name) for name in ("width", "levels", "shared", "skips")}
    return Explainer(Transformer(shape, len(classes), **sizes), classes)


def timed(size: str, decisions: Any, explainer: Any, quick: bool) -> list[dict[str, Any]]:
    """A row a method: milliseconds of one image by itself, and of one of a batch by the explainer."""
    import onnxruntime
    import torch

    from lineament.explanation.attribution import attribute
    from lineament.explanation.explainer import explain
    from lineament.explanation.export import export_onnx

    images = torch.rand(BATCH, *explainer.shape)
    source = decisions.predict(images)
    calls: dict[str, Callable[[Any, Any], object]] = {
        "decision alone": lambda x, _: decisions.predict(x),
        "explainer": lambda x, _: explain(explainer, decisions, x),
        **{name: lambda x, j, name=name: attribute(name, decisions, x, j) for name in METHODS},  # type: ignore[misc]
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "explainer.onnx"
        export_onnx(explainer, path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    calls["explainer, ONNX, decision given"] = lambda x, j: session.run(
        None, {"images": x.numpy(), "source": j.numpy(), "target": (1 - j).numpy()}
    )
    ms = {}
    for name, call in calls.items():
        print(f"{size}: {name}", flush=True)
        ms[name] = milliseconds(call, images[:1], source[:1], quick)
    ms[f"explainer, one of {BATCH} at once"] = milliseconds(calls["explainer"], images, source, quick)
    return [{"size": size, "method": name, "ms": one, "times": one / ms["explainer"]} for name, one in ms.items()]


def milliseconds(call: Callable[[Any, Any], object], images: Any, source: Any, quick: bool) -> float:
    """Processor time of one of the images."""
    return 1000 * processor_seconds(lambda: call(images, source), quick=quick) / len(images)


if __name__ == "__main__":
    benchmark(
        "explain_speed", "one explanation costs milliseconds, less than occlusion or integrated gradients", measure
    )
