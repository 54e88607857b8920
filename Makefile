# What can be done with Millstream. `make help` lists it.

SHELL := /bin/sh
CARGO ?= cargo
# Options for `make run`, such as ARGS='--listen 127.0.0.1:9000 --rate 100'.
ARGS ?=

.PHONY: help run test lint page test-page bench bench-control bench-portal bench-ftl fuzz-diff prerequisites test-prerequisites

help: ## List what can be done
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 22

run: prerequisites page ## Build the server with its page and run it with a simulated shop (ARGS='--listen …' for options)
	$(CARGO) build --release --locked -p millstream
	./target/release/millstream demo $(ARGS)

# The binary that the end-to-end tests start is built with the tests: a build of its own would compile
# every dependency a second time, with other features. The examples are clippy's alone: it checks that
# they compile. Some of these tests measure time or load the machine: nextest knows which
# (.config/nextest.toml), without it they all run one after the other.
# At last Apache FreeMarker is asked for a sample of the answers that templates are tested against.
# The page comes first: it becomes part of the binary. What drives it in a browser comes when there is one.
test: prerequisites test-prerequisites page lint ## Install what the tests need, then run all of them
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --locked --workspace --lib --bins --tests --no-fail-fast; \
	else \
		$(CARGO) test --locked --workspace --lib --bins --test it --no-fail-fast && \
		$(CARGO) test --locked --workspace --test e2e --no-fail-fast -- --test-threads=1; \
	fi
	$(CARGO) test --locked --workspace --doc
	@$(MAKE) --no-print-directory test-page
	@[ -n "$(MILLSTREAM_NO_JAVA)" ] || ./crates/ftl/tests/golden/sample.sh

# What the page is made of is installed when the lock file is newer than what is there.
ui/node_modules/.package-lock.json: ui/package-lock.json
	@./tools/prerequisites page
	npm ci --prefix ui --no-audit --no-fund --loglevel=error
	@touch $@

# Built anew only when something of it changed: the server is built anew after it.
PAGE_SOURCES = $(shell find ui/src ui/guide ui/public ui/index.html ui/vite.config.ts docs/*.md docs/images -type f ! -name schema.d.ts)
ui/dist/index.html: $(PAGE_SOURCES) openapi.json ui/node_modules/.package-lock.json
	npm run --silent --prefix ui build -- --logLevel warn

page: ui/dist/index.html ## Build the page (ui/), which the next build of the server takes in

test-page: ui/node_modules/.package-lock.json ## Test the page: its logic, then in a browser with the server that was built last
	npm run --silent --prefix ui test
	npm run --silent --prefix ui browser

lint: prerequisites page ## Check formatting and types, and let clippy and ESLint look at everything
	npm run --silent --prefix ui lint
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

bench: prerequisites ## Measure (some minutes; see bench/README.md)
	$(CARGO) build --release --locked -p millstream -p millstream-bench
	./target/release/millstream-bench report $(ARGS)
	./target/release/millstream-bench search
	@$(MAKE) --no-print-directory bench-control bench-portal

bench-control: prerequisites ## Measure the control API with 10,000 organisations, on SQLite and PostgreSQL
	@./tools/prerequisites bench
	$(CARGO) build --release --locked -p millstream
	./bench/control_plane.py

bench-portal: prerequisites ## Measure 10,000 definitions and 10,000 running syncs
	$(CARGO) build --release --locked -p millstream
	./bench/portal.py

bench-ftl: prerequisites ## Measure the template engine beside Apache FreeMarker and minijinja
	@./tools/prerequisites java
	$(CARGO) build --release --locked -p ftl-bench
	./target/release/ftl-bench $(ARGS)

# How many templates, and which ones; CASES=file.jsonl compares those of a file instead.
N ?= 10000
SEED ?= 1
fuzz-diff: prerequisites ## Compare random templates with Apache FreeMarker's output (needs a JDK and libfreemarker-java)
	$(CARGO) build --release --locked -p ftl --example fuzz_diff
	./target/release/examples/fuzz_diff $(if $(CASES),$(CASES),$(N) $(SEED))

prerequisites:
	@./tools/prerequisites build

test-prerequisites:
	@./tools/prerequisites test
	@./tests/setup-clients
