"""Counts of what the service did, in Prometheus' text format; by route and outcome, never by user, key or address."""

import threading
from bisect import bisect_left
from collections import Counter
from itertools import accumulate

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds, in seconds, of the histogram's buckets."""


class Metrics:
    """Counters, gauges and one histogram; every label comes from a fixed list, so that memory is bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds: dict[str, list[int]] = {}
        self._total: Counter[str] = Counter()
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._batches: Counter[str] = Counter()

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request; ``route`` as declared, not as asked."""
        with self._lock:
            self._requests[route, status] += 1
            self._seconds.setdefault(route, [0] * (len(BOUNDS) + 1))[bisect_left(BOUNDS, seconds)] += 1
            self._total[route] += seconds  # type: ignore[assignment]

    def outcome(self, event: str, outcome: str) -> None:
        """Count one outcome of ``enrol``, ``verify``, ``watch`` or ``delete``."""
        with self._lock:
            self._outcomes[event, outcome] += 1

    def batch(self, faces: int) -> None:
        """Count one pass of the detector over so many faces."""
        with self._lock:
            self._batches["passes"] += 1
            self._batches["faces"] += faces

    def text(self, **gauges: float) -> str:
        """Everything counted so far, and the gauges as they are now."""
        with self._lock:
            lines = [*self._counters(), *self._histogram()]
        for name, value in gauges.items():
            lines += [f"# TYPE lineament_{name} gauge", f"lineament_{name} {value:g}"]
        return "\n".join(lines) + "\n"

    def _counters(self) -> list[str]:
        lines = ["# HELP lineament_requests_total Answered requests.", "# TYPE lineament_requests_total counter"]
        for (route, status), count in sorted(self._requests.items()):
            lines.append(f'lineament_requests_total{{route="{route}",status="{status}"}} {count}')
        lines += ["# HELP lineament_outcomes_total What came of them.", "# TYPE lineament_outcomes_total counter"]
        for (event, outcome), count in sorted(self._outcomes.items()):
            lines.append(f'lineament_outcomes_total{{event="{event}",outcome="{outcome}"}} {count}')
        for what in ("passes", "faces"):
            name = f"lineament_detector_{what}_total"
            lines += [f"# TYPE {name} counter", f"{name} {self._batches[what]}"]
        return lines

    def _histogram(self) -> list[str]:
        name = "lineament_request_seconds"
        lines = [f"# HELP {name} From the head of a request to the end of its answer.", f"# TYPE {name} histogram"]
        for route, counts in sorted(self._seconds.items()):
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), accumulate(counts), strict=True):
                lines.append(f'{name}_bucket{{route="{route}",le="{bound}"}} {count}')
            lines.append(f'{name}_sum{{route="{route}"}} {self._total[route]:.6f}')
            lines.append(f'{name}_count{{route="{route}"}} {sum(counts)}')
        return lines
