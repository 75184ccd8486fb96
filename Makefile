# Satchel's commands. `make` alone lists them.

.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := $(CURDIR)/.dev/bin

# How many packages are built and tested at once, besides those with stacks, and how long
# the tests of one may take. Most tests wait for services.
PARALLEL ?= 2
TIMEOUT ?= 40m
# These start whole stacks of other processes. The slowest packages come first.
STACKS := ./dev/e2e ./dev/browser ./dev/stack ./dev/services
# The race detector makes a test several times slower: it runs where the package itself has
# concurrent code, but for those whose tests work through whole databases and archives.
# `make race` runs it everywhere.
WHOLE := ./worker ./server ./schema/store ./activities/accountexport ./activities/bulkexport ./activities/program
CONCURRENT = $$(git grep -lE '^[[:space:]]*go [a-z(]|"sync"|"sync/atomic"|/errgroup"' -- '*.go' ':!*_test.go' ':!dev' | xargs -n1 dirname | sort -u | sed 's|^|./|' | grep -vxF $(addprefix -e ,$(WHOLE)))
OTHERS = $(WHOLE) $$(comm -23 <(go list ./... | sed 's|^satchel|.|' | sort) <(printf '%s\n' $(STACKS) $(WHOLE) $(CONCURRENT) | sort -u))
# More flags for `make bench`; .dev/bin/dev bench --help lists them.
BENCH ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: command ## run everything on this machine, until Ctrl-C
	@exec $(BIN)/dev up

tools: command ## build the pinned tools into .dev/bin, once
	@$(BIN)/dev tools --test --lint

test: ready ## every test, with real Postgres, S3, Temporal and Chromium; nothing needs to be running
	@$(MAKE) --no-print-directory -j 2 test-stacks test-packages

test-stacks:
	go test -vet=off -p 2 -timeout $(TIMEOUT) $(STACKS)

test-packages: # `make lint` vets
	go test -race -vet=off -p $(PARALLEL) -timeout $(TIMEOUT) $(CONCURRENT)
	go test -vet=off -p $(PARALLEL) -timeout $(TIMEOUT) $(OTHERS)

race: ready ## every test with the race detector; takes several times as long
	go test -race -vet=off -p 1 -timeout 2h ./...

unit: ## the quick tests, which start nothing
	go test $$(go list -f '{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... | grep -vE 'satchel/dev/(services|testservices|stack|fixture)' | cut -d' ' -f1)

replay: ## check that recorded histories still replay
	go test -run Replay ./workflows/...

record: ready ## record the histories that replay checks
	$(BIN)/dev record

lint: command ## import directions, determinism, unclosed rows, formatting
	@$(BIN)/dev tools --lint
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	$(BIN)/golangci-lint run ./...
	@! go list -deps ./workflows/registry | grep -E '^(github.com/(lib/pq|jmoiron/sqlx|aws/)|go.temporal.io/sdk/client$$)' || { echo "workflows outside workflows/client reach these, and must not"; exit 1; }
	$(BIN)/workflowcheck ./workflows/...

screenshots: ready ## a picture of every state of the pages into docs/screenshots
	@rm -f docs/screenshots/*.png
	@for states in TestEveryStateIs TestEveryStateOfBulk; do \
		go test -count=1 -timeout $(TIMEOUT) -run $$states ./dev/browser -screenshots $(CURDIR)/docs/screenshots || exit 1; \
	done # two runs, so that neither shows the accounts of the other

bench: command ## measure speed, memory and cost, into docs/benchmarks.md; QUICK=1 takes under three minutes
	@$(BIN)/dev bench $(if $(QUICK),--quick) $(BENCH)

build: ## server and worker into .dev/bin
	go build -o $(BIN)/ ./server ./worker

clean: command ## remove the data and logs of `make dev`; built tools stay
	@$(BIN)/dev clean

ready: command
	@$(BIN)/dev tools --test

command:
	@test -e $(BIN)/dev || echo "Building the dev command. The first time this downloads modules and takes some minutes."
	@go build -buildvcs=false -o $(BIN)/dev ./dev

.PHONY: help dev tools test test-stacks test-packages race unit replay record lint screenshots bench build clean ready command
