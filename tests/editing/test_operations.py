"""Swap, Diverse Swap, Borrow: which code moves and how far, that nothing else does, and what is refused."""

from copy import deepcopy

import pytest
import torch

from lineament.editing.editor import Codes
from lineament.editing.operations import edit
from lineament.errors import UsageError
from tests.editing.seeing import seeing_editor, some_images

NAMES = ("Bangs", "Eyeglasses", "Wearing_Hat")


@pytest.fixture(scope="module")
def images():
    return some_images()


@pytest.fixture(scope="module")
def editor(images):
    return seeing_editor(images, NAMES)


def showing(editor, images, name, shown=True):
    """The images of which the editor says that they show, or do not show, an attribute."""
    found = images[(editor.present(editor.encode(images))[:, editor.attributes.index(name)] > 0) == shown]
    assert len(found) >= 3, "the toy editor sees too few; take another seed"
    return found


def test_nothing_done_gives_the_images_and_their_own_codes(editor, images):
    begun = edit(images, editor)
    assert begun.images is images and len(begun) == 24 and begun.steps == ()
    torch.testing.assert_close(begun.after, editor.encode(images))
    torch.testing.assert_close(begun.presence, editor.present(editor.encode(images)).sigmoid())


@pytest.mark.parametrize("on", [True, False])
def test_swap_moves_one_code_to_the_usual_one_of_the_class(editor, images, on):
    begun = edit(images, editor)
    swapped = begun.swap("Eyeglasses", on)
    assert torch.equal(swapped.after.a[:, 1], editor.usual(1, int(on)).expand(24, -1))
    assert torch.equal(swapped.after.a[:, [0, 2]], begun.after.a[:, [0, 2]])
    assert torch.equal(swapped.after.z, begun.after.z)
    assert torch.equal(swapped.images, editor.edit(images, swapped.before, swapped.after))
    assert not torch.equal(swapped.images, images)


def test_an_edit_is_never_changed_by_the_next_one(editor, images):
    begun = edit(images, editor)
    kept = begun.after.a.clone()
    once = begun.swap("Bangs")
    once.swap("Bangs", False).sample("Wearing_Hat").borrow("Eyeglasses", showing(editor, images, "Eyeglasses")[:1])
    assert torch.equal(begun.after.a, kept) and begun.steps == () and once.steps == ("swap('Bangs', True)",)


def test_strength_is_the_share_of_the_way_from_where_the_code_is(editor, images):
    begun = edit(images, editor)
    target = editor.usual(0, 1)
    half = begun.swap("Bangs", strength=0.5)
    torch.testing.assert_close(half.after.a[:, 0], (begun.after.a[:, 0] + target) / 2)
    again = half.swap("Bangs", strength=0.5)
    torch.testing.assert_close(again.after.a[:, 0], begun.after.a[:, 0] / 4 + 3 * target / 4)
    none = begun.swap("Bangs", strength=0)
    assert torch.equal(none.after.a, begun.after.a) and torch.equal(none.images, images)


def test_operations_on_several_attributes_meet_in_any_order(editor, images):
    one = edit(images, editor).swap("Bangs").swap("Wearing_Hat", False)
    other = edit(images, editor).swap("Wearing_Hat", False).swap("Bangs")
    assert torch.equal(one.images, other.images)
    assert repr(one) == "edit(24 images).swap('Bangs', True).swap('Wearing_Hat', False)"


def test_draws_repeat_by_seed_and_differ_between_seeds_images_and_attributes(editor, images):
    begun = edit(images[:2], editor)
    drawn = begun.sample("Eyeglasses", count=3, seed=5)
    assert len(drawn) == 6 and torch.equal(drawn.originals, images[:2].repeat_interleave(3, 0))
    assert torch.equal(drawn.after.z, begun.after.z.repeat_interleave(3, 0))
    assert torch.equal(drawn.after.a, begun.sample("Eyeglasses", count=3, seed=5).after.a)
    assert not torch.equal(drawn.after.a, begun.sample("Eyeglasses", count=3, seed=6).after.a)
    assert len(drawn.after.a[:, 1].unique(dim=0)) == 6
    noise = [begun.sample(name).after.a[:, i] - editor.centroids[i, 1] for i, name in enumerate(NAMES)]
    assert not torch.allclose(noise[0], noise[2])


def test_the_spread_of_draws_is_the_scale_times_that_of_the_class(editor, images):
    editor = deepcopy(editor)
    editor.spreads[1, 0] = torch.tensor([0.5, 1.0, 2.0]).diag()
    drawn = edit(images[:4], editor).sample("Eyeglasses", False, count=1000, scale=0.25).after.a[:, 1]
    torch.testing.assert_close(drawn.mean(0), editor.usual(1, 0), atol=0.05, rtol=0)
    torch.testing.assert_close(drawn.std(0), 0.25 * editor.spreads[1, 0].diag(), atol=0, rtol=0.05)


def test_borrow_takes_the_code_of_one_reference_of_one_each_or_the_mean(editor, images):
    references = showing(editor, images, "Eyeglasses")[:3]
    codes = editor.encode(references).a[:, 1]
    begun = edit(images[:3], editor)
    one = begun.borrow("Eyeglasses", references[:1])
    torch.testing.assert_close(one.after.a[:, 1], codes[:1].expand(3, -1))
    torch.testing.assert_close(begun.borrow("Eyeglasses", references).after.a[:, 1], codes)
    mean = begun.borrow("Eyeglasses", [references[:1], references[1:2], references[2:]])
    torch.testing.assert_close(mean.after.a[:, 1], codes.mean(0).expand(3, -1))
    assert torch.equal(one.after.a[:, [0, 2]], begun.after.a[:, [0, 2]]) and torch.equal(one.after.z, begun.after.z)
    assert one.steps == ("borrow('Eyeglasses', reference)",) and mean.steps == ("borrow('Eyeglasses', references)",)


def test_steps_are_the_calls_to_the_last_digit(editor, images):
    begun = edit(images[:1], editor)
    drawn = begun.sample("Bangs", count=2, scale=1.23456789, strength=0.12345678, seed=12345678)
    step = "sample('Bangs', True, count=2, scale=1.23456789, seed=12345678, strength=0.12345678)"
    assert drawn.steps == (step,)
    again = eval(f"begun.{step}", {"begun": begun})
    assert torch.equal(again.after.a, drawn.after.a)


def test_a_reference_without_the_attribute_is_refused_unless_forced(editor, images):
    without = showing(editor, images, "Eyeglasses", shown=False)[:1]
    begun = edit(images[:1], editor)
    with pytest.raises(UsageError, match=r"the reference does not show Eyeglasses .*% sure.*--force"):
        begun.borrow("Eyeglasses", without)
    forced = begun.borrow("Eyeglasses", without, force=True, strength=0.5)
    assert forced.steps == ("borrow('Eyeglasses', reference, force=True, strength=0.5)",)


def test_force_takes_what_the_reference_has_not_that_it_has_nothing(editor, images):
    without = showing(editor, images, "Eyeglasses", shown=False)[:2]
    absence = editor.usual(1, 0).expand(2, -1)
    torch.testing.assert_close(editor.encode(without).a[:, 1], absence)  # the editor is gated, as the shipped one
    found = edit(images[:2], editor).borrow("Eyeglasses", without, force=True).after.a[:, 1]
    torch.testing.assert_close(found, editor.styles(without)[:, 1])
    assert not torch.isclose(found, absence).any() and not torch.isclose(found[0], found[1]).any()


def test_force_changes_nothing_about_a_reference_that_has_the_attribute(editor, images):
    shown = showing(editor, images, "Eyeglasses")[:3]
    begun = edit(images[:3], editor)
    forced, free = (begun.borrow("Eyeglasses", shown, force=force).after.a for force in (True, False))
    torch.testing.assert_close(forced, free)


def test_one_of_several_references_without_the_attribute_is_named(editor, images):
    with_it, without = (showing(editor, images, "Bangs", shown=shown)[:1] for shown in (True, False))
    with pytest.raises(UsageError, match="image 1 of the reference does not show Bangs"):
        edit(images[:2], editor).borrow("Bangs", torch.cat([with_it, without]))


def test_many_images_are_edited_as_few_are(editor, images):
    many = images.repeat(12, 1, 1, 1)  # more than are drawn at a time
    found = edit(many, editor).swap("Bangs").images
    torch.testing.assert_close(found[-24:], edit(images, editor).swap("Bangs").images)


def test_some_of_the_images_are_edited_as_they_were_among_all(editor, images):
    drawn = edit(images[:4], editor).sample("Bangs", count=3)
    torch.testing.assert_close(drawn[1::3].images, drawn.images[1::3])
    assert len(drawn[[0, 5]]) == 2 and drawn[[0, 5]].steps == drawn.steps


def test_what_the_editor_reads_of_the_result_is_read_from_the_result(editor, images):
    swapped = edit(images, editor).swap("Wearing_Hat")
    torch.testing.assert_close(swapped.presence, editor.present(editor.encode(swapped.images)).sigmoid())


class Drawn:
    """A peer, whose drawing is the result: no module, but all that `AnyEditor` asks for."""

    attributes, shape, card = ("Smiling",), (3, 2, 2), {}

    def encode(self, images):
        return Codes(images.flatten(1), images.mean((1, 2, 3))[:, None, None])

    def styles(self, images):
        return self.encode(images).a

    def decode(self, codes):
        return codes.a[:, :, 0, None, None].expand(-1, 3, 2, 2).sigmoid()

    def edit(self, images, before, after):
        return self.decode(after)

    def present(self, codes):
        return codes.a[:, :, 0] - 0.5

    def usual(self, i, c):
        return torch.tensor([float(c)])

    def draw(self, i, c, n, scale=1.0, generator=None):
        return self.usual(i, c).expand(n, 1)


def test_any_editor_will_do():
    images = torch.full((2, 3, 2, 2), 0.25)
    assert torch.equal(edit(images, Drawn()).swap("Smiling").images, torch.ones(2, 3, 2, 2).sigmoid())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.swap("Eyeglases"), "did you mean 'Eyeglasses'"),
        (lambda e: e.swap("Beard"), "known: Bangs, Eyeglasses, Wearing_Hat"),
        (lambda e: e.swap("Bangs", strength=1.5), r"strength: expected a share of the way in \[0, 1\], got 1.5"),
        (lambda e: e.swap("Bangs", strength=float("nan")), "strength"),
        (lambda e: e.sample("Bangs", scale=0), "scale: expected more than 0, got 0"),
        (lambda e: e.sample("Bangs", scale=-1.0), "scale"),
        (lambda e: e.sample("Bangs", scale=float("nan")), "scale"),
        (lambda e: e.sample("Bangs", scale=float("inf")), "scale"),
        (lambda e: e.sample("Bangs", count=0), "count: expected at least 1"),
        (lambda e: e.sample("Bangs", scale=1e38), "scale: expected at most 100, got 1e[+]38; 1 is the spread"),
        (lambda e: e.sample("Bangs", count=10**9), "count: expected at least 1 .* at most 1,000, got 1,000,000,000"),
        (lambda e: e.sample("Bangs", seed=-1), "seed"),
        (lambda e: e.borrow("Bang", e.originals[:1]), "did you mean 'Bangs'"),
        (lambda e: e.borrow("Bangs", []), "reference: expected at least one image"),
        (lambda e: e.borrow("Bangs", e.originals[:2]), "one for each of 3, got 2; pass a list"),
        (lambda e: e.borrow("Bangs", torch.zeros(1, 3, 16, 16)), "reference: this editor takes 32 x 32 pixels, got 16"),
        (lambda e: e.borrow("Bangs", torch.zeros(1, 1, 32, 32)), r"reference: expected colour images"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(call, message, editor, images):
    begun = edit(images[:3], editor)
    with pytest.raises(UsageError, match=message):
        call(begun)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (torch.zeros(0, 3, 32, 32), "at least one image"),
        (torch.zeros(1, 3, 64, 64), "takes 32 x 32 pixels, got 64 x 64"),
        (torch.zeros(1, 1, 32, 32), "colour images"),
        (torch.full((1, 3, 32, 32), 2.0), r"in \[0, 1\]"),
    ],
)
def test_images_it_cannot_take_are_refused_at_the_door(wrong, message, editor):
    with pytest.raises(UsageError, match=message):
        edit(wrong, editor)
