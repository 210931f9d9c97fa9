# The habits of this project, each a target. CMake and Ninja do the building (CMakeLists.txt).
#
#   make run         everything from nothing to a model that answers (Ctrl-C stops it)
#   make check       everything that must be true of a change, at most 20 minutes
#   make help        the rest
.DEFAULT_GOAL := all
SHELL := /bin/bash
BUILD := build

.PHONY: all help deps deps-test configure run check check-deep bench bench-report peer oracles fuzz lint format counts clean

all: configure  ## build build/liminal
	@cmake --build $(BUILD) --target liminal

configure:
	@tools/deps.sh --check build
	@mkdir -p $(BUILD)
	@[ -e $(BUILD)/build.ninja ] || cmake -G Ninja -B $(BUILD) >$(BUILD)/configure.log 2>&1 \
	  || { cat $(BUILD)/configure.log >&2; exit 1; }

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

deps:  ## install what building and running needs (Debian packages; as root or through sudo)
	@tools/deps.sh build run

deps-test:  ## install what the tests need as well
	@tools/deps.sh build run test

run:  ## install, build, fetch the default model, serve it, say what to type next
	@tools/deps.sh build run
	@$(MAKE) --no-print-directory all
	@scripts/start.sh

check: deps-test  ## unit, contract, end-to-end and sanitizer tests, lint, short fuzzing
	@tools/check.sh check

check-deep: deps-test  ## after check: live oracles, the default model, other processors, a browser, long runs
	@tools/deps.sh browser
	@tools/check.sh deep

bench: deps-test all  ## measure against llama.cpp in the same run; writes build/bench.csv
	@bench/bench.sh

bench-report:  ## after bench: the pictures of docs/performance.md, and the figures into bench/history
	@bench/report.sh

peer: deps-test  ## build llama.cpp natively, outside the tree, for make bench
	@tools/peer.sh

oracles: deps-test  ## make the golden vectors in tests/vectors again from the independent programs
	@tests/oracle/regenerate.sh

SECONDS_EACH ?= 60
fuzz: deps-test  ## fuzz every parser of foreign bytes, SECONDS_EACH=60
	@tools/fuzz.sh $(SECONDS_EACH)

lint: deps-test  ## clang-format, clang-tidy, the dependency rule
	@tools/lint.sh

format: deps-test  ## let clang-format lay out every source
	@git ls-files '*.c' '*.h' | xargs clang-format -i

counts:  ## record how many cases each suite has, after adding tests
	@tools/check.sh counts

clean:  ## remove all that was built (models and oracles stay)
	@rm -rf $(BUILD)
