import KubeModel

/// A kind of the tests' own. Its schema lets anything into `spec`, so that objects can be made that do not decode.
struct Widget: KubeStatusResource, Equatable {
  struct Spec: Codable, Equatable, Sendable {
    var size: Int
    var padding: String?
  }

  struct Status: Codable, Equatable, Sendable {
    var phase: String?
    var seen: Int?
  }

  static let resource = ResourceDescription(
    group: "runtime.tidemark.test", version: "v1", kind: "Widget", plural: "widgets")

  var metadata: ObjectMeta
  var spec: Spec
  var status: Status?

  init(_ name: String, in namespace: String, size: Int, padding: Int = 0) {
    metadata = ObjectMeta(name: name, namespace: namespace)
    spec = Spec(size: size, padding: padding > 0 ? String(repeating: "x", count: padding) : nil)
  }

  static let definition = """
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: widgets.runtime.tidemark.test
    spec:
      group: runtime.tidemark.test
      scope: Namespaced
      names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}
      versions:
        - name: v1
          served: true
          storage: true
          subresources: {status: {}}
          schema:
            openAPIV3Schema:
              type: object
              properties:
                spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
                status: {type: object, x-kubernetes-preserve-unknown-fields: true}
    """
}
