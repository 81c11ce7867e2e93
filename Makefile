# What one does with this repository. `make` alone lists it.

CARGO ?= cargo
LLAMA := tests/real/llama_server.sh
CLIENTS := tests/real/clients.sh
RELEASE := $(or $(CARGO_TARGET_DIR),target)/release/agon

.DEFAULT_GOAL := help
.PHONY: help run test check bench soak kit microbench real real-or-skip clients clients-or-skip fmt lint doc audit say-skipped

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: ## Build and start the server with a sample debate, no key needed
	@echo "building agon; the first time takes some minutes" >&2
	$(CARGO) build --release --locked
	$(CARGO) run --release --locked --quiet -- serve --sample

test: fmt real-or-skip lint ## Run every test there is, against a real local model server too
	@$(MAKE) --no-print-directory say-skipped
	INSTA_UPDATE=no $(CARGO) test --locked
	@$(MAKE) --no-print-directory clients-or-skip

check: fmt lint doc audit ## Check format, lints, documentation and dependencies

bench: kit ## Measure the gateway beside nginx and no gateway (ARGS='--items a,c --rounds 1'; docs/benchmarking.md)
	bench/bench.py --nginx --agon $(RELEASE) --report bench/report.md --ratios bench/ratios.json $(ARGS)

soak: kit ## Half load with faults at the upstream for 20 minutes; fails when memory grows (ARGS='--soak 5m')
	bench/soak.py --agon $(RELEASE) $(ARGS)

kit:
	$(CARGO) build --release --locked
	$(CARGO) build --release --locked --manifest-path bench/Cargo.toml

microbench: ## Run the benches of single functions
	$(CARGO) bench --locked

real: ## Build the llama.cpp server that the tests call, once (minutes; kept in ~/.cache/agon-real)
	@$(LLAMA) build

real-or-skip:
	@$(LLAMA) build || echo "skipped: tests against a real llama.cpp server, which could not be built (see above)" >&2

clients: ## Run real SDK clients against Agon and the llama.cpp server (installed once, in ~/.cache/agon-real)
	$(CARGO) build --locked
	@$(LLAMA) build > /dev/null
	@$(CLIENTS) run "$${CARGO_TARGET_DIR:-target}/debug/agon"

clients-or-skip:
	@if $(LLAMA) ready && $(CLIENTS) install; then $(MAKE) --no-print-directory clients; \
	else echo "skipped: REAL SDK CLIENTS against the gateway, which need python3-venv, npm and the network (see above)" >&2; fi

fmt:
	$(CARGO) fmt --check

lint:
	$(CARGO) clippy --all-targets --locked -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items --locked

# Three tools that are checked with where they are installed, and not asked for.
audit:
	@if command -v cargo-deny > /dev/null; then $(CARGO) deny check; else echo "skipped: cargo-deny is not installed" >&2; fi
	@if command -v cargo-machete > /dev/null; then $(CARGO) machete; else echo "skipped: cargo-machete is not installed" >&2; fi
	@if command -v typos > /dev/null; then typos; else echo "skipped: typos is not installed" >&2; fi

say-skipped:
	@if [ -z "$$AGON_RECORDED_DIR" ]; then echo "skipped: tests on recorded provider traffic (AGON_RECORDED_DIR is not set)" >&2; fi
	@if [ -z "$$AGON_REAL_OLLAMA" ]; then echo "skipped: the test against a real Ollama (AGON_REAL_OLLAMA is not set)" >&2; fi
