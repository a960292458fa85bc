# Kindred: `make demo` and `make test` do all the set-up. Nothing else has to be installed by hand.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-$(shell cat requirements.txt requirements-dev.txt package-lock.json | sha256sum | cut -c1-16)
DATA ?=
WEIGHTS ?=
PORT ?= 8000
SCREENSHOTS ?= $(CURDIR)/var/screenshots
PYTEST := $(BIN)/python -m pytest
# One process a core with one thread each, which take work from each other at the end; ARGS="-n 0" for a single one.
PARALLEL := OMP_NUM_THREADS=1 $(PYTEST) -n auto --dist worksteal

.PHONY: help demo test test-learning check test-services e2e screenshots env clean

help:
	@echo "make demo           a running site on drawn butterflies; DATA=folder-or-archive WEIGHTS=file.safetensors for your own"
	@echo "make test           the tests that need nothing but this machine"
	@echo "make test-learning  every loss trained on drawn pictures: better than untrained, better than on shuffled labels"
	@echo "make check          format, types, layers, migrations, deployment settings"
	@echo "make test-services  the site's tests on PostgreSQL and Redis, the queue's tests again on RabbitMQ"
	@echo "make e2e            a real browser (Chromium) against a real site"
	@echo "make screenshots    every page, both widths, both themes, into SCREENSHOTS (var/screenshots)"

env: $(STAMP)

# torch first: with it installed, nothing later asks for a build with CUDA. Made anew when a requirements file changes.
# The last line of pip's gives $(BIN)/kindred. The charts' and the map's libraries come from npm; Node itself is in requirements.txt.
$(STAMP):
	@tools/preflight.sh $(PYTHON)
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --progress-bar on "$$(grep '^torch==' requirements.txt)"
	$(BIN)/python -m pip install --progress-bar on -r requirements.txt -r requirements-dev.txt
	$(BIN)/python -m pip install --no-deps -e .
	PATH="$$PWD/$(BIN):$$PATH" $(BIN)/npm ci
	touch $(STAMP)

demo: env
	@$(BIN)/python manage.py demo --port $(PORT) $(if $(DATA),--data "$(DATA)") $(if $(WEIGHTS),--weights "$(WEIGHTS)")

test: env
	$(PARALLEL) $(ARGS)

test-learning: env
	$(PARALLEL) -m learning $(ARGS)

check: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	KINDRED_HTTPS=true SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') ALLOWED_HOSTS=kindred.example \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

# mlcore and the benchmarks know neither database nor queue: `make test` has tested them.
test-services: env
	DATABASE_URL=$${DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres} CACHE_URL=$${CACHE_URL:-redis://127.0.0.1:6379/5} \
		CELERY_BROKER_URL=$${CELERY_BROKER_URL:-redis://127.0.0.1:6379/6} $(PARALLEL) --ignore=tests/mlcore --ignore=tests/test_benchmarks.py $(ARGS)
	DATABASE_URL=$${DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres} CACHE_URL=$${CACHE_URL:-redis://127.0.0.1:6379/5} \
		CELERY_BROKER_URL=$${RABBITMQ_URL:-amqp://guest:guest@127.0.0.1:5672//} $(PARALLEL) -m queue $(ARGS)

e2e screenshots: env
	@command -v chromium >/dev/null || { echo "make $@ needs Chromium: apt-get install chromium chromium-driver" >&2; exit 1; }
	$(PYTEST) -m e2e $(E2E) $(ARGS)

e2e: E2E = tests/e2e
screenshots: E2E = tests/e2e/test_every_page.py
screenshots: export KINDRED_SCREENSHOTS = $(SCREENSHOTS)

clean:
	rm -rf $(VENV) node_modules var .mypy_cache .ruff_cache .pytest_cache
