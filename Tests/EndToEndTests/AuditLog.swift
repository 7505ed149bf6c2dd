import Foundation

/// What the API server noted of each request: `hack/cluster up --audit`.
struct AuditLog {
  private struct Entry: Decodable {
    struct User: Decodable { var username: String }
    struct Object: Decodable {
      var resource: String?
      var subresource: String?
      var apiGroup: String?
    }
    struct Response: Decodable { var code: Int }
    var verb: String
    var user: User
    var objectRef: Object?
    var responseStatus: Response?
  }

  private let entries: [Entry]

  init(cluster directory: String?) throws {
    guard let directory else { throw ClusterMissing() }
    let text = try String(contentsOfFile: "\(directory)/kube/log/audit.log", encoding: .utf8)
    let decoder = JSONDecoder()
    // The last line may be half written.
    entries = text.split(separator: "\n").compactMap { try? decoder.decode(Entry.self, from: Data($0.utf8)) }
  }

  /// `verb group/resource` of what these users were refused (403), and users whose names end with `suffix`.
  func refusals(of users: Set<String>, and suffix: String) -> Set<String> {
    Set(
      entries.filter { entry in
        entry.responseStatus?.code == 403
          && (users.contains(entry.user.username) || entry.user.username.hasSuffix(suffix))
      }.map { "\($0.user.username): \($0.verb) \(Self.object($0.objectRef))" })
  }

  /// `verb group/resource` of what users whose names end with `suffix` were granted.
  func used(by suffix: String) -> Set<String> {
    Set(
      entries.filter { $0.user.username.hasSuffix(suffix) && ($0.responseStatus?.code ?? 0) != 403 }
        .map { "\($0.verb) \(Self.object($0.objectRef))" })
  }

  /// `verb group/resource` of what a role gives.
  static func rights(ofRole json: String) throws -> Set<String> {
    struct Rule: Decodable {
      var apiGroups: [String]
      var resources: [String]
      var verbs: [String]
    }
    struct Role: Decodable { var rules: [Rule] }
    let rules = try JSONDecoder().decode(Role.self, from: Data(json.utf8)).rules
    return Set(
      rules.flatMap { rule in
        rule.apiGroups.flatMap { group in
          rule.resources.flatMap { resource in
            rule.verbs.map { "\($0) \(group.isEmpty ? "" : "\(group)/")\(resource)" }
          }
        }
      })
  }

  private static func object(_ object: Entry.Object?) -> String {
    guard let object, let resource = object.resource else { return "(no object)" }
    let group = object.apiGroup.map { "\($0)/" } ?? ""
    return group + resource + (object.subresource.map { "/\($0)" } ?? "")
  }
}
