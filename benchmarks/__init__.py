"""One script for every number the project claims; each writes ``benchmarks/results/NAME.json``."""
