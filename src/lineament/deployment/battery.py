"""How long a battery lasts while faces are checked (eq. 2.10, and the endurance of table 2.10)."""

import math

from lineament.errors import UsageError

__all__ = ["NEXUS_5_WH", "endurance", "endurance_at_rate"]

NEXUS_5_WH = 8.74
"""The battery of the dissertation's phone: 2300 mAh at 3.8 V, in Wh."""


def endurance(capacity: float, idle: float, extra: float, use: float = 1.0, rate: float = 1.0) -> float:
    """Hours of battery life ``C / (Pn + beta alpha Pd)`` (eq. 2.10).

    Args:
        capacity: C, Wh.
        idle: Pn, W, what the device draws without authentication.
        extra: Pd, W, what authentication adds at its highest rate.
        use: beta, the share of time in use, in [0, 1].
        rate: alpha, the share of the highest possible rate, in [0, 1].

    Raises:
        UsageError: a value out of its range; NaN is out of every range.
    """
    for name, value, top in (("capacity", capacity, math.inf), ("idle", idle, math.inf), ("extra", extra, math.inf),
                             ("use", use, 1.0), ("rate", rate, 1.0)):  # fmt: skip
        if not (0 <= value <= top and math.isfinite(value)):
            raise UsageError(f"{name}: expected a number from 0 to {top:g}, got {value!r}")
    if (power := idle + use * rate * extra) == 0:
        raise UsageError("idle, extra: a device that draws nothing lasts for ever; give one of them in W")
    return capacity / power


def endurance_at_rate(capacity: float, idle: float, energy: float, rate: float) -> float:
    """Hours of battery life at ``rate`` checks a second of ``energy`` J each: the last column of table 2.10."""
    return endurance(capacity, idle, energy * rate)
