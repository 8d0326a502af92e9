# make demo      a dossier about detectors on the embedded portraits, from nothing, in one file: dossier.html
# make test      everything that must hold before a commit: lint, types, tests
# make lint      the first two of them
# make clean     removes what these left, except .venv

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint clean

demo: .venv/.demo
	$(BIN)/lineament dossier --out dossier.html
	@echo "Open $(CURDIR)/dossier.html in a browser."

test: lint .venv/.browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf build dist dossier.html .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# Each stamp is one finished installation; a changed requirement repeats it. torch comes first, on its own, so that
# pip takes the build it is configured for (CPU or CUDA) before anything else asks for one.
.venv/.torch:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lineament needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(INSTALL) torch==2.13.0
	@touch $@

.venv/.demo: .venv/.torch pyproject.toml constraints.txt
	$(INSTALL) --editable .
	@touch $@

.venv/.test: .venv/.torch pyproject.toml constraints.txt
	$(INSTALL) --editable '.[test,lint]'
	@touch $@ .venv/.demo

# Browser tests skip where there is no chromium, so that failing to get one is no failure.
.venv/.browser: .venv/.test
	@command -v chromium || { [ "$$(id -u)" = 0 ] && command -v apt-get && apt-get update -qq \
	    && apt-get install -y -qq --no-install-recommends chromium; } || echo "no chromium: browser tests will skip"
	@touch $@
