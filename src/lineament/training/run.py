"""A training run in a folder: device, seed, progress, metrics, checkpoints, the best weights; killed, it goes on.

A training loop stays one function, read top to bottom::

    run = Run(folder, config, seed=0)
    network, optimizer = run.prepare(network, optimizer)
    run.track(network=network, optimizer=optimizer)
    for step in run.steps(1000, "detector"):
        loss = objective(network(batch(step)))
        run.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        run.log(loss=loss)
        if (step + 1) % 100 == 0:
            run.keep_best(score(network), network.state_dict(), patience=5)

All randomness of a step comes from the generator that `Run.steps` seeds with (seed, process, step). A resumed run
therefore repeats what the uninterrupted one would have done: on the same device the weights are equal to the bit.
"""

import dataclasses
import json
import platform
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import broadcast_object_list
from torch import Tensor

import lineament
from lineament.artifacts import write_atomically
from lineament.errors import JobError, UsageError
from lineament.training.checkpoint import read_state, write_state
from lineament.training.memory import keep_freed_memory
from lineament.training.progress import StepProgress

__all__ = ["Device", "Precision", "Run", "Stateful", "fast_bfloat16", "step_seed"]

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]


class Stateful(Protocol):
    """Anything with a state to save and restore: networks, optimisers, averages, samplers."""

    def state_dict(self) -> dict[str, Any]: ...  # noqa: D102
    def load_state_dict(self, state: Any, /) -> Any: ...  # noqa: D102


def fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 faster than float32: a GPU with it, or a CPU with AVX512-BF16 or AMX."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def step_seed(*numbers: int) -> int:
    """One well-mixed 63-bit seed from several non-negative numbers, the same on every machine."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]) >> 1


class Run:
    """One training run.

    Args:
        folder: where it writes ``run.json``, ``metrics.jsonl``, ``checkpoint.safetensors`` and ``best.safetensors``.
        config: a frozen dataclass; a run in the same folder with another config is refused.
        data: JSON values that tell the data apart from any other (name, counts, a hash); likewise.
        seed: of all randomness.
        device: ``"auto"`` takes a GPU if there is one. Under ``torchrun`` each process takes its own.
        precision: of the arithmetic; master weights stay float32. ``"auto"`` takes bfloat16 where it is faster.
        checkpoint_seconds: the most that a kill can cost.
    """

    def __init__(
        self,
        folder: str | Path,
        config: Any,
        *,
        data: Mapping[str, Any] | None = None,
        seed: int = 0,
        device: Device = "auto",
        precision: Precision = "auto",
        checkpoint_seconds: float = 60.0,
    ) -> None:
        if seed < 0:
            raise UsageError(f"seed: expected 0 or more, got {seed}")
        if device == "cuda" and not torch.cuda.is_available():
            raise UsageError("device: 'cuda' was asked for, but PyTorch sees no GPU; use 'cpu' or 'auto'")
        if not PartialState._shared_state or PartialState().num_processes == 1:
            # one process may train one model after another, each on its own device and in its own precision
            AcceleratorState._reset_state(reset_partial_state=True)
        on_cpu = device == "cpu" or not torch.cuda.is_available()
        half = (
            fast_bfloat16(torch.device("cpu" if on_cpu else "cuda")) if precision == "auto" else precision == "bfloat16"
        )
        self.accelerator = Accelerator(cpu=on_cpu, mixed_precision="bf16" if half else "no")
        self.device: torch.device = self.accelerator.device
        self.process, self.processes = self.accelerator.process_index, self.accelerator.num_processes
        self.folder, self.seed, self.checkpoint_seconds = Path(folder), seed, checkpoint_seconds
        self.step = 0
        self.best: float | None = None
        self._evaluations_since_best = 0
        self._stopped = False
        self._tracked: dict[str, Stateful] = {}
        self._pending: dict[str, Tensor] = {}
        self._pending_steps = 0
        if self.device.type == "cuda":
            torch.backends.cudnn.deterministic = True
        else:
            keep_freed_memory()
        self._claim_folder(
            {
                "config": json.loads(json.dumps(dataclasses.asdict(config))),
                "data": json.loads(json.dumps(data)),
                "seed": seed,
                "precision": "bfloat16" if half else "float32",
                "device": self.device.type,
                "processes": self.processes,
                "versions": {
                    "lineament": lineament.__version__,
                    "torch": torch.__version__,
                    "python": platform.python_version(),
                },
            }
        )

    def _claim_folder(self, facts: dict[str, Any]) -> None:
        path = self.folder / "run.json"
        if path.exists():
            try:
                earlier = json.loads(path.read_text())
                changed = [
                    key for key in ("config", "data", "seed", "precision", "device") if earlier[key] != facts[key]
                ]
            except (ValueError, KeyError, TypeError):
                raise JobError(f"{path}: torn; delete the folder to start the run again") from None
            if changed:
                told = "; ".join(f"{key} {earlier[key]} is now {facts[key]}" for key in changed)
                raise UsageError(
                    f"{self.folder}: holds another run ({told}); choose another folder, or delete this one"
                )
        elif self.accelerator.is_main_process:
            write_atomically(path, json.dumps(facts, indent=1).encode())
        self.accelerator.wait_for_everyone()

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes and prints; always true for one process."""
        return bool(self.accelerator.is_main_process)

    def prepare(self, *objects: Any) -> Any:
        """Networks and optimisers, moved to the device and, under several processes, kept equal (accelerate)."""
        return self.accelerator.prepare(*objects)

    def backward(self, loss: Tensor) -> None:
        """Back-propagate; gradients are averaged over the processes."""
        self.accelerator.backward(loss)

    def track(self, **objects: Stateful) -> None:
        """Name what a checkpoint holds; if the folder has a checkpoint, restore it now."""
        self._tracked = objects
        path = self.folder / "checkpoint.safetensors"
        if not path.exists():
            return
        state = read_state(path)
        for name, tracked in objects.items():
            tracked.load_state_dict(state["tracked"][name])
            _lay_out_like_weights(tracked)
        self.step, self.best, self._stopped = state["step"], state["best"], state["stopped"]
        self._evaluations_since_best = state["evaluations_since_best"]

    def checkpoint(self) -> None:
        """Write the state after ``self.step`` steps; other processes do nothing."""
        self._flush()
        if not self.is_main:
            return
        write_state(
            self.folder / "checkpoint.safetensors",
            {
                "step": self.step,
                "best": self.best,
                "stopped": self._stopped,
                "evaluations_since_best": self._evaluations_since_best,
                "tracked": {name: tracked.state_dict() for name, tracked in self._tracked.items()},
            },
        )

    def steps(self, total: int, description: str = "training") -> Iterator[int]:
        """Yield the step numbers still to do, seeding each, with a progress bar and timely checkpoints."""
        self._forget_metrics_after(self.step)
        saved = time.monotonic()
        with StepProgress(description, total, self.step, visible=self.is_main) as progress:
            while not self.finished(total):
                torch.manual_seed(step_seed(self.seed, self.process, self.step))
                self.step += 1  # now, so that whatever the body records counts this step as done
                yield self.step - 1
                if self.step % 50 == 0:
                    self._flush(progress)
                progress.advance()
                if time.monotonic() - saved > self.checkpoint_seconds:
                    self.checkpoint()
                    saved = time.monotonic()
        self.checkpoint()
        self.accelerator.wait_for_everyone()  # what the main process wrote is there for all

    def finished(self, total: int) -> bool:
        """Whether `steps` would yield nothing more: all are done, or patience ended the run early."""
        return self.step >= total or self._stopped

    def log(self, **values: Tensor) -> None:
        """Note scalar tensors of this step; their means go to ``metrics.jsonl`` every 50 steps, without a host sync."""
        for name, value in values.items():
            self._pending[name] = self._pending.get(name, torch.zeros((), device=value.device)) + value.detach()
        self._pending_steps += 1

    def record(self, **values: float | str) -> None:
        """Append one line to ``metrics.jsonl``, stamped with the number of steps done."""
        if self.is_main:
            path = self.folder / "metrics.jsonl"
            try:
                with path.open("a") as file:
                    file.write(json.dumps({"step": self.step, **values}) + "\n")
            except OSError as error:
                raise JobError(f"{path}: cannot write ({error.strerror}); free space and call again to go on") from None

    def keep_best(self, score: float, state: Mapping[str, Tensor], *, patience: int | None = None) -> bool:
        """Record a development score (higher is better); keep ``state`` if it is the best so far.

        After ``patience`` evaluations without a new best, `steps` ends. Returns whether this was the best. Of several
        processes the main one's score counts, so that all of them stop together.
        """
        score = broadcast_object_list([score])[0]
        improved = self.best is None or score > self.best
        self.record(development=score, best=max(score, self.best if self.best is not None else score))
        if improved:
            self.best, self._evaluations_since_best = score, 0
            if self.is_main:
                write_state(self.folder / "best.safetensors", dict(state))
        else:
            self._evaluations_since_best += 1
            self._stopped = patience is not None and self._evaluations_since_best >= patience
        return improved

    def best_state(self) -> dict[str, Tensor]:
        """The state that scored best in `keep_best`."""
        state: dict[str, Tensor] = read_state(self.folder / "best.safetensors")
        return state

    def _flush(self, progress: StepProgress | None = None) -> None:
        if not self._pending_steps:
            return
        means = {name: (total / self._pending_steps).item() for name, total in self._pending.items()}
        self._pending, self._pending_steps = {}, 0
        self.record(**means)
        if progress is not None:
            progress.show(means)

    def _forget_metrics_after(self, step: int) -> None:
        """Drop the lines of steps that a kill undid, so that no step stands twice; a torn last line goes too."""
        path = self.folder / "metrics.jsonl"
        if not self.is_main or not path.exists():
            return
        kept = []
        for line in path.read_text().splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line + "\n")
            except (ValueError, KeyError, TypeError):
                break
        write_atomically(path, "".join(kept).encode())


def _lay_out_like_weights(tracked: Stateful) -> None:
    """Bring an optimiser's restored moments into the memory format of their weights, which fused kernels rely on."""
    for weight, moments in getattr(tracked, "state", {}).items():
        for name, value in moments.items() if isinstance(weight, Tensor) else ():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                moments[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
