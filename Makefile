# Everything a person types: `make help` lists it.
SHELL       := /bin/bash
GO          ?= go
export GOTOOLCHAIN := local
# Kustomize imports the package plugin, which with cgo keeps the linker from
# dropping dead code: 28 MB more.
export CGO_ENABLED := 0

BIN         := bin
LINT_VERSION := v2.15.0
# What the control plane says its version is; a plain build knows none.
KUBE_VERSION := v1.37.1
KUBE_LDFLAGS := -s -w -X k8s.io/component-base/version.gitVersion=$(KUBE_VERSION) \
	-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37
LINT        := $(BIN)/golangci-lint-$(LINT_VERSION)
CONTROLPLANE_SOURCES := $(shell find internal/controlplane -name '*.go' -o -name go.mod -o -name go.sum 2>/dev/null)
# The packages of its module that do not import Kubernetes' own: vet would read
# all of that, some 2,400 packages, for what the build has compiled already.
# -trimpath as in the build: without it everything is compiled a second time.
CONTROLPLANE_LIGHT := ./layout/... ./sim/... ./supervise/...
PREFIX      ?= $(HOME)/.local

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

.PHONY: build
build: ## build bin/fairtide
	@mkdir -p $(BIN)
	$(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/fairtide ./cmd/fairtide

.PHONY: controlplane
controlplane: $(BIN)/controlplane ## build bin/controlplane, a real Kubernetes control plane for demo and tests

$(BIN)/controlplane: $(CONTROLPLANE_SOURCES)
	@mkdir -p $(BIN)
	@echo "building a Kubernetes control plane from source: about 6 minutes on 2 cores the first time, seconds after that"
	cd internal/controlplane && $(GO) build -trimpath -ldflags '$(KUBE_LDFLAGS)' -o ../../$(BIN)/controlplane .
	@touch $@

# What tests and benchmarks are compared with. It shares most of its packages
# with the control plane.
$(BIN)/kubectl: $(CONTROLPLANE_SOURCES)
	@mkdir -p $(BIN)
	cd internal/controlplane && $(GO) build -trimpath -ldflags '$(KUBE_LDFLAGS)' -o ../../$(BIN)/kubectl k8s.io/kubernetes/cmd/kubectl
	@touch $@

.PHONY: demo
demo: build controlplane ## a local Kubernetes, a sample repository, and the UI on both
	@$(GO) run ./internal/demo

.PHONY: test
test: build controlplane $(BIN)/kubectl ## run every test
	$(GO) test -timeout 20m ./...
	cd internal/controlplane && $(GO) test -trimpath $(CONTROLPLANE_LIGHT)

.PHONY: bench
bench: build controlplane $(BIN)/kubectl ## run every benchmark
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: lint
lint: $(LINT) ## check style, and what vet and staticcheck know
	@test -z "$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go'))" || { gofmt -l $$(git ls-files -co --exclude-standard '*.go'); echo 'run: make fmt'; exit 1; }
	$(LINT) run ./...
	cd internal/controlplane && $(GO) vet -trimpath $(CONTROLPLANE_LIGHT)

$(LINT):
	@mkdir -p $(BIN)
	@echo "building golangci-lint $(LINT_VERSION): some minutes the first time"
	GOBIN=$(CURDIR)/$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv $(BIN)/golangci-lint $@

.PHONY: fmt
fmt: $(LINT) ## format the code
	$(LINT) fmt ./...
	gofmt -w internal/controlplane

.PHONY: golden
golden: ## rewrite the golden frames after a wanted change
	UPDATE_GOLDEN=1 $(GO) test ./tui/...

.PHONY: readme
readme: build controlplane ## make the README's pictures and key table from the program itself
	$(GO) run ./internal/demo --pictures testdata/readme
	$(GO) test ./cmd/fairtide -run TestREADME -update

.PHONY: install
install: build ## install fairtide into PREFIX/bin (default: ~/.local)
	install -d $(PREFIX)/bin
	install -m 0755 $(BIN)/fairtide $(PREFIX)/bin/fairtide

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN)
