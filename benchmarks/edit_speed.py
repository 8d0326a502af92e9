"""Milliseconds of one edit on one core: Swap of an image of 64 px by itself, and of one of a batch, beside both peers.

Networks of the presets' sizes with eight attributes; their weights are random, for they do not change the cost, but
every attribute is taken to be there. The edit takes one off: it marks and fills the attributes, encodes the image,
paints over what goes, draws the image without it and as it shall be, and keeps what the first drawing lacks. To put one
on is cheaper, for nothing need be painted over. A peer encodes and draws once. A chain edits images that are already
encoded, as the studio does when a dial is moved.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.harness import benchmark, processor_seconds

SIZE, BATCH = 64, 32


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    import torch

    from lineament.editing.operations import edit
    from lineament.editing.styles import STYLED

    torch.manual_seed(seed)
    image, batch = torch.rand(1, 3, SIZE, SIZE), torch.rand(BATCH, 3, SIZE, SIZE)
    table = []
    for name, model in models(STYLED).items():
        begun = edit(image, model)
        calls = {
            "edit_ms": lambda model=model: edit(image, model).swap(STYLED[0], False).images,
            "chained_ms": lambda begun=begun: begun.swap(STYLED[0], False).images,
            "batch_ms": lambda model=model: edit(batch, model).swap(STYLED[0], False).images,
        }
        found = {key: 1000 * processor_seconds(call, quick=quick) for key, call in calls.items()}
        found["batch_ms"] /= BATCH
        table.append({"method": name, **found, "parameters": sum(weight.numel() for weight in model.parameters())})
    ours, *peers = table
    metrics = {key: ours[key] for key in ("edit_ms", "chained_ms", "batch_ms")}
    metrics |= {f"{peer['method']}_{key}": peer[key] for peer in peers for key in ("edit_ms", "batch_ms")}
    return metrics | {f"edit_over_{peer['method']}": ours["edit_ms"] / peer["edit_ms"] for peer in peers}, table


def models(attributes: Sequence[str]) -> dict[str, Any]:
    """An editor and the two peers, untrained."""
    from lineament.editing.editor import untrained
    from lineament.editing.fader import Fader, FaderConfig
    from lineament.editing.hisd import Hisd, HisdConfig
    from lineament.editing.presets import PRESETS

    config = PRESETS["lineament"]
    settings = {name: getattr(config, name) for name in ("latent", "code", "width", "masked")}
    switches = {"erases": config.erase > 0, "gated": config.gated, "detail": config.detail}
    editor = untrained(attributes, {"size": SIZE} | settings, **switches)
    editor.planes[:, -1] = 1  # all attributes are there
    editor.centroids.normal_()  # and to take one off changes something
    peers = {"fader": Fader(attributes, SIZE, FaderConfig()), "hisd": Hisd(attributes, SIZE, HisdConfig())}
    return {"lineament": editor, **peers}


if __name__ == "__main__":
    benchmark("edit_speed", "An edit takes milliseconds on one core", measure)
