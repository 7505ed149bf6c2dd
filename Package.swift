// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

// Products of other packages, by the short names that the target list below uses.
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioFoundation = Target.Dependency.product(name: "NIOFoundationCompat", package: "swift-nio")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let asyncAlgorithms = Target.Dependency.product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// A module of ours: where it lies and what it may import is `docs/architecture.md`'s table.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The tests of one module, on real servers that `TestSupport` starts.
func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.target(name: name), "TestSupport"] + dependencies,
    swiftSettings: settings)
}

let package = Package(
  name: "tidemark",
  products: [
    .executable(name: "tidemark", targets: ["tidemark"]),
    .library(name: "KubeRuntime", targets: ["KubeModel", "KubeClient", "KubeRuntime"]),
  ],
  dependencies: [
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // C libraries of the system.
    .systemLibrary(
      name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd",
      providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(
      name: "CLibpq", path: "Sources/CLibpq", pkgConfig: "libpq",
      providers: [.apt(["libpq-dev"])]),
    .systemLibrary(
      name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CPosix", path: "Sources/CPosix"),
    // Checksums that want instructions which Swift does not offer.
    .target(name: "CChecksum", path: "Sources/CChecksum"),

    // Kubernetes.
    module("KubeModel", []),
    module(
      "KubeClient",
      [
        "KubeModel", asyncHTTPClient, nioCore, nioPosix, nioSSL, nioHTTP1, nioFoundation, logging, metrics, yams,
        subprocess,
      ]),
    module("KubeRuntime", ["KubeModel", "KubeClient", lifecycle, logging, metrics, collections, asyncAlgorithms]),
    module("TidemarkAPI", ["KubeModel"]),

    // Bytes.
    module("ObjectStore", ["COpenSSL", "CPosix", asyncHTTPClient, nioCore, nioPosix, nioSSL, nioHTTP1, logging]),
    module("Repository", ["ObjectStore", "COpenSSL", "CZstd", "CPosix", nioCore, nioPosix, logging, collections]),
    module(
      "PostgresEngine",
      [
        "Repository", "ObjectStore", "CLibpq", "COpenSSL", "CPosix", "CChecksum", nioCore, nioPosix, logging,
        collections, subprocess,
      ]),

    module("FileEngine", ["Repository", "ObjectStore", "CPosix", nioCore]),

    // What decides, and what carries out.
    module(
      "Steps",
      [
        "PostgresEngine", "FileEngine", "Repository", "ObjectStore", "TidemarkAPI", "KubeClient", "KubeModel",
        "COpenSSL", "CPosix",
        "CZlib", "CZstd", subprocess, systemPackage, nioCore, logging, yams,
      ]),
    module(
      "Controllers",
      ["Steps", "TidemarkAPI", "KubeRuntime", "KubeClient", "KubeModel", logging, metrics, lifecycle]),
    module(
      "RESTFacade",
      [
        "TidemarkAPI", "KubeRuntime", "KubeClient", "KubeModel", "COpenSSL", hummingbird, hummingbirdCore,
        hummingbirdTLS, httpTypes, nioSSL, nioCore, nioFoundation, logging, metrics, lifecycle,
      ]),
    module("Telemetry", [metrics, coreMetrics, hummingbird, logging, lifecycle, nioCore]),
    .executableTarget(
      name: "tidemark",
      dependencies: [
        "Controllers", "RESTFacade", "Steps", "PostgresEngine", "Repository", "ObjectStore", "TidemarkAPI",
        "KubeRuntime", "KubeClient", "KubeModel", "Telemetry", argumentParser, logging, metrics, lifecycle, unixSignals,
        nioCore,
      ],
      swiftSettings: settings),

    // What holds the above to its word.
    .target(
      name: "TestSupport",
      dependencies: [nioCore, nioPosix],
      path: "Tests/TestSupport",
      swiftSettings: settings),
    .testTarget(
      name: "TestSupportTests", dependencies: ["TestSupport", "tidemark-launch", nioPosix], swiftSettings: settings),
    tests(of: "KubeModel"),
    tests(of: "KubeClient", ["KubeModel", nioCore, logging]),
    tests(of: "KubeRuntime", ["KubeModel", "KubeClient", logging, lifecycle]),
    tests(of: "TidemarkAPI", ["KubeModel", "KubeClient"]),
    tests(of: "ObjectStore", [nioCore, nioPosix, logging]),
    tests(of: "Repository", ["ObjectStore", nioCore, logging]),
    tests(of: "PostgresEngine", ["Repository", "ObjectStore", nioCore, logging]),
    tests(of: "FileEngine", ["Repository", "ObjectStore", nioCore]),
    tests(
      of: "Steps",
      ["TidemarkAPI", "KubeClient", "KubeModel", "PostgresEngine", "Repository", "ObjectStore", nioCore, logging]),
    tests(
      of: "Controllers",
      [
        "Steps", "TidemarkAPI", "KubeRuntime", "KubeClient", "KubeModel", "PostgresEngine", "Repository", "ObjectStore",
        logging,
      ]),
    tests(
      of: "RESTFacade",
      [
        "TidemarkAPI", "KubeRuntime", "KubeClient", "KubeModel", asyncHTTPClient, nioCore, nioPosix, nioHTTP1, nioSSL,
        httpTypes, logging, lifecycle,
      ]),
    tests(of: "Telemetry", [coreMetrics, logging]),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["TestSupport", "TidemarkAPI", "KubeClient", "KubeModel", logging],
      exclude: ["Manifests"], swiftSettings: settings),
    // Runs a program for tests and benchmarks and measures it; in C, as what it measures must not be its own size.
    .executableTarget(name: "tidemark-launch", path: "Tests/Launch"),
    // Programs that tests run beside themselves, to kill them or to be served by them.
    .executableTarget(
      name: "tidemark-fixture",
      dependencies: [
        "KubeRuntime", "KubeClient", "KubeModel", "Repository", "ObjectStore", "PostgresEngine", "TestSupport", logging,
        nioCore, argumentParser,
      ],
      path: "Tests/Fixture",
      swiftSettings: settings),
    .executableTarget(
      name: "tidemark-bench",
      dependencies: [
        "KubeRuntime", "KubeClient", "KubeModel", "TidemarkAPI", "Repository", "ObjectStore", "PostgresEngine",
        "TestSupport", logging, nioCore, argumentParser, lifecycle,
      ],
      path: "Benchmarks",
      swiftSettings: settings),
  ]
)
