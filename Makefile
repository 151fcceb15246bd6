# Parley: `make help` tells what there is.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RUFF := $(VENV)/bin/ruff
PIP := $(PY) -m pip --disable-pip-version-check -q
export PYTHONPATH := $(CURDIR):$(CURDIR)/media-worker/src
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 18,20

.DEFAULT_GOAL := help
.PHONY: help run test lint format conformance demo demo-webhooks demo-fleet agent worker token synth cost bench fuzz doctor cloud setup clean docs restore-drill

help: ## Tell what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

run: $(VENV)/.laptop .parley/models/.fetched .parley/.voices ## Start the whole of Parley on this machine, without AWS
	@exec $(PY) -m infra.laptop

test: setup ## Check and test everything, the emulated cloud included
	@# First what starts no stack, on every core; then the stacks, which mostly wait, two
	@# at a time and with lint beside them; last those that want the machine.
	@$(PY) -m pytest -n auto --dist loadfile -m 'not cloud and not laptop' \
			--cov --cov-report=; parts=$$?; \
		nice -n 19 $(MAKE) --no-print-directory lint >.parley/lint.log 2>&1 & lint=$$!; \
		$(PY) -m pytest -n 2 --dist loadgroup -m '(cloud or laptop) and not alone' \
			--cov --cov-append --cov-report=; stacks=$$?; \
		$(PY) -m pytest -m alone --cov --cov-append --cov-report=; alone=$$?; \
		wait $$lint; linted=$$?; cat .parley/lint.log; \
		test $$parts -eq 0 && test $$stacks -eq 0 && test $$alone -eq 0 && test $$linted -eq 0
	$(PY) -m coverage report --fail-under=90
	$(PY) -m coverage report --fail-under=100 \
		--include='chalicelib/protocol/*,chalicelib/domain/*,chalicelib/services/*,*/mediaworker/session/*,*/mediaworker/audio/*,*/mediaworker/rtp/*,*/mediaworker/sip/*'

lint: $(VENV)/.development node_modules/.installed ## Check style, types and imports
	$(RUFF) check .
	$(RUFF) format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo
	node_modules/.bin/tsc -p jsconfig.json
	$(VENV)/bin/hadolint media-worker/Dockerfile

format: $(VENV)/.development ## Put the code into its format
	$(RUFF) check --fix .
	$(RUFF) format .

demo: $(VENV)/.laptop ## Make calls in all four dialects on the running stack, and show their webhooks
	@$(PY) -m infra.demo

demo-webhooks: $(VENV)/.laptop ## Have a business fail in every way, and lose none of its webhooks
	@$(PY) -m infra.demo_webhooks $(if $(SECONDS),--seconds '$(SECONDS)')

demo-fleet: $(VENV)/.laptop .parley/models/.fetched .parley/.voices ## Kill one of three workers and drain another under load, and lose nothing else
	@$(PY) -m infra.demo_fleet $(if $(SECONDS),--seconds '$(SECONDS)')

worker: $(VENV)/.laptop .parley/models/.fetched .parley/.voices ## Start a media worker by itself, without a control plane
	@$(PY) -m infra.token --uid worker >/dev/null
	@PARLEY_ENV=development exec env \
		PARLEY_JWT_SECRET="$${PARLEY_JWT_SECRET:-$$(cat .parley/jwt_secret)}" \
		$(PY) -m mediaworker

agent: $(VENV)/.laptop .parley/models/.fetched ## Let the example agent talk with a recording: make agent [TALK='--microphone']
	@$(PY) -m examples.agent $(TALK) \
		--token "$$($(PY) -m infra.token --uid agent | tail -n 1)"

token: $(VENV)/.laptop ## Print a token: make token UID=alice [ROLE=admin] [TENANT=…]
	@$(PY) -m infra.token --uid '$(UID)' $(if $(ROLE),--role '$(ROLE)') \
		$(if $(TENANT),--tenant '$(TENANT)')

conformance: $(VENV)/.laptop ## Ask any server of the session protocol all that it must do: make conformance URL=ws://… [TOKEN=…] [WITH='--extras']
	@CONFORMANCE_TOKEN='$(TOKEN)' $(PY) -m conformance '$(URL)' $(WITH)

synth: $(VENV)/.development ## Write the CloudFormation templates to cdk.out/
	@$(PY) -m infra.cdk_app

cost: $(VENV)/.laptop ## Count what a thousand calls cost on AWS
	@$(PY) -m infra.cost $(if $(CALLS),--calls '$(CALLS)')

docs: $(VENV)/.laptop ## Write the pages of docs/ that are made of the code
	@$(PY) -m infra.reference.pages

restore-drill: $(VENV)/.laptop ## Bring the table back beside itself: make restore-drill TABLE=… [AT=…] [TO=…] [EXECUTE=1]
	@$(PY) -m infra.restore --table '$(TABLE)' $(if $(AT),--at '$(AT)') \
		$(if $(TO),--to '$(TO)') $(if $(EXECUTE),--execute)

bench: $(VENV)/.development ## Measure: make bench [ROWS='ring_lateness handler_cpu']
	@$(PY) -m bench $(ROWS)

cloud: setup ## Deploy into an emulated cloud on this machine, and stay
	@exec $(PY) -m infra.ministack

fuzz: $(VENV)/.development ## Send anything to the parsers: make fuzz [SECONDS=60] [SEED=0]
	@for target in clients commands dialects edge files gateway identity providers rtp sdp sip urls webrtc; do $(PY) -m fuzz $$target \
		--seconds $(or $(SECONDS),60) --seed $(or $(SEED),0) || exit 1; done

doctor: ## Tell what this machine lacks
	@$(PYTHON) -m infra.doctor

setup: $(VENV)/.development .mini/.installed node_modules/.installed .parley/.system \
		.parley/models/.fetched

clean: ## Remove all that was installed or built
	rm -rf $(VENV) .mini node_modules build cdk.out .parley/.system

# A stamp is as old as what it was made from: a second start installs nothing.
$(VENV)/.laptop: requirements.txt media-worker/requirements.txt \
		media-worker/requirements-alone.txt constraints.txt pyproject.toml scripts/make-venv
	@echo "Setting up Python packages ..."
	@scripts/make-venv $(PYTHON) $(VENV)
	@$(PIP) install -c constraints.txt -r requirements.txt \
		-r media-worker/requirements.txt --group laptop
	@$(PIP) install --no-deps -r media-worker/requirements-alone.txt
	@touch $@

$(VENV)/.development: $(VENV)/.laptop
	@echo "Setting up development packages ..."
	@$(PIP) install -c constraints.txt --group development
	@touch $@

.mini/.installed: infra/requirements-ministack.txt
	@echo "Setting up the emulated cloud ..."
	@scripts/make-venv $(PYTHON) .mini
	@.mini/bin/python -m pip --disable-pip-version-check -q install --no-deps \
		-r infra/requirements-ministack.txt
	@touch $@

node_modules/.installed: package-lock.json
	@echo "Setting up the CDK command line and the scripts' checker ..."
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.parley/models/.fetched: scripts/fetch-models $(VENV)/.laptop
	@mkdir -p -m 700 .parley
	@$(PY) scripts/fetch-models .parley/models
	@touch $@

.parley/.voices: scripts/install-system-packages
	@mkdir -p -m 700 .parley
	@scripts/install-system-packages codecs voices
	@touch $@

.parley/.system: scripts/install-system-packages
	@scripts/install-system-packages
	@mkdir -p -m 700 .parley && touch $@
