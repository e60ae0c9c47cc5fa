# The only entry points that people need; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
CARGO ?= cargo

.PHONY: help demo test cluster images bench bench-operator fuzz soak crds docs fmt

help: ## list what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 17

demo: ## run the main job on this machine: signed deliveries in, pages out
	$(CARGO) build --locked --bin listener --bin demo
	$(CARGO) run --locked --quiet --bin demo

test: ## everything that CI runs; installs what it needs when it may
	tests/run

cluster: ## a real Kubernetes cluster on this machine until Ctrl-C; needs root
	@tests/cluster/up

images: ## static binaries and the images of the Dockerfile, without an engine
	tests/images

bench: ## durable ingest beside the floor, and the error desk with a million errors: tables and target/bench.json
	$(CARGO) build --release --locked -p listener -p floor -p driver -p bench
	target/release/bench

bench-operator: images ## a thousand listeners on a real control plane: time, requests, memory; six minutes
	OPERATOR_BINARY=$(CURDIR)/target/images/build/$$(rustc --print host-tuple)/image/operator \
	  $(CARGO) test --locked --workspace --test operator -- --ignored --nocapture a_thousand_listeners

fuzz: ## an hour of made-up templates, filters, transforms and manifests, and one of requests to the desk's API; FUZZ_SECONDS changes it
	FUZZ_SECONDS=$${FUZZ_SECONDS:-3600} $(CARGO) test --release --locked --workspace --test fuzz -- --nocapture
	FUZZ_SECONDS=$${FUZZ_SECONDS:-3600} $(CARGO) test --release --locked --workspace --test desk_api -- --nocapture

soak: ## an hour of faults by chance on replicas and a real PostgreSQL; SOAK_SECONDS changes it
	SOAK_SECONDS=$${SOAK_SECONDS:-3600} $(CARGO) test --locked --workspace --test faults -- --ignored --nocapture soak

crds: ## write the resource's definition from the types, and the chart's copy
	UPDATE_CRDS=1 $(CARGO) test --locked -p crds

docs: ## write the generated pages of docs/ and charts/
	UPDATE_DOCS=1 $(CARGO) test --locked -p language --lib reference
	UPDATE_DOCS=1 $(CARGO) test --locked -p tests --test pages
	UPDATE_DOCS=1 $(CARGO) test --locked -p listener --lib admin::api::tests::description
	UPDATE_DOCS=1 $(CARGO) test --locked -p tests --test preview documentation

fmt: ## format the code
	$(CARGO) fmt --all
