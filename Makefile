# Everything a user or a contributor does, each in one word. Needs Python 3.11 or newer with its venv module, and git.
BIN := .venv/bin
CODE := $(wildcard schemas gateway adapters conformance)
WORKERS ?= 3
# Tests start hundreds of commands: with bytecode kept each one starts a second sooner.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: run ## Show the federation at work (ONCE=1: end by itself; KAFKA=1: on real Kafka; OFFERS=n)
	@$(BIN)/passerelle demo $(if $(ONCE),--once) $(if $(KAFKA),--kafka) $(if $(OFFERS),--offers $(OFFERS))

.PHONY: serve
serve: run ## Start a gateway on the embedded log, in .data
	@$(BIN)/passerelle serve

.PHONY: quick
quick: dev ## Run the tests that need no broker, no other process and no waiting (a minute and a half)
	@$(BIN)/pytest --quick -n $(WORKERS) -q $(ARGS)

.PHONY: test
test: dev ## Run all tests, on several workers (WORKERS=3; ARGS="tests/schemas -k weeks" for some tests, on one)
	@$(BIN)/pytest $(or $(ARGS),-n $(WORKERS) --durations=20)

.PHONY: lint
lint: dev ## Style of the code, and how it is laid out
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: types
types: dev ## Types, strictly
	@$(BIN)/mypy

.PHONY: imports
imports: dev ## Check the import contracts
	@$(BIN)/lint-imports --no-cache

.PHONY: security
security: dev ## Known weak spots in the code
	@# Low ones, B104 and B608 are ruff's S rules too, where each exception gives its reason on its line.
	@$(BIN)/bandit --quiet --recursive $(CODE) --severity-level medium --skip B104,B608

.PHONY: check
check: lint types imports security test ## All that CI asks: style, types, imports, security, tests, examples of the docs

.PHONY: bench
bench: dev ## Measure the tables of docs/performance.md (an hour; ONLY="ingest single" for parts; LOGS=Kafka; KINDS="tokens reads"; OFFERS=n, MILLION=n, SECONDS=n for small)
	@$(BIN)/python -m bench $(foreach one,ONLY LOGS KINDS OFFERS MILLION SECONDS,$(if $($(one)),--$(shell echo $(one) | tr A-Z a-z) $($(one))))

.PHONY: faults
faults: dev ## Kill, cut and restart, and count at the far end (LOG=embedded or kafka, BROKERS=1 or 3, MINUTES=30, SEED=1)
	@$(BIN)/python -m tests.faults --log $(or $(LOG),embedded) --brokers $(or $(BROKERS),1) --minutes $(or $(MINUTES),30) --seed $(or $(SEED),1)

.PHONY: national-model
national-model: dev ## Play random sequences against the simulated national site and compare its rows (SEQUENCES=2000, SEED=1)
	@$(BIN)/python -m tests.national_model --sequences $(or $(SEQUENCES),2000) --seed $(or $(SEED),1)

.PHONY: damage
damage: dev ## Flip random bytes in every file of a data folder and check the outcome (TRIALS=200, SEED=1)
	@$(BIN)/python -m tests.damage --trials $(or $(TRIALS),200) --seed $(or $(SEED),1)

.PHONY: kit
kit: dev ## Build the conformance kit for partners: its wheel, and one file for this platform (in dist/)
	@$(BIN)/python conformance/packaging/build.py dist --pex && ls dist

.PHONY: release
release: dev ## Build the wheel of a release (in dist/), or say all that is not ready for one
	@$(BIN)/python requirements/release.py

.PHONY: advisories
advisories: dev ## Ask whether a locked package has a known vulnerability
	@$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements/run.txt

.PHONY: lock
lock: dev ## Lock the newest allowed versions, with hashes
	@$(BIN)/python -m pip install --quiet uv
	@requirements/lock

.PHONY: clean
clean: ## Remove what the tools left; keeps .data
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: run dev
run dev:
	@python=$$(requirements/find-python) && "$$python" requirements/install.py $@
