import KubeClient
import KubeModel

/// A kind that only these tests have.
struct Widget: KubeStatusResource, Equatable {
  struct Spec: Codable, Sendable, Equatable {
    var size: Int?
    var note: String?
    var tags: [String]?
  }

  struct Status: Codable, Sendable, Equatable {
    var phase: String?
    var count: Int?
    var conditions: [Condition]?
  }

  static let resource = ResourceDescription(
    group: "test.tidemark.dev", version: "v1", kind: "Widget", plural: "widgets")

  var metadata: ObjectMeta
  var spec: Spec?
  var status: Status?

  init(_ name: String, in namespace: String, size: Int? = nil, note: String? = nil, labels: [String: String] = [:]) {
    metadata = ObjectMeta(name: name, namespace: namespace, labels: labels)
    spec = Spec(size: size, note: note)
  }
}

/// Widgets as an older program knows them: a size was a word then. Most widgets do not fit it.
struct OldWidget: KubeResource {
  struct Spec: Codable, Sendable {
    var note: Int
  }

  static let resource = Widget.resource
  var metadata: ObjectMeta
  var spec: Spec
}

/// A definition of a kind, untyped but for its metadata.
struct CustomResourceDefinition: KubeResource {
  static let resource = ResourceDescription(
    group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions", scope: .cluster)

  var metadata: ObjectMeta
  var spec: JSONValue
}

extension Widget {
  private static let schema: JSONValue = [
    "type": "object",
    "properties": [
      "spec": [
        "type": "object",
        "properties": [
          "size": ["type": "integer", "maximum": 1000], "note": ["type": "string"],
          "tags": ["type": "array", "items": ["type": "string"]],
        ],
      ],
      "status": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
    ],
  ]

  /// Makes the kind known to the server, and waits until it serves it.
  static func define(_ client: KubeClient) async throws {
    let definition = CustomResourceDefinition(
      metadata: ObjectMeta(name: resource.qualifiedPlural),
      spec: [
        "group": "test.tidemark.dev", "scope": "Namespaced",
        "names": ["kind": "Widget", "listKind": "WidgetList", "plural": "widgets", "singular": "widget"],
        "versions": [
          [
            "name": "v1", "served": true, "storage": true, "subresources": ["status": [:]],
            "schema": ["openAPIV3Schema": schema],
          ]
        ],
      ])
    try await client.apply(definition, fieldManager: "tests")
    for _ in 0..<200 {
      if (try? await client.list(Widget.self, options: ListOptions(limit: 1))) != nil { return }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw NotServed()
  }
}

/// The server does not serve widgets 10 s after they were defined.
struct NotServed: Error {}
