"""What the page asks for: a face and the operations on it in turn; and the same in Python."""

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from lineament.editing.operations import AnyEditor, Edit, edit
from lineament.images import to_batch, to_uint8
from lineament.studio.faces import Face
from lineament.studio.pictures import from_data_url, to_data_url

__all__ = ["Asked", "Borrow", "Sample", "Swap", "edited", "python"]

IMPORT, LOAD = "from lineament.editing.operations import edit", "from lineament.editing.editor import load"
READ, FILE = "from lineament.images import read_image, to_batch", '{0} = to_batch(read_image("{0}.png")[None])'


class _Step(BaseModel):
    """One operation of `Edit`, by its name and with its arguments; what they may be, `Edit` says."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    attribute: str = Field(max_length=100)
    strength: float = 1.0


class Swap(_Step):
    """Put an attribute on, or take it off."""

    operation: Literal["swap"] = "swap"
    on: bool = True


class Sample(_Step):
    """Diverse Swap: one draw, which its seed tells from others."""

    operation: Literal["sample"] = "sample"
    on: bool = True
    scale: float = 1.0
    seed: int = Field(0, lt=2**31)


class Borrow(_Step):
    """Take an attribute as another face has it, or several on average; ``reference`` is its picture, or theirs."""

    operation: Literal["borrow"] = "borrow"
    reference: str | Annotated[list[str], Field(min_length=1, max_length=16)]
    force: bool = False

    @property
    def pictures(self) -> list[str]:
        """One or several."""
        return [self.reference] if isinstance(self.reference, str) else self.reference


class Asked(BaseModel):
    """A face and what to do with it, step by step."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    image: str
    steps: list[Annotated[Swap | Sample | Borrow, Field(discriminator="operation")]] = Field(max_length=64)


def edited(editor: AnyEditor, asked: Asked) -> Face:
    """The face that comes of it.

    Raises:
        UsageError: as `edit` and `Edit`'s operations; also a picture that did not come from the studio.
    """
    result = edit(_images(asked.image), editor)
    for step in asked.steps:
        result = _applied(result, step)
    return Face(to_data_url(to_uint8(result.images)[0]), result.presence[0].numpy().astype(float).round(3).tolist())


def python(asked: Asked, folder: str | None = None) -> str:
    """The program that does the same to ``image.png`` with the pictures borrowed from; ``folder`` holds the editor."""
    borrowed = list(dict.fromkeys(url for step in asked.steps if isinstance(step, Borrow) for url in step.pictures))
    names = {url: f"reference_{n + 1}" if len(borrowed) > 1 else "reference" for n, url in enumerate(borrowed)}
    lines = [IMPORT, READ, *(FILE.format(name) for name in ("image", *names.values()))]
    calls = ["edit(image)"]
    if folder is not None:
        lines, calls = [LOAD, *lines, f"editor = load({folder!r})"], ["edit(image, editor)"]
    for step in asked.steps:
        arguments = [repr(step.attribute)]
        if isinstance(step, Borrow):
            given = ", ".join(names[url] for url in step.pictures)
            arguments.append(given if isinstance(step.reference, str) else f"[{given}]")
        calls.append(f"{step.operation}({', '.join(arguments + [f'{k}={v!r}' for k, v in _options(step).items()])})")
    return "\n".join([*lines, f"edited = {'.'.join(calls)}.images"])


def _applied(result: Edit, step: Swap | Sample | Borrow) -> Edit:
    references = [[_images(url) for url in step.pictures]] if isinstance(step, Borrow) else []
    done: Edit = getattr(result, step.operation)(step.attribute, *references, **_options(step))
    return done


def _options(step: _Step) -> dict[str, bool | float]:
    """What is not as usual."""
    return step.model_dump(exclude={"operation", "attribute", "reference"}, exclude_defaults=True)


def _images(url: str) -> Tensor:
    return to_batch(np.stack([from_data_url(url)]))
