"""What is read from an edited image teaches what made the image, and never the reader."""

import torch

from lineament.editing import objective
from lineament.editing.eraser import Eraser
from lineament.editing.networks import CodeReader, Encoder
from lineament.editing.rereading import read_codes, recoded, shown_style

WHICH = torch.tensor([[True, False], [False, True], [True, False]])


def networks(masked: bool) -> tuple[Encoder, Eraser, torch.Tensor]:
    torch.manual_seed(0)
    E = Encoder(32, 2, latent=2, code=3, width=8, masked=masked)
    R = Eraser(32, 2, width=8).eval().requires_grad_(False)
    return E, R, torch.rand(3, 3, 32, 32, requires_grad=True)


def test_the_style_shown_is_that_of_the_chosen_attribute_under_its_mask_in_the_edited_image() -> None:
    E, R, edited = networks(masked=True)
    E.eval()
    shown = shown_style(E, R, edited, WHICH)
    codes = E.styles(edited, R.masks(R.layers(edited)))
    for k, i in enumerate((0, 1, 0)):
        torch.testing.assert_close(shown[k], codes[k, i, 1:])
    E, _, edited = networks(masked=False)
    E.eval()
    assert torch.equal(shown_style(E, None, edited, WHICH), E.styles(edited)[WHICH])


def test_the_image_learns_and_the_encoder_stays_as_it_is() -> None:
    for masked in (True, False):
        E, R, edited = networks(masked)
        frozen = [E.to_z[1].weight, E.to_z[1].bias]
        for weight in frozen:
            weight.requires_grad_(False)
        objective.same_code(shown_style(E, R if masked else None, edited, WHICH), torch.zeros(3, 2 + (not masked)),
                            torch.ones(3)).backward()  # fmt: skip
        assert edited.grad is not None and edited.grad.abs().sum() > 0
        drawn = torch.rand(3, 3, 32, 32, requires_grad=True)
        recoded(E, R, CodeReader(3 + 2, 2), drawn, WHICH.float()).backward()
        assert drawn.grad is not None and drawn.grad.abs().sum() > 0
        assert all(weight.grad is None for weight in E.parameters())
        learning = {name for name, weight in E.named_parameters() if weight.requires_grad}
        assert learning == {name for name, _ in E.named_parameters()} - {"to_z.1.weight", "to_z.1.bias"}


def test_a_reader_of_codes_is_told_whose_code_it_reads() -> None:
    torch.manual_seed(0)
    C, a = CodeReader(3 + 2, 2), torch.rand(4, 2, 3)
    found = read_codes(C, a)
    for n in range(4):
        for i in range(2):
            torch.testing.assert_close(found[n, i], C(torch.cat([a[n, i], torch.eye(2)[i]])[None])[0])
