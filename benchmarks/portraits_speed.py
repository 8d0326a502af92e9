"""How many portraits are drawn a second on one core, from the scene's parameters to the finished pixels.

Processor time, not the clock on the wall, so that other work on the machine does not count.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.harness import benchmark
from lineament.datasets.portraits import render, sample_scene

TARGET = 500.0


def measure(quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    metrics, rows = {}, []
    for size, images in ((64, 4000), (128, 1500), (256, 500)):
        n = images // 10 if quick else images
        scenes = [sample_scene(seed, person) for person in range(n)]
        render(scenes[0], size)
        started = time.process_time()
        for scene in scenes:
            render(scene, size)
        rate = n / (time.process_time() - started)
        metrics[f"images_per_second_{size}"] = rate
        rows.append({"size": size, "n": n, "images_per_second": rate, "target": TARGET if size == 64 else None})
        print(f"{size:4d} px  {rate:8.1f} images/s of processor time, n = {n}" + ("  (target 500)" * (size == 64)))
    return metrics, rows


if __name__ == "__main__":
    benchmark("portraits_speed", "Portraits are drawn at 500 a second and more on one core, at 64 px", measure)
