"""Training: one small kit for every model of the project."""

from lineament.training.average import moving_average
from lineament.training.run import Run

__all__ = ["Run", "moving_average"]
