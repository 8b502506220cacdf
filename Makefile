# Everything that is built, tested or measured has a target here; CI calls them.

GO       ?= go
TOOL      = $(GO) tool -modfile=$(CURDIR)/tools/go.mod
VECTORS  ?= $(CURDIR)/../shared/vectors
CHAINS    = $(addprefix $(VECTORS)/chains/,chain-p2wpkh.dat chain-p2tr.dat chain-mixed.dat)

# TESTFLAGS go to every go test, e.g. TESTFLAGS=-v.
TESTFLAGS ?=
# FUZZTIME is for each fuzz target.
FUZZTIME  ?= 60s
# N is how many executions scriptdiff compares, SEED where its generator starts.
N         ?= 1000000
SEED      ?= 1
# BENCH selects benchmarks, COUNT repeats them for benchstat.
BENCH     ?= .
COUNT     ?= 1
# COMMIT and DATE are what the source is of, where there is no git checkout to tell.
COMMIT    ?=
CONTAINER ?= docker
DATE      ?=
NODE      = github.com/keelson-chain/keelson/node
LDFLAGS   = $(if $(COMMIT),-X $(NODE).commit=$(COMMIT) -X $(NODE).date=$(DATE))
# KILLS is how often the crash test kills an importing process.
KILLS     ?= 100
# DAY is how long the test of a day takes.
DAY       ?= 10m
# NODEKILLS is how often nodes at work are killed, HEAL how soon there must be one
# chain after a partition, ATTACKERS how many attack at one time.
NODEKILLS ?= 50
HEAL      ?= 5s
ATTACKERS ?= 200
# SIM are more flags of the simulation, as in SIM='-sim.seed 7'; SCENARIO selects.
SIM       ?=
SCENARIO  ?= .
# LND selects tests of lnd by name, as SCENARIO does scenarios.
LND       ?= .

# What runs under the race detector, which is ten times slower: packages whose work
# is concurrent without the tests of sizes and times, and of the others the tests
# of what is shared.
RACE      = ./mempool/... ./miner/... ./node/... ./p2p ./p2p/host ./rpc ./rpc/client ./rpc/esplora ./rpc/explorer ./ledger/flat ./ledger/fsys
RACESKIP  = Giant|Bombs|NeverRead|Deadline|Windows|SimulatedHour|SignMultisig|Eviction|OfPools|FullPool|Answers|PSBT|Filter|Dump|Scan|Stats
RACESOME  = ./wire ./pow ./script ./script/sig ./consensus ./ledger ./ledger/kv ./ledger/coincache ./p2p/addrbook
RACETESTS = Goroutines|Concurrent|Beside|Shared|Search|Failure|Helps|Cache|ImportForms|ImportResumes|ImportAgainst|Entries

export CGO_ENABLED = 0

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: build
build: ## the static binary bin/keelson; outside of a git checkout say COMMIT=HASH
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/keelson ./cmd/keelson

.PHONY: image
image: ## a container image keelson, with docker or what CONTAINER names
	$(CONTAINER) build -t keelson --build-arg COMMIT=$$(git rev-parse HEAD) --build-arg DATE=$$(git show -s --format=%cI HEAD) .

.PHONY: test
test: ## every unit test of the node, with the public vectors where they are found
	$(GO) test $(TESTFLAGS) ./...

.PHONY: race
race: ## the concurrent packages under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short -skip '$(RACESKIP)' $(TESTFLAGS) $(RACE)
	CGO_ENABLED=1 $(GO) test -race -short -run '$(RACETESTS)' $(TESTFLAGS) $(RACESOME)

.PHONY: oracle
oracle: ## the differential tests against btcd
	cd internal/oracle && $(GO) test $(TESTFLAGS) ./...

.PHONY: interop
interop: build ## clients that others wrote against a real node (needs Node, npm and Debian's packages)
	interop/run

.PHONY: lnd
lnd: build ## real lnds on real nodes; builds lnd, which takes ten minutes once (LND selects tests)
	cd interop/lnd && $(GO) test -trimpath -vet=off -run '$(LND)' -count 1 -v -timeout 120m .

.PHONY: lint
lint: ## gofmt, go vet and golangci-lint over all modules
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	$(GO) vet ./... && (cd internal/oracle && $(GO) vet ./...) && cd interop && $(GO) vet ./...
	$(TOOL) golangci-lint run ./...
	cd internal/oracle && $(TOOL) golangci-lint run --config ../../.golangci.yml ./...
	cd interop && $(TOOL) golangci-lint run --config ../.golangci.yml ./...

.PHONY: deadcode
deadcode: ## functions that no command and no test reaches
	$(TOOL) deadcode -test ./...

.PHONY: fuzz-short
fuzz-short: ## each fuzz target for a second
	@.ci/fuzz 1s

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (60s)
	@.ci/fuzz $(FUZZTIME)

.PHONY: scriptdiff
scriptdiff: ## N (1,000,000) random scripts and transactions through both engines
	cd internal/oracle && $(GO) run ./cmd/scriptdiff -n $(N) -seed $(SEED)

.PHONY: crash
crash: ## kill an importing process KILLS (100) times, and compare the coins; lose power at every write in every way
	KEELSON_CRASHES=all $(GO) test -run 'Crash|Faults|Damage' -count 1 -timeout 60m ./ledger ./ledger/kv
	KEELSON_KILLS=$(KILLS) $(GO) test -run 'Kill' -count 1 -v -timeout 60m ./cmd/keelson

.PHONY: day
day: ## a day of a node in DAY (10m): blocks, reorganisations, floods, restarts, kills
	KEELSON_DAY=$(DAY) $(GO) test -run 'TestDay$$' -count 1 -v -timeout 60m ./cmd/keelson

.PHONY: kill
kill: ## kill nodes that mine and relay NODEKILLS (50) times: nothing is lost
	KEELSON_NODE_KILLS=$(NODEKILLS) $(GO) test -run 'TestKilledNodes$$' -count 1 -v -timeout 60m ./testnet/procs

.PHONY: partition
partition: ## part seven nodes for 30 blocks: one chain within HEAL (5s), nothing is lost
	KEELSON_HEAL=$(HEAL) $(GO) test -run 'TestPartition$$' -count 1 -v ./testnet/procs

.PHONY: sim
sim: ## the simulated network at full size: 100 nodes, blocks of 2 MB (SCENARIO, SIM)
	$(GO) test -run '$(SCENARIO)' -count 1 -v -timeout 120m ./testnet/sim -args -sim.full $(SIM)

.PHONY: siege
siege: ## attack a node with ATTACKERS (200) connections in every way: memory, log, honest peers
	KEELSON_ATTACKERS=$(ATTACKERS) $(GO) test -run 'TestSieges$$' -count 1 -v -timeout 120m ./testnet/procs

.PHONY: bench
bench: ## the benchmarks BENCH (all) of the node, COUNT times; pipe into benchstat
	$(GO) test -run '^$$' -bench '$(BENCH)' -count $(COUNT) ./...

.PHONY: bench-oracle
bench-oracle: ## the benchmarks that compare with btcd in one run
	cd internal/oracle && $(GO) test -run '^$$' -bench '$(BENCH)' -count $(COUNT) ./...

.PHONY: bench-sync
bench-sync: ## import a chain and fetch it from two nodes in turn, and print the ratio
	$(GO) test -run '^$$' -bench 'Sync$$' -benchtime 3x -timeout 30m ./p2p

.PHONY: benchstat
benchstat: ## compare two outputs of bench: make benchstat OLD=a.txt NEW=b.txt
	$(TOOL) benchstat $(OLD) $(NEW)

.PHONY: replay
replay: ## import the three chains with btcd and Keelson in turn, and print the ratio
	cd internal/oracle && $(GO) run ./cmd/replay -rounds 3 -procs 1,2 $(CHAINS)

.PHONY: accept
accept: ## offer 20,000 transactions to btcd's pool and to ours: verdicts, time, memory
	cd internal/oracle && $(GO) run ./cmd/acceptdiff && $(GO) run ./cmd/acceptdiff -mixed -rounds 1

.PHONY: send
send: build ## send 20,000 transactions to a node: what HTTP and JSON add
	cd internal/oracle && $(GO) run ./cmd/sendbench -keelson $(CURDIR)/bin/keelson

.PHONY: ci
ci: ## all that CI does
	.ci/run

.PHONY: clean
clean: ## delete what the targets made
	rm -rf bin
