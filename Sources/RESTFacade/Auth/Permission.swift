import KubeModel
import TidemarkAPI

/// What a call turns into, as RBAC names it.
struct Permission: Hashable, Sendable {
  enum Verb: String, Sendable {
    case get, list, create, update, patch, delete
  }

  let verb: Verb
  let group: String
  let resource: String
  /// nil: in all namespaces.
  let namespace: String?
  var name: String?

  init(_ verb: Verb, group: String, resource: String, namespace: String?, name: String? = nil) {
    (self.verb, self.group, self.resource) = (verb, group, resource)
    (self.namespace, self.name) = (namespace, name)
  }

  /// `verb` on objects of a kind, or on one.
  init<R: KubeResource>(_ verb: Verb, _ type: R.Type, in namespace: String?, name: String? = nil) {
    self.init(verb, group: R.resource.group, resource: R.resource.plural, namespace: namespace, name: name)
  }

  var attributes: SubjectAccessReview.ResourceAttributes {
    SubjectAccessReview.ResourceAttributes(
      verb: verb.rawValue, group: group, resource: resource, namespace: namespace, name: name)
  }

  /// For a 403: `create backups.tidemark.dev in namespace team`.
  var description: String {
    let what = group.isEmpty ? resource : "\(resource).\(group)"
    return "\(verb.rawValue) \(what) \(namespace.map { "in namespace \($0)" } ?? "in all namespaces")"
  }
}
