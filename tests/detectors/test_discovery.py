import json
import shutil

import numpy as np
import pytest
import torch

from lineament import artifacts
from lineament.detectors import discovery, discovery_run
from lineament.detectors.discovery import Dictionary, Discovered, Settings, contributions, embeddings, load
from lineament.detectors.discovery_run import discover, sample
from lineament.detectors.pursuit import unit
from lineament.errors import JobError, UsageError

SETTINGS = Settings(clusters=4, samples=150, sparsity=5, seed=1)


@pytest.fixture(scope="module")
def made(drawn, trained, tmp_path_factory):
    """A discovery with the detector of two parts, and its folder."""
    folder = tmp_path_factory.mktemp("discovery")
    return discover(trained[0], drawn, folder, SETTINGS), folder


@pytest.fixture
def copy(made, tmp_path):
    shutil.copytree(made[1], tmp_path / "copy")
    return tmp_path / "copy"


def test_contributions_equal_equation_2_9_word_for_word():
    draw = torch.Generator().manual_seed(0)
    atoms, points = unit(torch.randn(40, 12, generator=draw).relu()), torch.randn(6, 12, generator=draw).relu()
    clusters = torch.arange(40) % 3
    found = contributions(points, Dictionary("Mouth", atoms, clusters), 3, 5)
    for point, lengths in zip(unit(points), found, strict=True):
        f = torch.zeros(40)
        taken, coefficients = discovery.matching_pursuit(point[None], atoms, 5)
        f[taken[0]] = coefficients[0]
        for i in range(3):  # the dictionary's columns of cluster i times the coefficients of these
            wanted = torch.linalg.vector_norm(atoms.T[:, clusters == i] @ f[clusters == i])
            torch.testing.assert_close(lengths[i], wanted)


def test_features_are_probabilities_of_each_part(made, drawn):
    found, _ = made
    test = np.flatnonzero(drawn.split == 2)
    vectors = found.discovered_vectors(drawn, index=test)
    assert vectors.shape == (len(test), 2 * 4) and vectors.dtype == np.float64
    assert found.names[:5] == ("Head 0", "Head 1", "Head 2", "Head 3", "Top 0")
    np.testing.assert_allclose(vectors.reshape(-1, 2, 4).sum(2), 1, atol=1e-6)
    assert (vectors > 0).all() and vectors.std(0).min() > 0


def test_an_image_of_the_dictionary_is_in_its_own_cluster(made, drawn):
    found, _ = made
    vectors = found.discovered_vectors(drawn, index=sample(drawn, SETTINGS)).reshape(-1, 2, 4)
    for part, one in enumerate(found.dictionaries):
        assert (vectors[:, part].argmax(1) == one.clusters.numpy()).all()


def test_what_is_loaded_gives_the_same_features(made, drawn):
    found, folder = made
    again = load(folder)
    points = embeddings(found.detector, drawn, index=np.arange(20))
    assert torch.equal(again.features(points), found.features(points))
    assert again.settings == SETTINGS and again.card["data"] == "portraits"
    with pytest.raises(UsageError, match=r"embeddings: expected \(n, 128\), got \(3, 5\)"):
        again.features(torch.zeros(3, 5))


def test_a_face_of_no_embedding_is_in_no_cluster_more_than_another(made):
    assert made[0].features(torch.zeros(1, 128)).tolist() == [[0.25] * 8]


def test_it_goes_on_with_the_part_where_it_was_stopped(made, drawn, trained, tmp_path, monkeypatch):
    clustered, parts = discovery_run.clustered, []

    def killed(name, points, settings):
        parts.append(name)
        if parts == ["Head", "Top"]:
            raise KeyboardInterrupt
        return clustered(name, points, settings)

    monkeypatch.setattr(discovery_run, "clustered", killed)
    with pytest.raises(KeyboardInterrupt):
        discover(trained[0], drawn, tmp_path, SETTINGS)
    with pytest.raises(JobError, match="stopped before Top; go on with 'lineament discover'"):
        load(tmp_path)
    found = discover(trained[0], drawn, tmp_path, SETTINGS)
    assert parts == ["Head", "Top", "Top"]
    for one, whole in zip(found.dictionaries, made[0].dictionaries, strict=True):
        assert torch.equal(one.atoms, whole.atoms) and torch.equal(one.clusters, whole.clusters)


def test_progress_rises_to_the_end(drawn, trained, tmp_path):
    heard = []
    discover(trained[0], drawn, tmp_path, SETTINGS, progress=lambda share, doing: heard.append((share, doing)))
    assert [share for share, _ in heard] == sorted(share for share, _ in heard) and heard[-1][0] <= 1
    assert {doing for _, doing in heard} == {f"{p}: {d}" for p in ("Head", "Top") for d in ("embedding", "clustering")}


def test_a_folder_of_another_discovery_is_left_alone(made, drawn, trained, copy):
    before = (copy / "discovered" / "card.json").read_bytes()
    with pytest.raises(UsageError, match="holds a discovery with other images and settings; name another folder"):
        discover(trained[0], drawn, copy, Settings(4, 150, 5, seed=2))
    other = trained[0].only("Eyeglasses", "Wearing_Hat")
    other.networks["Top"].logits.bias += 1
    try:
        with pytest.raises(UsageError, match="holds a discovery with other detector"):
            discover(other, drawn, copy, SETTINGS)
    finally:
        other.networks["Top"].logits.bias -= 1  # it is the fixture's network too
    assert (copy / "discovered" / "card.json").read_bytes() == before


def changed(folder, change):
    """Write a folder's artifact again, with what ``change(tensors, config)`` makes of it."""
    artifact = artifacts.load(folder / "discovered", kind="discovered")
    tensors, config = dict(artifact.tensors), json.loads(json.dumps(artifact.card["config"]))
    change(tensors, config)
    artifacts.save(folder / "discovered", kind="discovered", tensors=tensors, config=config)


HOSTILE = {
    "another detector": lambda tensors, config: config.update(detector_sha256="0" * 64),
    "a cluster too many": lambda tensors, config: tensors["Top.clusters"].fill_(4),
    "a negative cluster": lambda tensors, config: tensors["Top.clusters"].fill_(-1),
    "numbers that are none": lambda tensors, config: tensors["Head.atoms"].fill_(float("nan")),
    "long atoms": lambda tensors, config: tensors["Head.atoms"].mul_(2),
    "too few clusters": lambda tensors, config: tensors.update({"Top.clusters": tensors["Top.clusters"][1:]}),
    "halves": lambda tensors, config: tensors.update({"Top.atoms": tensors["Top.atoms"].half()}),
    "narrow atoms": lambda tensors, config: tensors.update({"Top.atoms": unit(tensors["Top.atoms"][:, :9])}),
    "no clusters": lambda tensors, config: tensors.pop("Top.clusters"),
    "no settings": lambda tensors, config: config.pop("settings"),
    "settings of text": lambda tensors, config: config.update(settings={"clusters": "many"}),
    "settings of another kind": lambda tensors, config: config.update(settings={"colour": 1}),
    "parts in another order": lambda tensors, config: config["parts"].reverse(),
    "parts that are none": lambda tensors, config: config.update(parts=7),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_what_does_not_describe_a_discovery_is_refused(copy, change):
    changed(copy, change)
    with pytest.raises(JobError, match="copy"):
        load(copy)


def test_a_discovery_without_its_detector_is_refused(copy):
    shutil.rmtree(copy / "detector")
    with pytest.raises(JobError, match="detector"):
        load(copy)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"clusters": 1}, "clusters: expected 2"), ({"samples": 5}, "samples: expected 100"), ({"seed": -1}, "seed"),
     ({"sparsity": 0}, "sparsity: expected 1"), ({"samples": 100, "sparsity": 101}, "sparsity: expected 1 to 100"),
     ({"clusters": 30, "samples": 120}, "120 are too few for 30")],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong, said):
    with pytest.raises(UsageError, match=said):
        Settings(**wrong)


def test_more_atoms_than_an_embedding_has_numbers_are_refused_before_any_work(drawn, trained, tmp_path):
    with pytest.raises(UsageError, match="sparsity: expected 1 to 64"):
        discover(trained[0], drawn, tmp_path / "run", Settings(4, 150, sparsity=65))
    assert not (tmp_path / "run").exists()


def test_too_few_training_images_are_refused(drawn, trained, tmp_path):
    with pytest.raises(UsageError, match="training images are too few for 10 clusters"):
        discover(trained[0], drawn.subset(np.arange(30)), tmp_path)
    assert isinstance(Discovered(trained[0], (), SETTINGS).names, tuple)
