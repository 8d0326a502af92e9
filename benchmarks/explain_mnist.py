"""Explainers of digit pairs: do decisions cross, do others agree, how little changes, how long is training?

The real files in the parts of section 4.5.1. Beside each explainer stand the nearest training image that the classifier
decides for the other class, and an adversarial image; further rows are controls (see `explain_controls`).
"""

from benchmarks.explain_pairs import CHOSEN, arguments
from benchmarks.explain_task import task
from benchmarks.harness import benchmark

measure = task("mnist", control=("4", "9"), several=("3", "5", "8"))

if __name__ == "__main__":
    claim = f"digits cross the decision boundary, and others agree {CHOSEN}"
    benchmark("explain_mnist", claim, measure, arguments=arguments)
