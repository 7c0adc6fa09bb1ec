.DEFAULT_GOAL := help
.PHONY: help env chromium proxy bubblewrap nginx tlsredis iproute rabbitmq redises mutations cluster podman docker images browser security fuzz pictures docs test jsclient pythons lint types hooks demo lab notebooks bench chaos scale lock licences states dist sbom audit release-check version clean

BIN := ./.env/bin
# In a conda environment, packages of the user's own site would come before those of the lock.
export PYTHONNOUSERSITE := 1

help: ## Show this help
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

env: ## Make ./.env with conda, uv or venv (ENV=conda|uv|venv forces one, PYTHON=... the Python)
	@ENV="$(ENV)" PYTHON="$(PYTHON)" sh tools/env.sh

demo: env ## Run the quick-start notebook on a stack of its own; leaves it executed in build/
	$(BIN)/python -m taskkit demo

lab: env ## Start a stack and JupyterLab on notebooks/
	$(BIN)/python -m taskkit lab

test: env chromium proxy bubblewrap nginx tlsredis iproute rabbitmq ## Run all tests, with the notebooks and a browser (ARGS=... for pytest)
	@sh tools/js_client.sh
	$(BIN)/python tools/suite.py $(ARGS)

jsclient: env ## Test the client in JavaScript (clients/js), and give the page its newest files
	@sh tools/js_client.sh
	@for file in server/taskkit_server/static/client/*.js; do cp clients/js/src/$${file##*/} $$file; done
	$(BIN)/python -m pytest tests/js

notebooks: env ## Run the notebooks, compare their results (RUNS=20 LOAD=2: often, on a busy machine)
	$(BIN)/python tools/soak.py --runs=$(or $(RUNS),1) --load=$(or $(LOAD),0) \
		tests/notebooks/test_notebooks.py tests/notebooks/test_kernel_killed.py

pythons: env ## Run tests/executor on every Python that is here, of those that it is for (ARGS=...)
	@ARGS="$(ARGS)" sh tools/pythons.sh

chromium: ## Install chromium and axe-core where they are missing and the rights are there
	@sh tools/browser.sh

proxy: ## Install JupyterHub's proxy where it is missing, for the tests with a real Hub
	@sh tools/hub_proxy.sh

bubblewrap: ## Install bubblewrap where it is missing, for the tests of jobs in boxes
	@sh tools/bubblewrap.sh

nginx: ## Install nginx where it is missing and the rights are there, for the tests of deploy/nginx
	@sh tools/nginx.sh

podman: ## Install podman and mmdebstrap where they are missing and the rights are there, for `make images`
	@sh tools/podman.sh

docker: ## Build the server's and the worker's image with docker or podman (PACKAGES="scikit-learn pandas")
	@PACKAGES="$(PACKAGES)" PYTHON_IMAGE="$(PYTHON_IMAGE)" sh deploy/images/build.sh

images: env podman ## Build the container images and break deploy/compose with podman; minutes (ARGS=... for pytest)
	$(BIN)/python tests/images $(ARGS)

tlsredis: ## Get a Redis that speaks TLS where none is, for the tests of TLS
	@sh tools/tls_redis.sh

mutations: env ## Change programs in all ways to be had, and count calls wrongly taken for equal; 3 minutes
	MUTATIONS=all $(BIN)/python -m pytest tests/cache

redises: env ## Run the ledger's tests and whole stacks on every Redis and Valkey to be had (ARGS=redis-7.0)
	$(BIN)/python tools/redises.py $(ARGS)

rabbitmq: ## Fetch RabbitMQ where it is missing and the rights are there, for the tests with it
	@sh tools/rabbitmq.sh

iproute: ## Install iproute2 where it is missing, for the tests on several hosts
	@sh tools/iproute.sh

browser: env chromium ## Run the tests in a real browser: panels, page, dashboard, Notebook 7
	$(BIN)/python -m pytest tests/browser

security: env chromium bubblewrap tlsredis ## Attack the server and the workers: tests/security, scopes, access, and schemathesis where it is
	$(BIN)/python -m pytest tests/security tests/fuzz tests/protocol/test_signing.py tests/ledger/test_redis_signed.py \
		tests/test_signing_keys.py tests/server/test_access.py tests/server/test_scopes.py \
		tests/server/test_sockets.py tests/server/test_shares.py tests/integration/test_users.py \
		tests/server/test_token_store.py tests/integration/test_shared_jobs.py tests/browser/test_shared_page.py \
		$(wildcard tests/server/test_*schema*.py tests/server/test_openapi*.py) tests/worker/test_boxed.py \
		tests/server/test_cards_api.py tests/provenance/test_card_bundle.py tests/cli/test_rerun_command.py

fuzz: env ## Fuzz by coverage what reads bytes of strangers (SECONDS=60 for each, ARGS=heads: that one)
	$(BIN)/python tests/fuzz --seconds=$(or $(SECONDS),60) $(ARGS)

pictures: env chromium ## Take the pictures of docs/panels.md and docs/page.md, and of /docs
	$(BIN)/python tools/panel_pictures.py
	$(BIN)/python tools/page_pictures.py

docs: env ## Build the documentation into build/docs, its notebooks executed (ARGS=--stored: not executed)
	$(BIN)/python tools/docs.py $(ARGS)

lint: env ## Check the style of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env ## Check the types
	$(BIN)/mypy

hooks: env ## Have git run the same before each commit (.pre-commit-config.yaml)
	$(BIN)/pre-commit install

bench: env ## Measure taskkit beside its neighbours, a quarter of an hour (ARGS=--quick: 3 minutes)
	@sh tools/bench_env.sh
	build/bench-env/bin/python -m bench $(ARGS)

chaos: env iproute ## Break everything, and show that nothing is lost; takes half an hour (ARGS=--short)
	PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

scale: env nginx ## A thousand notebooks, 100,000 jobs, and what the capacity model foretells; half an hour
	PYTHONPATH=tests:tests/operations $(BIN)/python -m scale $(ARGS)

cluster: env tlsredis iproute ## Work on three hosts, one far away and one cut off; two minutes (ARGS=--short)
	PYTHONPATH=tests $(BIN)/python -m cluster $(ARGS)

lock: env ## Write requirements.lock and environment.yml from pyproject.toml (ARGS=--upgrade: newest)
	$(BIN)/python tools/lock.py $(ARGS)
	$(BIN)/python tools/environment_yml.py

licences: env ## Write docs/licences.md, the licences of all that taskkit needs; fails on copyleft
	$(BIN)/python tools/licences.py

states: env ## Write docs/state-machine.md from the table of events
	$(BIN)/python tools/state_diagram.py

dist: env ## Build wheel and source archive into dist/: the same bytes for the same commit
	$(BIN)/python tools/dist.py

sbom: dist ## Write what a full installation is made of, build/release/*.cdx.json
	@sh tools/release_env.sh
	$(BIN)/python tools/sbom.py

audit: env ## Ask a database of vulnerabilities about all that is locked; needs the network
	@sh tools/release_env.sh
	build/release-env/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

release-check: sbom ## Install what is in dist/ on each Python that is here, use it, judge it; 10 minutes
	TASKKIT_RELEASE_CHECK=1 $(BIN)/python -m pytest tests/release $(ARGS)

version: env ## Write a version into all files that tell it, and date its changes (VERSION=0.2.0)
	$(BIN)/python tools/new_version.py $(VERSION)

clean: ## Remove all that was made: ./.env, build/ and caches
	@if [ -d .env ]; then rm -rf .env; fi
	rm -rf build dist clients/js/node_modules clients/js/types .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
