# One target for each task of a user or a contributor. Needs Python 3.11 or newer with its venv module, and git.
BIN := .venv/bin
CODE := $(wildcard schemas gateway adapters conformance clients demo)
INSTALL := python=$$(requirements/find-python) && "$$python" requirements/install.py
WORKERS ?= 3
# Tests start hundreds of commands; with bytecode files each one starts a second sooner.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Run a demo of the whole federation (ONCE=1: exit at the end; KAFKA=1: on real Kafka; OFFERS=n)
	@$(INSTALL) demo
	@$(BIN)/python -m demo $(if $(ONCE),--once) $(if $(KAFKA),--kafka) $(if $(OFFERS),--offers $(OFFERS))

.PHONY: serve
serve: run ## Start a gateway on the embedded log, in .data
	@$(BIN)/passerelle serve

.PHONY: quick
quick: dev ## Run the tests without a broker, other processes or waiting (a minute and a half)
	@$(BIN)/pytest --quick -n $(WORKERS) -q $(ARGS)

.PHONY: test
test: dev ## Run the quick tests and those that prove each slow kind, in less than 5 minutes (WORKERS=3; ARGS="tests/schemas -k weeks" for some tests, on one)
ifdef ARGS
	@$(BIN)/pytest $(ARGS)
else
	@$(BIN)/pytest --smoke -n $(WORKERS) -q
endif

.PHONY: test-alone
test-alone: dev ## Run the tests that compare how long something takes, one after the other (three minutes)
	@$(BIN)/pytest --alone -q

.PHONY: test-rest
test-rest: dev ## Run the tests that `make test` and `make test-alone` leave out (a quarter of an hour; WORKERS=3)
	@$(BIN)/pytest --rest -n $(WORKERS) --durations=20

.PHONY: test-all
test-all: test ## Run all tests: `make test`, then those that run alone, then the rest
	@$(MAKE) --no-print-directory test-alone
	@$(MAKE) --no-print-directory test-rest

.PHONY: lint
lint: dev ## Check style and format of the code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: types
types: dev ## Check the types, strictly
	@$(BIN)/mypy

.PHONY: imports
imports: dev ## Check the import contracts
	@$(BIN)/lint-imports --no-cache

.PHONY: security
security: dev ## Check the code for known weaknesses
	@# Low ones, B104, B113 and B608 are also ruff's S rules, where each exception gives its reason on its line.
	@$(BIN)/bandit --quiet --recursive $(CODE) --severity-level medium --skip B104,B113,B608

.PHONY: check
check: lint types imports security test ## Run what is checked before each commit: style, types, imports, security, `make test`

.PHONY: bench
bench: dev ## Measure the tables of docs/performance.md (an hour; ONLY="ingest single" for parts; LOGS=Kafka; KINDS="tokens reads"; OFFERS=n, MILLION=n, SECONDS=n for small)
	@$(BIN)/python -m bench $(foreach one,ONLY LOGS KINDS OFFERS MILLION SECONDS,$(if $($(one)),--$(shell echo $(one) | tr A-Z a-z) $($(one))))

.PHONY: faults
faults: dev ## Kill, cut off and restart processes, and count the offers at all ends (LOG=embedded or kafka, BROKERS=1 or 3, MINUTES=30, SEED=1)
	@$(BIN)/python -m tests.faults --log $(or $(LOG),embedded) --brokers $(or $(BROKERS),1) --minutes $(or $(MINUTES),30) --seed $(or $(SEED),1)

.PHONY: national-model
national-model: dev ## Compare the simulated national site with its model after random sequences (SEQUENCES=2000, SEED=1)
	@$(BIN)/python -m tests.national.model --sequences $(or $(SEQUENCES),2000) --seed $(or $(SEED),1)

.PHONY: damage
damage: dev ## Flip random bytes in every file of a data folder and check the outcome (TRIALS=200, SEED=1)
	@$(BIN)/python -m tests.damage --trials $(or $(TRIALS),200) --seed $(or $(SEED),1)

.PHONY: record
record: dev ## Record this version's schemas, rules, lists and calendars in schemas/releases, once its breaks are announced
	@$(BIN)/python -m schemas.evolution.record $(or $(DAY),$(shell date +%F))

.PHONY: kit
kit: dev ## Build the conformance kit for partners: its wheel, one file for this platform, bill of materials, SHA256SUMS (in dist/)
	@$(BIN)/python conformance/packaging/build.py dist --pex

.PHONY: contract
contract: dev ## Write the documents for partners from their sources (docs/contract/, docs/reference/, the profile schema)
	@$(BIN)/python -m schemas.build_reference
	@$(BIN)/python -m conformance.build_cases

.PHONY: matrix
matrix: dev ## Play every wrong system against the kit, and write docs/conformance/matrix.md (a quarter of an hour; ONLY=gateways, programs, topics, partners or sites)
	@$(BIN)/python -m tests.conformance.matrix $(ONLY)

.PHONY: screenshots
screenshots: dev ## Take the pictures of docs/images from a running demo, in Chromium (a few minutes; needs fonts-liberation)
	@$(BIN)/python -m tests.pages.screenshots

.PHONY: release
release: dev ## Build the wheel of a release and its bill of materials (in dist/), or list what is missing for one
	@$(BIN)/python requirements/release.py

.PHONY: advisories
advisories: dev ## Check the locked packages for known vulnerabilities
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements/run.txt

.PHONY: lock
lock: dev ## Lock the newest allowed versions, with hashes
	@$(BIN)/python -m pip install --quiet uv
	@requirements/lock

.PHONY: clean
clean: ## Remove the files of the tools; keeps .data
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: run dev
run dev:
	@$(INSTALL) $@
