# Everything a newcomer needs; `make help` explains.
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

.DEFAULT_GOAL := build
.PHONY: build all configure demo test e2e sanitize fuzz bench tidy install uninstall clean deps help

build: configure ## Build minato and its example (release settings)
	cmake --build $(BUILD) --parallel $(JOBS) --target minato hello_image

all: configure ## Build the tests and benchmarks as well
	cmake --build $(BUILD) --parallel $(JOBS)

configure: deps
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_INSTALL_PREFIX=$(PREFIX) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@mv $(BUILD).log $(BUILD)/configure.log

demo: build ## Run the example service end to end and show the result
	@scripts/demo.sh $(BUILD)

test: all ## Run all tests but the end-to-end ones
	ctest --test-dir $(BUILD) --output-on-failure --parallel $(JOBS) -LE e2e

e2e: all ## Run the end-to-end tests: real worlds, one after the other
	ctest --test-dir $(BUILD) --output-on-failure -L e2e

sanitize: deps ## Unit and simulation tests under AddressSanitizer and UBSan
	cmake -S . -B $(BUILD)-sanitize -G Ninja -DMINATO_SANITIZE=ON -DMINATO_BENCH=OFF
	cmake --build $(BUILD)-sanitize --parallel $(JOBS)
	ctest --test-dir $(BUILD)-sanitize --output-on-failure --parallel $(JOBS) -L 'unit|sim'

fuzz: ## Feed every reader of foreign bytes what libFuzzer thinks of, FUZZ_SECONDS each (60)
	scripts/install-deps.sh --fuzz
	CXX=clang++-19 CC=clang-19 cmake -S . -B $(BUILD)-fuzz -G Ninja -DMINATO_FUZZ=ON -DMINATO_TESTS=OFF -DMINATO_BENCH=OFF
	cmake --build $(BUILD)-fuzz --parallel $(JOBS) --target fuzz
	scripts/fuzz.sh $(BUILD)-fuzz

bench: all ## Run the benchmarks and print machine, median and spread
	@scripts/bench.sh $(BUILD)

tidy: ## Check layers, banned words and sizes
	python3 tools/tidy.py

install: build ## Install to PREFIX (default /usr/local)
	cmake --install $(BUILD)

uninstall: ## Remove what install put there
	xargs -r rm -fv <$(BUILD)/install_manifest.txt

clean: ## Remove the build directories
	rm -rf $(BUILD) $(BUILD)-sanitize $(BUILD)-fuzz

deps: ## Install missing packages (Debian, Ubuntu)
	@scripts/install-deps.sh

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
