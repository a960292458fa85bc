# Kindred: `make demo` and `make test` do all the set-up. Nothing else has to be installed by hand.
SHELL := /bin/bash
# The newest Python that runs here; CI names 3.11.
PYTHON ?= $(shell tools/preflight.sh --newest)
# What pip is given for torch: another requirement, or a wheel's path or web address, of the pinned version all the same.
TORCH ?= $(shell grep '^torch==' requirements.txt)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-$(shell cat requirements.txt requirements-dev.txt package-lock.json | sha256sum | cut -c1-16)
DATA ?=
WEIGHTS ?=
ARCH ?=
EPOCHS ?=
PORT ?= 8000
SCREENSHOTS ?= $(CURDIR)/var/screenshots
CLIENTS ?= 50
SECONDS ?= 600
PYTEST := $(BIN)/python -m pytest
# One process a core with one thread each, which take work from each other at the end; ARGS="-n 0" for a single one.
PARALLEL := OMP_NUM_THREADS=1 $(PYTEST) -n auto --dist worksteal
# mlcore and the benchmarks know neither database nor queue, and the client only HTTP: `make test` has tested them.
SITE := --ignore=tests/mlcore --ignore=tests/test_benchmarks.py
ON_SERVICES := DATABASE_URL=$${DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres} CACHE_URL=$${CACHE_URL:-redis://127.0.0.1:6379/5}
ON_REDIS := $(ON_SERVICES) CELERY_BROKER_URL=$${CELERY_BROKER_URL:-redis://127.0.0.1:6379/6} $(PARALLEL) $(SITE)
ON_RABBITMQ := $(ON_SERVICES) CELERY_BROKER_URL=$${RABBITMQ_URL:-amqp://guest:guest@127.0.0.1:5672//} $(PARALLEL)

# Modules are compiled when they are first imported: where that may not be kept, each of hundreds of processes compiles them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-learning check test-services test-milvus test-image test-faults faults e2e ci-full load lighthouse screenshots snapshots env clean

help:
	@echo "make demo           a running site on drawn butterflies; DATA=folder-or-archive for your own pictures"
	@echo "make test           the tests that need nothing but this machine"
	@echo "make test-learning  a loss of each family trained on drawn pictures: better than untrained or on shuffled labels"
	@echo "make check          format, types, layers, migrations, deployment settings"
	@echo "make test-services  what differs there on PostgreSQL and Redis; the queue's own tests on RabbitMQ"
	@echo "make test-milvus    indexes in a real Milvus server, with nothing beside it"
	@echo "make test-image     the container image, built and run without Docker; needs root, buildah and debootstrap"
	@echo "make test-faults    a few faults of a real site: killed processes, a database that restarts, two hosts at once"
	@echo "make faults         every fault (python -m tests.faults --list), those of the broker on RabbitMQ too"
	@echo "make e2e            a real browser (Chromium) against a real site"
	@echo "make ci-full        all of that everywhere, the whole grids too; .ci/run is the half hour for every change"
	@echo "make load           50 people at once for ten minutes on PostgreSQL and Redis; CLIENTS=50 SECONDS=600"
	@echo "make snapshots      the stored texts of pages, mails, help and API (tests/snapshots) as they are now, to see in git diff"
	@echo "make lighthouse     Lighthouse on eight pages of a running make demo, as a phone sees them; PORT=8000"
	@echo "make screenshots    every page, both widths, both themes, into SCREENSHOTS (var/screenshots)"

env: $(STAMP)

# torch first: with it installed, nothing later asks for a build with CUDA. Made anew when a requirements file changes.
# Modules are compiled when they are first imported: most never are, and to compile all takes half of pip's time.
# The last line of pip's gives $(BIN)/kindred. The charts' and the map's libraries come from npm; Node itself is in requirements.txt.
$(STAMP):
	@tools/preflight.sh "$(PYTHON)"
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python tools/torch_build.py "$(TORCH)"
	$(BIN)/python -m pip install --no-compile --progress-bar on "$(TORCH)"
	$(BIN)/python -m pip install --no-compile --progress-bar on -r requirements.txt -r requirements-dev.txt
	$(BIN)/python -m pip install --no-deps -e .
	PATH="$$PWD/$(BIN):$$PATH" $(BIN)/npm ci
	touch $(STAMP)

demo: env
	@$(BIN)/python manage.py demo --port $(PORT) $(if $(DATA),--data "$(DATA)") $(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(ARCH),--architecture "$(ARCH)") $(if $(EPOCHS),--epochs "$(EPOCHS)")

test: env
	$(PARALLEL) $(ARGS)

test-learning: env
	$(PARALLEL) -m "learning and not full" tests/mlcore $(ARGS)

check: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	KINDRED_HTTPS=true SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') ALLOWED_HOSTS=kindred.example \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

test-services: env
	$(ON_REDIS) --ignore=tests/kindred_client -m "(services or queue) and not full" $(ARGS)
	$(ON_RABBITMQ) -m "queue and not full" tests/jobs $(ARGS)

# A real Milvus server stops itself on a starved machine, so it has this one to itself.
test-milvus: env
	$(PYTEST) -m milvus tests/mlcore/index tests/retrieval/test_vectors_live.py $(ARGS)

# Seven to ten minutes on two cores, and some GB of disk, which it frees again.
test-image: env
	$(PYTEST) -m image tests/deploy $(ARGS)

# Each is done to processes of its own, one after the other: docs/deploy.md has the table.
test-faults: env
	$(BIN)/python -m tests.faults --quick

faults: env
	$(BIN)/python -m tests.faults all
	CELERY_BROKER_URL=$${RABBITMQ_URL:-amqp://guest:guest@127.0.0.1:5672//} $(BIN)/python -m tests.faults broker-restarted broker-away

# The whole site on PostgreSQL and Redis, every test of the queue on RabbitMQ, every case of every grid: for a night.
ci-full: check
	$(PARALLEL) -m "not e2e and not learning and not milvus and not image and not faults" $(ARGS)
	$(PARALLEL) -m learning tests/mlcore $(ARGS)
	$(ON_REDIS) -m "not e2e and not learning and not milvus and not image and not faults" $(ARGS)
	$(ON_RABBITMQ) $(SITE) -m queue $(ARGS)
	$(MAKE) test-milvus
	$(MAKE) test-image
	$(MAKE) faults
	$(MAKE) e2e WALKS=e2e $(if $(ARGS),ARGS="$(ARGS)")

# A site of its own, with a database, a cache and queues of its own on these servers, removed at the end.
# ARGS="--page docs/deploy.md" writes the figures there.
load: env
	$(ON_SERVICES) CELERY_BROKER_URL=$${CELERY_BROKER_URL:-redis://127.0.0.1:6379/6} \
		$(BIN)/python -m benchmarks.load --clients $(CLIENTS) --seconds $(SECONDS) $(ARGS)

e2e screenshots: env
	@command -v chromium >/dev/null || { echo "make $@ needs Chromium: apt-get install chromium chromium-driver" >&2; exit 1; }
	$(PYTEST) -m "$(WALKS)" $(E2E) $(ARGS)

WALKS ?= e2e and not full
e2e: E2E = tests/e2e
screenshots: E2E = tests/e2e/test_every_page.py
screenshots: export KINDRED_SCREENSHOTS = $(SCREENSHOTS)

# Of a site that `make demo` serves on this machine; Lighthouse itself takes 170 MB, so it is installed for this alone.
lighthouse: env
	cd tools/lighthouse && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund
	$(BIN)/node tools/lighthouse/run.js http://127.0.0.1:$(PORT) "$${KINDRED_VAR:-var}"

snapshots: env
	KINDRED_RENEW_SNAPSHOTS=1 $(PARALLEL) tests/snapshots $(ARGS)

clean:
	rm -rf $(VENV) node_modules tools/lighthouse/node_modules var .mypy_cache .ruff_cache .pytest_cache
