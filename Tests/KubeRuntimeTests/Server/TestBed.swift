import Foundation
import KubeClient
import KubeModel
import KubeRuntime
import Logging
import Synchronization
import TestSupport

/// A namespace with widgets at a real API server.
struct TestBed: Sendable {
  let kube: TestKube
  let client: KubeClient
  let namespace: String

  static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  /// A namespace of the test's own, at the server that all tests share or at this one.
  static func make(on given: TestKube? = nil) async throws -> TestBed {
    let kube = if let given { given } else { try await TestServers.kube() }
    try await kube.apply(Widget.definition)
    try await kube.kubectl(
      "wait", "--for=condition=Established", "--timeout=60s", "crd/widgets.runtime.tidemark.test")
    let client = try KubeClient(configuration: .load(kubeconfig: kube.kubeconfig), logger: quiet)
    let bed = TestBed(kube: kube, client: client, namespace: try await kube.makeNamespace("runtime"))
    // Established comes a little before the paths are served.
    try await eventually("widgets are served") { (try? await client.list(Widget.self)) != nil }
    return bed
  }

  /// A client whose connections all go through a proxy.
  func client(through proxy: FaultProxy) throws -> KubeClient {
    let text = try String(contentsOfFile: kube.kubeconfig, encoding: .utf8)
      .replacingOccurrences(of: "127.0.0.1:\(kube.port)", with: "127.0.0.1:\(proxy.port)")
    let file = try ScratchDirectory("proxied").file("kubeconfig")
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return try KubeClient(configuration: .load(kubeconfig: file), logger: Self.quiet)
  }

  /// Makes widgets `w0` …, eight at a time.
  func create(_ range: Range<Int>, padding: Int = 0) async throws {
    try await forEach(range) { index in
      try await client.create(Widget("w\(index)", in: namespace, size: index, padding: padding))
    }
  }

  /// Does something for each number, eight at a time.
  func forEach(_ range: Range<Int>, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for lane in 0..<8 {
        group.addTask {
          for index in stride(from: range.lowerBound + lane, to: range.upperBound, by: 8) { try await body(index) }
        }
      }
      try await group.waitForAll()
    }
  }

  func setSize(_ index: Int, _ size: Int) async throws {
    try await client.mergePatch(Widget.self, key(index), json: ["spec": ["size": .integer(Int64(size))]])
  }

  func delete(_ index: Int) async throws {
    try await client.deleteIfPresent(Widget.self, key(index))
  }

  func key(_ index: Int) -> ObjectKey { ObjectKey(namespace: namespace, name: "w\(index)") }

  /// What the server has, by name, as versions.
  func serverVersions() async throws -> [ObjectKey: String] {
    Self.versions(try await client.listAll(Widget.self, namespace: namespace).items)
  }

  static func versions(_ widgets: [Widget]) -> [ObjectKey: String] {
    Dictionary(uniqueKeysWithValues: widgets.map { ($0.key, $0.metadata.resourceVersion ?? "") })
  }
}

/// A store, its reflector, and what a handler was told.
final class Mirror: Sendable {
  let store = Store<Widget>()
  /// The last version of each key that the handler was told of; gone keys are gone.
  let told = Shared<[ObjectKey: String]>([:])
  let lists = Shared(0)
  let watches = Shared(0)
  private let reflector: Reflector<Widget>

  init(
    _ client: KubeClient, namespace: String?,
    configuration: ReflectorConfiguration = ReflectorConfiguration(
      backoff: ConnectionBackoff(initial: .milliseconds(20), limit: .milliseconds(400)))
  ) {
    let server = ResourceSource<Widget>(client: client, namespace: namespace, labelSelector: nil)
    let (lists, watches) = (lists, watches)
    let counted = ResourceSource<Widget>(
      list: { request in
        if request.continueToken == nil { lists.withLock { $0 += 1 } }
        return try await server.list(request)
      },
      watch: { request in
        watches.withLock { $0 += 1 }
        return try await server.watch(request)
      })
    reflector = Reflector(
      source: counted, store: store, namespace: namespace, configuration: configuration, clock: .continuous,
      logger: TestBed.quiet)
    store.onChange { [told] change in
      told.withLock { told in
        switch change {
        case .added(let new), .updated(_, let new): told[new.key] = new.metadata.resourceVersion ?? ""
        case .deleted(let old): told[old.key] = nil
        }
      }
    }
  }

  /// Runs `body` with the reflector running.
  func whileRunning(_ body: @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.reflector.run() }
      defer { group.cancelAll() }
      try await body()
    }
  }

  var versions: [ObjectKey: String] { TestBed.versions(store.snapshot.all) }

  /// Waits until the store has what the server has, and the handler was told exactly that.
  func expectEqual(_ bed: TestBed, within bound: Duration = .seconds(60)) async throws {
    try await eventually(within: bound, every: .milliseconds(200), "the store equals the server's list") {
      let server = try await bed.serverVersions()
      return versions == server && told.value == server
    }
  }
}

/// The resident memory of this process.
func residentBytes() throws -> Int {
  let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
  return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * Int(getpagesize())
}
