"""The verbs of the store and the service, as `lineament.cli` calls them. Heavy imports happen inside a verb too."""

from collections.abc import Callable
from typing import Any

__all__ = ["VERBS"]

VERBS: dict[str, Callable[..., Any]] = {}
"""Look after stored templates, and serve over HTTP."""
