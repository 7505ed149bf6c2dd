# The commands of this project. They install what they need from Debian, and say so.

.PHONY: deps lint build test test-cluster demo bench manifests clean
.DEFAULT_GOAL := build

# One build configuration: a debug build beside it would double the first build's seven minutes, and so would one
# without tests, since with tests every module, also of the dependencies, is compiled for being tested.
SWIFT_BUILD := swift build -c release --build-tests

# What the build links against, and what tests check us with.
deps:
	@hack/install build

lint:
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks

build: deps
	$(SWIFT_BUILD)

# TEST_ARGS='--filter RepositoryTests' runs a part, '--jobs 1' one suite at a time.
test: deps
	@hack/install test
	$(SWIFT_BUILD)
	hack/with-servers hack/run-tests "$$($(SWIFT_BUILD) --show-bin-path)/tidemarkPackageTests.xctest" $(TEST_ARGS)

# The same program in a whole cluster: a node, containers, Services. Wants root.
test-cluster: deps
	@hack/install test
	$(SWIFT_BUILD)
	hack/with-servers --cluster hack/run-tests "$$($(SWIFT_BUILD) --show-bin-path)/tidemarkPackageTests.xctest" \
	  --filter EndToEndTests.ClusterTests --jobs 1

# What is made from crds/ and manifests/: the file that installs all, and the chart's copies.
manifests:
	hack/manifests

demo: build
	hack/demo

# All parts; that takes more than ten minutes. BENCH_ARGS goes to tidemark-bench: 'runtime --objects 2000' runs a part.
bench: deps
	@hack/install test
	@hack/install bench
	$(SWIFT_BUILD)
	hack/with-servers "$$($(SWIFT_BUILD) --show-bin-path)/tidemark-bench" $(BENCH_ARGS)

# Also ends the servers of hack/dev.
clean:
	hack/down-all scratch
	rm -rf .build
