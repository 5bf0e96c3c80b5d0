# Postern. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PRESET ?= release
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
# So that a clone elsewhere shares the compiler's cache.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: help
help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

# configure PRESET, extra arguments: quiet unless it fails.
define configure
	@mkdir -p build
	@cmake --preset $(1) $(2) >build/configure-$(1).log 2>&1 || { cat build/configure-$(1).log; exit 1; }
endef

.PHONY: build
build: ## Install what is missing and build the release binary, build/postern
	@scripts/bootstrap build
	$(call configure,$(PRESET))
	@cmake --build $(BUILD) -j $(JOBS) --target postern
	@ln -sfn $(PRESET)/postern build/postern

.PHONY: run
run: build ## Serve on loopback with the embedded defaults, and say what to try
	@exec build/postern serve --state-dir build/state $(ARGS)

.PHONY: all
all: ## Build everything, tests too
	@scripts/bootstrap test
	$(call configure,$(PRESET))
	@cmake --build $(BUILD) -j $(JOBS)
	@ln -sfn $(PRESET)/postern build/postern

.PHONY: test
test: all ## Unit, scenario, corpus and end-to-end tests
	@ctest --test-dir $(BUILD) -j $(JOBS) --output-on-failure $(ARGS)

.PHONY: check
check: all ## What a commit must pass: format, tidy, tests
	@python3 tools/tidy.py
	@scripts/format --check
	@ctest --test-dir $(BUILD) -j $(JOBS) --output-on-failure

.PHONY: format
format: ## Put all C++ into the house format
	@scripts/bootstrap test
	@scripts/format

.PHONY: lint
lint: all ## clang-tidy over all sources (slow); FILES="src/dns/name.cpp …" for some
	@scripts/lint $(BUILD) $(FILES)

.PHONY: sanitize
sanitize: ## Unit tests under AddressSanitizer+UBSan, then ThreadSanitizer
	@scripts/bootstrap test
	$(call configure,asan)
	@cmake --build build/asan -j $(JOBS)
	@ctest --test-dir build/asan -j $(JOBS) --output-on-failure -LE 'e2e|tidy'
	$(call configure,tsan)
	@cmake --build build/tsan -j $(JOBS)
	@ctest --test-dir build/tsan -j $(JOBS) --output-on-failure -LE 'e2e|tidy|corpus'

.PHONY: fuzz
fuzz: ## Each fuzz target for FUZZ_SECONDS (60); new inputs go to build/fuzz/corpus
	@scripts/bootstrap test
	$(call configure,fuzz)
	@cmake --build build/fuzz -j $(JOBS)
	@scripts/fuzz build/fuzz $(FUZZ_SECONDS)

.PHONY: bench
bench: ## Beside unbound, BIND and a bare echo in the same run; writes bench/results
	@scripts/bootstrap bench
	$(call configure,bench)
	@cmake --build build/bench -j $(JOBS)
	@bench/run build/bench

.PHONY: demo
demo: build ## Serve, ask it things, and show what it says
	@scripts/demo build/postern

.PHONY: clean
clean: ## Remove all that was built; what `make run` keeps in build/state stays
	@find build -mindepth 1 -maxdepth 1 ! -name state -exec rm -rf {} + 2>/dev/null || true
