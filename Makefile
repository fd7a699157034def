# make run and make test set up everything they need in .venv; the second time they start at once.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BUILD  := build

.PHONY: run serve test lint bench clean setup browser postgres

# Reproduce every claim at smoke scale, build the site, say where to look.
run: setup
	$(BIN)/hotpapers reproduce --scale smoke --out $(BUILD)/evidence
	$(BIN)/hotpapers site build --out $(BUILD)/site --evidence $(BUILD)/evidence
	@echo "The site is in $(BUILD)/site/index.html; \`make serve\` serves it with a form for every verb."

serve: setup
	$(BIN)/hotpapers serve

test: setup browser postgres
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python benchmarks/sinir.py

clean:
	rm -rf $(BUILD) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache $(VENV)

setup: $(READY)

# Installed again only when what is to be installed has changed.
$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: PYTHON=/path/to/python3.11 make …"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	touch $(READY)

# The browser tests need a Chromium. Debian's is installed where that is possible; elsewhere those tests skip and say so.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	       && echo "installing Chromium for the browser tests" \
	       && { apt-get install -qq -y chromium >/dev/null 2>&1 \
	            || { apt-get update -qq && apt-get install -qq -y chromium >/dev/null; }; }; } \
	  || echo "no Chromium here: the browser tests will be skipped"

# The store is tested on PostgreSQL, too, by a server of the tests' own: the same holds for its programs.
postgres:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	       && echo "installing PostgreSQL for the store's tests" \
	       && { apt-get install -qq -y postgresql >/dev/null 2>&1 \
	            || { apt-get update -qq && apt-get install -qq -y postgresql >/dev/null; }; }; } \
	  || echo "no PostgreSQL here: the store's tests on it will be skipped"
