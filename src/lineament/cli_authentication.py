"""The verbs of the authentication wing, as `lineament.cli` calls them. Heavy imports happen inside a verb here too."""

from collections.abc import Callable
from typing import Any

__all__ = ["VERBS"]

VERBS: dict[str, Callable[..., Any]] = {}
"""Train classical and platform detectors, discover, calibrate, run protocols, enrol, verify, watch."""
