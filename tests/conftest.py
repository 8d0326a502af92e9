"""Every test run checks the shapes that functions promise: beartype reads their jaxtyping annotations at each call.

The hook must stand before lineament is first imported, so nothing above it may import it. Ints pass for floats, as they
do for mypy.
"""

from jaxtyping import install_import_hook

CHECKED = (
    "lineament.images",
    "lineament.attacks.base",
    "lineament.faces.parts",
    "lineament.detectors.augmentation",
    "lineament.detectors.cells",
    "lineament.detectors.clustering",
    "lineament.detectors.detector",
    "lineament.detectors.discovery",
    "lineament.detectors.hog",
    "lineament.detectors.lbp",
    "lineament.detectors.networks",
    "lineament.detectors.objective",
    "lineament.detectors.pursuit",
    "lineament.editing.diversity",
    "lineament.editing.likeness",
    "lineament.editing.retrieval",
    "lineament.explanation.baselines",
    "lineament.explanation.counterfactuals",
    "lineament.explanation.counterparts",
    "lineament.explanation.planted",
    "lineament.explanation.cycle_gan",
    "lineament.explanation.pixel_da",
    "lineament.explanation.substitutability",
    "lineament.training.distances",
    "lineament.explanation.perturbation",
    "lineament.explanation.regions",
    "lineament.explanation.attribution",
    "lineament.explanation.grad_cam",
    "lineament.explanation.inside",
    "lineament.explanation.log_odds",
    "lineament.explanation.relevance",
    "lineament.explanation.pairs",
    "lineament.datasets.labelled",
    "lineament.explanation.decisions",
    "lineament.explanation.objective",
    "lineament.explanation.networks",
    "lineament.defense.detection",
    "lineament.defense.threats",
    "lineament.attacks.black_box",
    "lineament.defense.autoencoder",
    "lineament.defense.magnet",
    "lineament.defense.flagging",
    "lineament.defense.pictures",
    "lineament.defense.reconstructions",
    "lineament.defense.subjects",
    "lineament.editing.oracle",
    "lineament.editing.styles",
    "lineament.studio.pictures",
)

install_import_hook(CHECKED, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
