"""Metrics as Prometheus reads them."""

import re

from lineament.service.metrics import Metrics

LINE = re.compile(r'(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? [-+.0-9e]+)')


def test_counts_and_histogram_add_up():
    metrics = Metrics()
    for seconds in (0.001, 0.005, 0.03, 99):
        metrics.request("/v1/users/{user}/verify", 200, seconds)
    metrics.request("/v1/users/{user}/verify", 429, 0.001)
    metrics.outcome("verify", "accepted")
    metrics.batch(3)
    metrics.batch(5)
    lines = metrics.text(work=2).splitlines()
    assert all(LINE.fullmatch(line) for line in lines), lines
    route = 'route="/v1/users/{user}/verify"'
    for line in (
        f'lineament_requests_total{{{route},status="200"}} 4',
        f'lineament_request_seconds_bucket{{{route},le="0.005"}} 3',
        f'lineament_request_seconds_bucket{{{route},le="10.0"}} 4',
        f'lineament_request_seconds_bucket{{{route},le="+Inf"}} 5',
        f"lineament_request_seconds_count{{{route}}} 5",
        'lineament_outcomes_total{event="verify",outcome="accepted"} 1',
        "lineament_detector_passes_total 2",
        "lineament_detector_faces_total 8",
        "lineament_work 2",
    ):
        assert line in lines
