"""What a person sees while a model trains: a bar with rate and time left, or a line now and then in a log file."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

__all__ = ["StepProgress"]


class StepProgress:
    """A progress bar for training steps on standard error; where that is no terminal, one line every 30 seconds."""

    def __init__(self, description: str, total: int, done: int, *, visible: bool = True) -> None:
        self.console = Console(stderr=True, quiet=not visible)
        self.description, self.total, self.done = description, total, done
        self.started, self.at_start, self.printed = time.monotonic(), done, time.monotonic()
        self.shown = ""
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[shown]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not visible or not self.console.is_terminal,
        )
        self.task: TaskID = self.bar.add_task(description, total=total, completed=done, shown="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def show(self, values: Mapping[str, float]) -> None:
        """Show the latest values of what is being minimised."""
        self.shown = " ".join(f"{name} {value:.4g}" for name, value in values.items())

    def advance(self) -> None:
        """Count one step."""
        self.done += 1
        now = time.monotonic()
        rate = (self.done - self.at_start) / max(now - self.started, 1e-9)
        self.bar.update(self.task, advance=1, shown=f"{rate:.3g} steps/s  {self.shown}")
        if not self.console.is_terminal and now - self.printed > 30:
            left = (self.total - self.done) / rate
            told = f"{rate:.3g} steps/s, {left / 60:.1f} min left, {self.shown}"
            self.console.print(
                f"{self.description}: {self.done}/{self.total}, {told}",
                highlight=False,
                soft_wrap=True,
            )
            self.printed = now
