"""What a detector costs on a phone-like machine: parameters, multiply-adds, milliseconds a face on one core.

Multi against Binary as the dissertation compares them (table 2.16, section 2.4.5): ten part networks for all forty
attributes, or forty networks of one attribute each. Weights are random, for they do not change the cost.
"""

import csv
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, benchmark, processor_seconds

PUBLISHED_SECONDS = {"MultiDeep": 1.22, "MultiWide": 2.10, "BinaryDeep x 40": 14.4, "BinaryWide x 40": 25.5}


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    import torch

    from lineament.detectors.attributes import CELEBA_ATTRIBUTES
    from lineament.detectors.presets import Part, binary, lineament, paper, portraits, wide

    torch.manual_seed(seed)
    one = binary(["Smiling"]).parts[0]
    broad = Part(one.name, "wide", one.window, one.attributes)
    plans: dict[str, tuple[Any, int, bool]] = {
        "MultiDeep": (paper(CELEBA_ATTRIBUTES).parts, 1, False),
        "MultiWide": (wide(CELEBA_ATTRIBUTES).parts, 1, False),
        "BinaryDeep x 40": ((one,), 40, False),
        "BinaryWide x 40": ((broad,), 40, False),
        "lineament": (lineament(CELEBA_ATTRIBUTES).parts, 1, True),
        "lineament, unmirrored": (lineament(CELEBA_ATTRIBUTES).parts, 1, False),
        "portraits": (portraits(CELEBA_ATTRIBUTES[:28]).parts, 1, False),
    }
    if quick:
        plans = {name: plans[name] for name in ("MultiDeep", "lineament", "portraits")}
    rows = [cost(name, *plan, quick) for name, plan in plans.items()]
    table = {row["detector"]: row for row in rows}
    deep, ours = table["MultiDeep"], table["lineament"]
    metrics = {
        "parameter_counts_exact": exact_counts(),
        "multi_deep_ms_torch": deep["ms_torch"],
        "multi_deep_ms_onnx": deep["ms_onnx"],
        "lineament_ms_torch": ours["ms_torch"],
        "lineament_ms_onnx": ours["ms_onnx"],
        "lineament_multiply_adds_over_paper": ours["multiply_adds_m"] / deep["multiply_adds_m"],
    }
    if not quick:
        metrics["binary_over_multi_time"] = table["BinaryDeep x 40"]["ms_torch"] / deep["ms_torch"]
        metrics["binary_over_multi_time_published"] = 14.4 / 1.22
    return metrics, rows


def cost(name: str, parts: Sequence[Any], copies: int, mirror: bool, quick: bool) -> dict[str, Any]:
    """One row; of ``copies`` equal networks one is measured and multiplied."""
    import onnxruntime
    import torch

    from lineament.classifier import export_onnx
    from lineament.detectors.detector import Detector, build_network
    from lineament.detectors.heads import Head
    from lineament.detectors.networks import multiply_adds

    networks = {part.name: build_network(part) for part in parts}
    attributes = list(dict.fromkeys(attribute for part in parts for attribute in part.attributes))
    width = sum(part.embedding for part in parts)
    head = Head(np.ones((len(attributes), width), np.float32), np.zeros(len(attributes), np.float32))
    eyes = np.array([[0.386, 0.44], [0.61, 0.44]], np.float32)
    detector = Detector(
        parts,
        networks,
        head,
        attributes=attributes,
        thresholds=np.full(len(attributes), 0.5),
        eyes=eyes,
        shape=(128, 128),
        mirror=mirror,
    )
    sides = 2 if mirror else 1
    macs = sides * sum(multiply_adds(networks[part.name], part.window.height, part.window.width) for part in parts)
    image = torch.rand(1, 3, 128, 128)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        torch_ms = 1000 * processor_seconds(lambda: detector(image), quick=quick)
        path = Path(folder) / "detector.onnx"
        export_onnx(detector, path, (3, 128, 128), tolerance=1e-3)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        onnx_ms = 1000 * processor_seconds(lambda: session.run(None, {"images": image.numpy()}), quick=quick)
    return {
        "detector": name,
        "attributes": len(attributes) * copies,
        "parameters": copies * sum(weight.numel() for network in networks.values() for weight in network.parameters()),
        "multiply_adds_m": copies * macs / 1e6,
        "ms_torch": copies * torch_ms,
        "ms_onnx": copies * onnx_ms,
        "published_phone_s": PUBLISHED_SECONDS.get(name),
    }


def exact_counts() -> int:
    """How many of the 22 printed parameter counts of table 2.16 our networks have exactly."""
    from lineament.detectors.attributes import CELEBA_ATTRIBUTES, PART_ATTRIBUTES
    from lineament.detectors.networks import PartNetwork

    exact = 0
    with (ROOT / "benchmarks" / "published" / "table_2_16.csv").open() as file:
        for row in csv.DictReader(file):
            if row["parameters_exact"] != "yes":
                continue
            attributes = PART_ATTRIBUTES.get(row["face_part"], CELEBA_ATTRIBUTES)
            kind: Any = row["architecture"]
            height, width = int(row["input_height_px"]), int(row["input_width_px"])
            network = PartNetwork(kind, height, width, len(attributes))
            exact += sum(weight.numel() for weight in network.parameters()) == int(row["parameters"])
    return exact


if __name__ == "__main__":
    benchmark("detector_cost", "parameters, multiply-adds and milliseconds a face on one core", measure)
