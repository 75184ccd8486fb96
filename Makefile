# Satchel's commands. `make` alone lists them.

.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := $(CURDIR)/.dev/bin

# How many packages with the race detector are built and tested at once, beside one
# of the packages with stacks; all of them wait a lot. And how long one may take.
PARALLEL ?= 2
TIMEOUT ?= 40m
# These start whole stacks of other processes and hold no concurrent code themselves,
# so they run without the race detector. The longest comes first, here and below.
STACKS := ./dev/e2e ./dev/browser ./dev/stack ./dev/services
# More flags for `make bench`; .dev/bin/dev bench --help lists them.
BENCH ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: command ## run everything on this machine, until Ctrl-C
	@exec $(BIN)/dev up

tools: command ## build the pinned tools into .dev/bin, once
	@$(BIN)/dev tools --test --lint

test: ready ## every test, with real Postgres, S3, Temporal and Chromium; nothing needs to be running
	@$(MAKE) --no-print-directory -j 2 test-stacks test-race

test-stacks:
	go test -vet=off -p 1 -timeout $(TIMEOUT) $(STACKS)

test-race: # `make lint` vets
	go test -race -vet=off -p $(PARALLEL) -timeout $(TIMEOUT) ./worker ./server $$(go list ./... | grep -vE '/dev/(e2e|browser|stack|services)$$')

unit: ## the quick tests, which start nothing
	go test $$(go list -f '{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... | grep -vE 'satchel/dev/(services|testservices|stack|fixture)' | cut -d' ' -f1)

replay: ## do recorded runs still replay?
	go test -run Replay ./workflows/...

record: ready ## record histories of the runs that replay has to honour
	$(BIN)/dev record

lint: command ## import arrows, determinism, unclosed rows, formatting
	@$(BIN)/dev tools --lint
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	$(BIN)/golangci-lint run ./...
	@! go list -deps ./workflows/registry | grep -E '^(github.com/(lib/pq|jmoiron/sqlx|aws/)|go.temporal.io/sdk/client$$)' || { echo "workflows outside workflows/client reach these, and must not"; exit 1; }
	$(BIN)/workflowcheck ./workflows/...

screenshots: ready ## a picture of every state of the pages into docs/screenshots
	@rm -f docs/screenshots/*.png
	@for states in TestEveryStateIs TestEveryStateOfBulk; do \
		go test -count=1 -timeout $(TIMEOUT) -run $$states ./dev/browser -screenshots $(CURDIR)/docs/screenshots || exit 1; \
	done # apart, so that neither shows the accounts of the other

bench: command ## measure what the design promises, into docs/benchmarks.md; QUICK=1 takes under three minutes
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

.PHONY: help dev tools test test-stacks test-race unit replay record lint screenshots bench build clean ready command
