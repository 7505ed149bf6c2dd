import KubeClient
import KubeModel
import KubeRuntime
import Logging
import TidemarkAPI

/// What answers the routes: reads from the caches, writes resources. Each group of routes is an extension of its own.
struct Endpoints: Sendable {
  let client: KubeClient
  let stores: FacadeStores
  let authorizer: Authorizer
  let configuration: FacadeConfiguration
  let platform: FacadePlatform
  let logger: Logger

  /// The field manager of what the facade writes.
  static let fieldManager = "tidemark-rest"

  // MARK: Namespaces

  /// The namespace of a name that a call gives alone.
  func namespace(_ named: String?, _ call: Call) throws -> String {
    let namespace = named ?? call.caller.onlyNamespace ?? configuration.defaultNamespace
    guard configuration.serves(namespace) else {
      throw FacadeError(.notFound, "namespace '\(namespace)' is not served here")
    }
    return namespace
  }

  /// The namespaces that a list is of, each allowed to the caller; nil: all.
  func listed<R: KubeResource>(_ type: R.Type, _ named: String?, _ call: Call) async throws -> Set<String>? {
    let namespaces = try listedNamespaces(named, call)
    guard let namespaces else {
      try await authorizer.require(Permission(.list, type, in: nil), by: call.caller)
      return nil
    }
    for namespace in namespaces.sorted() {
      try await authorizer.require(Permission(.list, type, in: namespace), by: call.caller)
    }
    return namespaces
  }

  private func listedNamespaces(_ named: String?, _ call: Call) throws -> Set<String>? {
    if let named { return [try namespace(named, call)] }
    let served = configuration.namespaces.isEmpty ? nil : configuration.namespaces
    guard case .key(let key) = call.caller, case .only(let names) = key.namespaces else { return served }
    return served.map { names.intersection($0) } ?? names
  }

  /// A page of all objects of a store that the caller may list.
  func page<R: KubeResource>(_ store: Store<R>, _ call: Call) async throws -> Page<R> {
    var query = try call.query()
    let (request, named) = (PageRequest(&query), query.text("namespace", .name))
    try query.finish()
    let namespaces = try await listed(R.self, named, call)
    let objects = namespaces.map { $0.flatMap { store.objects(in: $0) } } ?? store.objects(in: nil)
    return Page(request, of: objects.filter { !$0.metadata.isDeleting })
  }
}

extension PageRequest {
  /// The query's `limit` and `cursor`.
  init(_ query: inout QueryReader) {
    limit = query.integer("limit", in: 1...PageRequest.largestLimit) ?? PageRequest.defaultLimit
    after = query.text("cursor", .cursor).flatMap { PageCursor($0) }
  }
}
