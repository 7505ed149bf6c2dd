import KubeClient
import KubeModel

/// Volumes and buckets: what there is, and that it is not backed up yet.
extension Endpoints {
  /// Deployments and StatefulSets, read now: nothing else of the facade needs them in a cache.
  func listApplications(_ call: Call) async throws -> Answer {
    var query = try call.query()
    let (request, named) = (PageRequest(&query), query.text("namespace", .name))
    try query.finish()
    let workloads =
      try await workloads(DeploymentIdentity.self, named, call)
      + workloads(StatefulSetIdentity.self, named, call)
    return .list(Page(request, of: workloads).map { ApplicationView(workload: $0) })
  }

  private func workloads<R: KubeResource>(_ type: R.Type, _ named: String?, _ call: Call) async throws -> [Workload] {
    let namespaces = try await listed(R.self, named, call)
    var found: [R] = []
    if let namespaces {
      for namespace in namespaces.sorted() { found += try await client.listAll(R.self, namespace: namespace).items }
    } else {
      found = try await client.listAll(R.self).items
    }
    return found.map { Workload(kind: R.resource.kind, metadata: $0.metadata) }
  }

  /// There is no kind for buckets yet, so there are none.
  func listBuckets(_ call: Call) async throws -> Answer {
    var query = try call.query()
    _ = PageRequest(&query)
    _ = query.text("namespace", .name)
    try query.finish()
    return .list(Page<ApplicationView>(items: [], next: nil))
  }

  /// For routes of the contract that come with a later version.
  func notServed(_ call: Call, _ what: String) throws -> Answer {
    throw FacadeError(.notFound, "\(what) are not served by this version; databases are")
  }
}

/// A Deployment, of which only the metadata are read.
private struct DeploymentIdentity: KubeResource {
  static let resource = ResourceDescription(group: "apps", version: "v1", kind: "Deployment", plural: "deployments")
  var metadata: ObjectMeta
}

/// A StatefulSet, of which only the metadata are read.
private struct StatefulSetIdentity: KubeResource {
  static let resource = ResourceDescription(group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets")
  var metadata: ObjectMeta
}

/// A workload of either kind.
private struct Workload: KubeResource {
  static let resource = DeploymentIdentity.resource
  let kind: String
  var metadata: ObjectMeta
}

private struct ApplicationView: JSONView {
  let workload: Workload

  func write(to text: inout JSONText) {
    text.object { text in
      text.identity(workload.metadata)
      text.field("kind", workload.kind)
    }
  }
}
