"""How many portraits are read a second on one core: the scene is drawn from its seed, then painted.

Processor time, not the clock on the wall, so that other work on the machine counts as little as it can.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.harness import benchmark
from lineament.datasets.portraits import portraits

TARGET = 500.0


def measure(quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    metrics, rows = {}, []
    for size, images in ((64, 4000), (128, 1500), (256, 500)):
        n = images // 10 if quick else images
        dataset = portraits(n, 1, sessions=1, size=size, seed=seed)
        dataset.read(0)  # what is loaded on first use is not the drawing's
        started = time.process_time()
        for i in range(n):
            dataset.read(i)
        rate = n / (time.process_time() - started)
        metrics[f"images_per_second_{size}"] = rate
        rows.append({"size": size, "n": n, "images_per_second": rate, "target": TARGET if size == 64 else None})
        print(f"{size:4d} px  {rate:8.1f} images/s of processor time, n = {n}" + ("  (target 500)" * (size == 64)))
    return metrics, rows


if __name__ == "__main__":
    benchmark("portraits_speed", "Portraits are read at 500 a second and more on one core, at 64 px", measure)
