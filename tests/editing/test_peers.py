"""Both peers keep the interface of an editor, and what they share does what it says."""

from dataclasses import replace

import pytest
import torch

from lineament import artifacts
from lineament.editing.editor import Codes
from lineament.editing.fader import Fader, FaderConfig
from lineament.editing.hisd import Hisd, HisdConfig
from lineament.editing.operations import edit
from lineament.editing.peers import Pools, drawn, falling, material, widths
from lineament.errors import JobError, UsageError
from tests.editing.bands import BANDS, bands

PEERS = {
    "fader": (Fader, FaderConfig(width=4, latent=3)),
    "hisd": (Hisd, HisdConfig(width=4, features=6, code=3)),
}


@pytest.fixture(params=PEERS)
def peer(request):
    kind, config = PEERS[request.param]
    torch.manual_seed(1)
    return kind(BANDS, 32, config)


def pictures(count=5):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_codes_have_the_shapes_of_an_editor(peer):
    codes = peer.encode(pictures())
    assert isinstance(codes, Codes) and codes.z.ndim == 2 and codes.z.shape[0] == 5
    assert codes.a.shape == (5, 2, peer.usual(0, 1).shape[0])
    assert peer.present(codes).shape == (5, 2) and torch.equal(peer.styles(pictures()), codes.a)
    image = peer.decode(codes)
    assert image.shape == (5, 3, 32, 32) and image.min() >= 0 and image.max() <= 1 and image.dtype == torch.float32
    assert torch.equal(peer.edit(pictures(), codes, codes), image)


def test_images_are_coded_and_drawn_alone_or_together(peer):
    codes = peer.encode(pictures())
    changed = codes._replace(a=codes.a.flip(0))
    for i in range(5):
        alone = peer.encode(pictures()[i : i + 1])
        assert torch.allclose(alone.z, codes.z[i : i + 1], atol=1e-5)
        one = peer.decode(Codes(codes.z[i : i + 1], changed.a[i : i + 1]))
        assert torch.allclose(one, peer.decode(changed)[i : i + 1], atol=1e-5)
    assert peer.encode(pictures(0)).a.shape[0] == 0 and peer.decode(peer.encode(pictures(0))).shape == (0, 3, 32, 32)


def test_operations_take_a_peer(peer):
    images = edit(pictures(2), peer).swap("Top").sample("Bottom", count=2, seed=3).images
    assert images.shape == (4, 3, 32, 32)
    again = edit(pictures(2), peer).swap("Top").sample("Bottom", count=2, seed=3).images
    assert torch.equal(images, again)


def test_it_is_frozen_and_leaves_images_alone(peer):
    images = pictures()
    before = images.clone()
    peer.edit(images, peer.encode(images), peer.encode(images))
    assert torch.equal(images, before)
    assert not peer.training and not any(weight.requires_grad for weight in peer.parameters())


def test_it_comes_back_from_disk_as_it_was(peer, tmp_path):
    peer.save(tmp_path / "run" / peer.kind, data="bands")
    for folder in (tmp_path / "run", tmp_path / "run" / peer.kind):
        again = type(peer).load(folder)
        assert again.attributes == BANDS and again.config == peer.config and again.card["data"] == "bands"
        assert not again.training and not any(weight.requires_grad for weight in again.parameters())
        for one, other in zip(peer.encode(pictures()), again.encode(pictures()), strict=True):
            assert torch.equal(one, other)
        assert torch.equal(peer.usual(1, 1), again.usual(1, 1))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"attributes": 3},
        {"size": 33},
        {"size": "32"},
        {"attributes": ["Top"]},
        {"settings": {"width": 4, "depth": 2}},
        {"settings": {"width": -4}},
        {"settings": {"width": "4"}},
    ],
)
def test_an_artifact_that_is_none_of_its_kind_is_refused(peer, config, tmp_path):
    peer.save(tmp_path / "good")
    card = artifacts.read_card(tmp_path / "good")["config"]
    artifacts.save(tmp_path / "bad", kind=peer.kind, tensors=peer.state_dict(), config=card | config if config else {})
    with pytest.raises(JobError, match=f"bad: .*do not describe a '{peer.kind}'"):
        type(peer).load(tmp_path / "bad")
    with pytest.raises(JobError, match="expected a"):
        (Fader if isinstance(peer, Hisd) else Hisd).load(tmp_path / "good")


@pytest.mark.parametrize(
    ("images", "told"),
    [
        (torch.rand(1, 3, 64, 64), "takes 3 x 32 x 32, got 3 x 64 x 64"),
        (torch.rand(1, 1, 32, 32), "takes 3 x 32 x 32, got 1 x 32 x 32"),
    ],
)
def test_images_of_another_shape_are_refused(peer, images, told):
    with pytest.raises(UsageError, match=told):
        peer.encode(images)
    with pytest.raises(UsageError, match=told):
        peer.styles(images)


def test_a_scale_must_be_above_nothing(peer):
    with pytest.raises(UsageError, match="scale: expected more than 0, got 0"):
        peer.draw(0, 1, 3, 0.0)


@pytest.mark.parametrize("config", [FaderConfig(), HisdConfig()])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_settings_must_be_above_nothing(config, value):
    with pytest.raises(UsageError, match="learning_rate: expected more than 0"):
        replace(config, learning_rate=value)


def test_pools_hold_each_class_of_each_attribute():
    labels = torch.tensor([[1, 0], [0, 1], [-1, 0], [1, 1]], dtype=torch.int8)
    pools = Pools(labels, BANDS)
    torch.manual_seed(0)
    images = pools.draw(torch.arange(len(pools)).repeat(200)).view(200, 4)
    assert [set(column.tolist()) for column in images.T] == [{1}, {0, 3}, {0, 2}, {1, 3}]


def test_a_class_without_images_is_refused():
    labels = torch.tensor([[1, -1], [0, 1]], dtype=torch.int8)
    with pytest.raises(JobError, match="no image without Top"):
        Pools(labels, BANDS)


def test_a_batch_is_mirrored_by_a_coin_and_knows_what_is_unknown():
    images = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    images[..., :16] = 255
    x, y = drawn(images, torch.tensor([[1, -1]], dtype=torch.int8), torch.zeros(50).long(), torch.device("cpu"))
    left, right = x[..., :16].mean((1, 2, 3)), x[..., 16:].mean((1, 2, 3))
    assert torch.equal(left, 1 - right) and 10 < left.sum() < 40
    assert torch.equal(y, torch.tensor([[1, 0.5]]).expand(50, 2))


def test_material_is_told_apart_and_checked():
    images, labels, _ = bands(4)
    facts = material(images, labels, BANDS)
    assert facts == material(images.clone(), labels.clone(), BANDS)
    for other in (material(images.flip(0), labels, BANDS), material(images, labels.flip(0), BANDS)):
        assert other["sha256"] != facts["sha256"]
    with pytest.raises(UsageError, match=r"2 attributes and a row for each of 3 images, got \(4, 2\)"):
        material(images[:3], labels, BANDS)
    with pytest.raises(UsageError, match="3 x s x s"):
        material(images[..., :16], labels, BANDS)


def test_rates_fall_and_layers_widen():
    assert [falling(step, 100) for step in (0, 50, 75, 100)] == [1, 1, 0.5, 0]
    assert widths(4, 8) == [8, 16, 32, 32]
