"""What one does to images (section 3.3.1): Swap, Diverse Swap and Borrow, one after the other, each by a share.

    edit(images).swap("Eyeglasses").borrow("Bangs", reference, strength=0.5).images

An `Edit` is never changed: each operation gives a new one, so that the way back is the one before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from lineament.editing.editor import Codes, shipped
from lineament.errors import UsageError, nearest
from lineament.images import check_images
from lineament.training.run import step_seed

__all__ = ["AnyEditor", "Edit", "edit", "index_of"]

Images = Float[Tensor, "batch channels height width"]

AT_ONCE = 256
"""Images that are encoded or drawn at a time."""

MOST_DRAWS, MOST_SCALE = 1000, 100
"""Draws of one image, and times the spread of a class, at most: no memory holds more, no code lies further off."""


@runtime_checkable
class AnyEditor(Protocol):
    """What an editor must offer, ours or a peer's; see `Editor` for what each gives."""

    attributes: tuple[str, ...]
    card: dict[str, Any]

    @property
    def shape(self) -> tuple[int, int, int]: ...  # noqa: D102
    def encode(self, images: Images, /) -> Codes: ...  # noqa: D102
    def styles(self, images: Images, /) -> Tensor: ...  # noqa: D102
    def decode(self, codes: Codes, /) -> Tensor: ...  # noqa: D102
    def edit(self, images: Images, before: Codes, after: Codes, /) -> Tensor: ...  # noqa: D102
    def present(self, codes: Codes, /) -> Tensor: ...  # noqa: D102
    def usual(self, i: int, c: int, /) -> Tensor: ...  # noqa: D102
    def draw(  # noqa: D102
        self, i: int, c: int, n: int, scale: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor: ...


@dataclass(frozen=True, repr=False)
class Edit:
    """Images, and what was done to them so far.

    Attributes:
        editor: does it.
        originals: ``(n, 3, height, width)`` in [0, 1].
        before: their codes.
        after: the codes they shall have.
        steps: the operations, as they would be written in Python.
    """

    editor: AnyEditor
    originals: Images
    before: Codes
    after: Codes
    steps: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.originals)

    def __getitem__(self, index: Any) -> "Edit":
        """Some of them: a slice, a list of indices or a boolean mask."""
        before, after = (Codes(each.z[index], each.a[index]) for each in (self.before, self.after))
        return replace(self, originals=self.originals[index], before=before, after=after)

    def __repr__(self) -> str:
        return ".".join((f"edit({len(self)} images)", *self.steps))

    @cached_property
    def images(self) -> Images:
        """The edited images ``(n, 3, height, width)`` in [0, 1]; the originals themselves if nothing was done."""
        if not self.steps:
            return self.originals
        parts = [self[place] for place in _places(len(self))]
        return torch.cat([self.editor.edit(part.originals, part.before, part.after) for part in parts])

    @cached_property
    def presence(self) -> Float[Tensor, "batch attributes"]:
        """The probability that each attribute is in `images`, as the editor itself reads them: no independent judge."""
        return self.editor.present(_encoded(self.editor, self.images) if self.steps else self.before).sigmoid()

    def swap(self, attribute: str, on: bool = True, *, strength: float = 1.0) -> "Edit":
        """Put an attribute on, as it usually looks, or take it off: its code moves to the usual one of that class.

        Args:
            attribute: one of the editor's.
            on: whether it shall be there.
            strength: share of the way, in [0, 1], that the code moves.

        Raises:
            UsageError: an attribute that the editor has not (the nearest is named), a strength outside [0, 1].
        """
        i = index_of(self.editor, attribute)
        return self._moved(i, self.editor.usual(i, int(on)), strength, "swap", repr(bool(on)))

    def sample(
        self,
        attribute: str,
        on: bool = True,
        *,
        count: int = 1,
        scale: float = 1.0,
        strength: float = 1.0,
        seed: int = 0,
    ) -> "Edit":
        """Diverse Swap: as `swap`, but the code is drawn about the centroid, as far off as codes of the class are.

        Args:
            attribute, on, strength: as `swap`.
            count: draws an image, up to 1,000; the result has ``n count`` images, the draws of the first one first.
            scale: times the spread of the class, above 0 and up to 100.
            seed: of the draws, 0 or more; with the same number, two attributes are drawn independently.

        Raises:
            UsageError: as `swap`; also a count, a scale or a seed out of range.
        """
        i = index_of(self.editor, attribute)
        if not 1 <= count <= MOST_DRAWS:
            raise UsageError(f"count: expected at least 1 draw an image and at most {MOST_DRAWS:,}, got {count:,}")
        if not 0 < scale <= MOST_SCALE:
            bound = "more than 0" if not scale > 0 else f"at most {MOST_SCALE}"
            raise UsageError(f"scale: expected {bound}, got {scale}; 1 is the spread of the class itself")
        if seed < 0:
            raise UsageError(f"seed: expected 0 or more, got {seed}")
        generator = torch.Generator().manual_seed(step_seed(seed, i, int(on)))
        drawn = self.editor.draw(i, int(on), len(self) * count, scale, generator)
        chosen = (("count", count, 1), ("scale", float(scale), 1), ("seed", seed, 0))
        told = [f"{name}={value!r}" for name, value, usual in chosen if value != usual]
        repeated = self[torch.arange(len(self)).repeat_interleave(count)]
        return repeated._moved(i, drawn, strength, "sample", repr(bool(on)), *told)

    def borrow(
        self, attribute: str, reference: Images | Sequence[Images], *, strength: float = 1.0, force: bool = False
    ) -> "Edit":
        """Give the images an attribute as a reference has it: its code moves to the reference's.

        Args:
            attribute, strength: as `swap`.
            reference: one image ``(1, 3, height, width)`` for all, or one for each, ``(n, 3, height, width)``; or a
                sequence of such, whose codes are averaged.
            force: take the code of a reference that has not the attribute all the same.

        Raises:
            UsageError: as `swap`; also references of another size or number, or without the attribute.
        """
        i = index_of(self.editor, attribute)
        references = [reference] if isinstance(reference, Tensor) else list(reference)
        if not references:
            raise UsageError("reference: expected at least one image to borrow from, got none")
        codes = [self._code_of(i, each, force).expand(len(self), -1) for each in references]
        told = ["reference" if isinstance(reference, Tensor) else "references", *(["force=True"] if force else [])]
        return self._moved(i, torch.stack(codes).mean(0), strength, "borrow", *told)

    def _moved(self, i: int, code: Tensor, strength: float, operation: str, *told: str) -> "Edit":
        """The edit in which attribute ``i``'s code went this share of the way to ``code``, ``(q,)`` or ``(n, q)``."""
        if not 0 <= strength <= 1:
            raise UsageError(f"strength: expected a share of the way in [0, 1], got {strength}")
        a = self.after.a.clone()
        a[:, i] = torch.lerp(a[:, i], code.expand_as(a[:, i]), float(strength))
        words = [repr(self.editor.attributes[i]), *told, *([] if strength == 1 else [f"strength={float(strength)!r}"])]
        step = f"{operation}({', '.join(words)})"
        return replace(self, after=self.after._replace(a=a), steps=(*self.steps, step))

    def _code_of(self, i: int, reference: Images, force: bool) -> Float[Tensor, "references q"]:
        _check(reference, self.editor, "reference")
        if len(reference) not in (1, len(self)):
            raise UsageError(
                f"reference: expected one image, or one for each of {len(self)}, got {len(reference)}; pass a list "
                "of them to borrow their mean"
            )
        if force:  # what `encode` gives of an absent attribute is that it is absent, which is nothing to take
            return torch.cat([self.editor.styles(reference[place]) for place in _places(len(reference))])[:, i]
        codes = _encoded(self.editor, reference)
        odds = self.editor.present(codes)[:, i]
        if (without := (odds <= 0).nonzero()).numel():
            first, name = int(without[0]), self.editor.attributes[i]
            which = f"image {first} of the reference" if len(reference) > 1 else "the reference"
            raise UsageError(
                f"reference: {which} does not show {name} (the editor is {float(odds[first].sigmoid()):.0%} sure of "
                "it), so there is nothing to borrow; name another one, or take what it has with force (--force)"
            )
        return codes.a[:, i]


def edit(images: Images, editor: AnyEditor | None = None) -> Edit:
    """Begin to edit images; see `Edit`.

    Args:
        images: ``(n, 3, height, width)`` in [0, 1], of the editor's size.
        editor: None for the one that comes with the package, of portraits at 64 px; load it once for many calls.

    Raises:
        UsageError: no images, grey ones, or ones of another size than the editor's.
    """
    editor = shipped() if editor is None else editor
    _check(images, editor, "images")
    codes = _encoded(editor, images)
    return Edit(editor, images, codes, codes)


def index_of(editor: AnyEditor, attribute: str) -> int:
    """The place of an attribute in the editor's codes; ``UsageError`` with the nearest name if it has none."""
    if attribute not in editor.attributes:
        raise UsageError(f"{nearest(attribute, editor.attributes, 'attribute')} (of this editor)")
    return editor.attributes.index(attribute)


def _check(images: Images, editor: AnyEditor, name: str) -> None:
    check_images(images, channels=3, name=name)
    if not len(images):
        raise UsageError(f"{name}: expected at least one image, got none")
    if tuple(images.shape[1:]) != tuple(editor.shape):
        wanted, got = (" x ".join(map(str, shape)) for shape in (editor.shape[1:], images.shape[2:]))
        raise UsageError(f"{name}: this editor takes {wanted} pixels, got {got}; bring them to that size")


def _encoded(editor: AnyEditor, images: Images) -> Codes:
    parts = [editor.encode(images[place]) for place in _places(len(images))]
    return Codes(torch.cat([part.z for part in parts]), torch.cat([part.a for part in parts]))


def _places(n: int) -> list[slice]:
    return [slice(start, start + AT_ONCE) for start in range(0, n, AT_ONCE)]
