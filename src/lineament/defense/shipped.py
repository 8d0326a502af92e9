"""What comes with the package: generators, encoders and classifiers of MNIST and Fashion-MNIST."""

from importlib.resources import files
from pathlib import Path

__all__ = ["shipped"]


def shipped(data: str, what: str) -> Path:
    """Where an artifact of a data set lies, if there is one: ``"generator"``, ``"encoder"``, ``"classifiers/A"``.

    No set of real faces has any: a model trained on those faces may not be given away.
    """
    return Path(str(files("lineament.defense"))) / "shipped" / data / what
