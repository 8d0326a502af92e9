"""Faces on real pictures: how many are found, how fast, and how many spoilt pictures the situation report refuses."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import benchmark, data_root

Image = NDArray[np.uint8]


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    from lineament.datasets.registry import open_dataset

    root, rng = data_root(), np.random.default_rng(seed)
    wanted = {"celeba": 500, "orl": 200, "yale": 164, "clips": 1323}
    rows = []
    for name, count in wanted.items():
        dataset = open_dataset(name, root)
        chosen = np.sort(rng.permutation(len(dataset))[: 12 if quick else count])
        rows.append(row(name, dataset, chosen))
    lights = open_dataset("extended_yale_b", root)
    frontal = np.array([i for i, file in enumerate(lights.names) if "A+000E+00" in file])
    rows.append(row("extended_yale_b, lamp in front", lights, frontal[:6] if quick else frontal))
    found = {entry["pictures"]: entry["found"] / entry["n"] for entry in rows}
    return {f"found_{name.split(',')[0]}": share for name, share in found.items()}, rows


def row(name: str, dataset: Any, chosen: NDArray[np.int64]) -> dict[str, Any]:
    """Find and judge every picture, and every tenth again with less light, more light, or blur."""
    from lineament.faces.landmarks import find
    from lineament.faces.situation import assess

    found = several = usable = spoilt = 0
    eyes = []
    seconds = {"find": 0.0, "assess": 0.0}
    refused = dict.fromkeys(SPOIL, 0)
    for place, i in enumerate(chosen.tolist()):
        image = np.repeat(pixels, 3, 2) if (pixels := dataset.read(i)).shape[2] == 1 else pixels
        faces = timed(seconds, "find", find, image)
        situation = timed(seconds, "assess", assess, image, faces)
        found += bool(faces)
        eyes += [face.eyes for face in faces[:1]]
        several += len(faces) > 1
        usable += not situation.problems
        if place % 10 or not faces:
            continue
        spoilt += 1
        for how, spoil in SPOIL.items():
            worse = spoil(image, situation.eye_distance)
            refused[how] += bool(assess(worse, find(worse)).problems)
    return {
        "pictures": name,
        "n": len(chosen),
        "found": found,
        "several": several,
        "usable": usable,
        "eyes_median": np.median(eyes, axis=0).round(3).tolist(),
        "eyes_deviation": float(np.std(eyes, axis=0).max()),
        "ms_find": 1000 * seconds["find"] / len(chosen),
        "ms_assess": 1000 * seconds["assess"] / len(chosen),
        "spoilt": spoilt,
        **{f"refused_{how}": count for how, count in refused.items()},
    }


def timed(seconds: dict[str, float], key: str, work: Callable[..., Any], *arguments: Any) -> Any:
    """Add the processor time of one call to ``seconds[key]``."""
    started = time.process_time()
    result = work(*arguments)
    seconds[key] += time.process_time() - started
    return result


def blurred(share: float) -> Callable[[Image, float], Image]:
    """Gaussian blur whose sigma is a share of the eye distance."""

    def spoil(image: Image, eye_distance: float) -> Image:
        from scipy.ndimage import gaussian_filter

        sigma = share * eye_distance
        result: Image = gaussian_filter(image, (sigma, sigma, 0))
        return result

    return spoil


SPOIL: dict[str, Callable[[Image, float], Image]] = {
    "quarter_light": lambda image, _: (image * 0.25).astype(np.uint8),
    "double_light": lambda image, _: np.minimum(image * 2.0, 255).astype(np.uint8),
    "blur_4_percent": blurred(0.04),
    "blur_8_percent": blurred(0.08),
}


if __name__ == "__main__":
    benchmark("faces", "faces found on real pictures, and spoilt pictures refused", measure)
