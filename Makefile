# Needs only Python 3.11+, git and make. Everything goes into .venv and .careloom of this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: setup demo test check format lock spark bench docs clean

setup: $(INSTALLED)

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "careloom needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/careloom demo

test: setup
	$(BIN)/python -m pytest -n 4 --dist loadgroup

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/house

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Writes the locks anew; no registry host gets into them.
lock:
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group dev --group bench pyproject.toml -o requirements/bench.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group spark pyproject.toml --constraint requirements/dev.txt -o requirements/spark.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra gcp --extra nats --extra redis --constraint requirements/dev.txt pyproject.toml -o requirements/service.txt
	echo "hatchling==1.31.0" | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --constraint requirements/dev.txt - -o requirements/build.txt

# The same scores on Spark; it needs Java 17 or newer, and 500 MB.
spark: setup
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/spark.txt
	$(BIN)/python -m pytest tests/risk/test_spark.py

bench: setup
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/bench.txt
	$(BIN)/python -m benchmarks

# Writes the generated pages of the reference anew.
docs: setup
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) .careloom build dist
