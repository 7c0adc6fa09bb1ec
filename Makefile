.DEFAULT_GOAL := help
.PHONY: help env chromium proxy bubblewrap nginx tlsredis iproute rabbitmq redises cluster podman docker images browser security fuzz pictures test jsclient pythons lint types demo lab notebooks bench chaos scale lock clean

BIN := ./.env/bin
# In a conda environment, packages of the user's own site would come before those of the lock.
export PYTHONNOUSERSITE := 1

help: ## Show this help
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

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

lint: env ## Check the style of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env ## Check the types
	$(BIN)/mypy

bench: env ## Measure taskkit beside its neighbours, a quarter of an hour (ARGS=--quick: 3 minutes)
	@sh tools/bench_env.sh
	build/bench-env/bin/python -m bench $(ARGS)

chaos: env iproute ## Break everything, and show that nothing is lost; takes half an hour (ARGS=--short)
	PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

scale: env nginx ## A thousand notebooks, 100,000 jobs, and what the capacity model foretells; 10 minutes
	PYTHONPATH=tests:tests/operations $(BIN)/python -m scale $(ARGS)

cluster: env tlsredis iproute ## Work on three hosts, one far away and one cut off; two minutes (ARGS=--short)
	PYTHONPATH=tests $(BIN)/python -m cluster $(ARGS)

lock: env ## Write requirements.lock and environment.yml from pyproject.toml (ARGS=--upgrade: newest)
	$(BIN)/python tools/lock.py $(ARGS)
	$(BIN)/python tools/environment_yml.py

clean: ## Remove all that was made: ./.env, build/ and caches
	@if [ -d .env ]; then rm -rf .env; fi
	rm -rf build dist clients/js/node_modules clients/js/types .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
