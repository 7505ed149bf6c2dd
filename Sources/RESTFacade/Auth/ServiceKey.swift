import Foundation
import KubeModel

/// What a service key may do.
enum ServiceRole: String, Codable, Sendable, CaseIterable {
  /// Reads everything.
  case viewer
  /// Takes backups, restores and switches, beside what a viewer does.
  case `operator`
  /// Everything.
  case admin

  /// Whether the role covers a permission, its namespace aside.
  func allows(_ permission: Permission) -> Bool {
    switch self {
    case .admin: return true
    case .operator where Self.operated.contains(permission.resource):
      return permission.verb != .delete
    case .viewer, .operator: return permission.verb == .get || permission.verb == .list
    }
  }

  /// The resources that an operator makes and patches.
  private static let operated: Set<String> = ["backups", "restorerequests", "pitrclones"]
}

/// The namespaces that a service key is good for.
enum KeyNamespaces: Sendable, Equatable {
  case all
  case only(Set<String>)

  func contains(_ namespace: String?) -> Bool {
    switch self {
    case .all: true
    case .only(let names): namespace.map { names.contains($0) } ?? false
    }
  }
}

/// A service key, as its Secret has it: by the digest only, from which the key cannot be found.
///
/// Each field of the Secret is one key: the field's name is the key's, its value is JSON such as
/// `{"sha256": "<64 hexadecimal digits>", "role": "operator", "namespaces": ["team-a"]}`; `["*"]` is all namespaces.
struct ServiceKey: Sendable, Equatable {
  let name: String
  let digest: [UInt8]
  let role: ServiceRole
  let namespaces: KeyNamespaces

  private struct Entry: Decodable {
    var sha256: String
    var role: ServiceRole
    var namespaces: [String]
  }

  /// Reads one field of the Secret; nil where it has another form.
  init?(name: String, json: Data) {
    guard let entry = try? JSONDecoder().decode(Entry.self, from: json),
      let digest = SHA256Digest(hexadecimal: entry.sha256), !entry.namespaces.isEmpty
    else { return nil }
    (self.name, self.digest, role) = (name, digest.bytes, entry.role)
    namespaces = entry.namespaces.contains("*") ? .all : .only(Set(entry.namespaces))
  }

  func allows(_ permission: Permission) -> Bool {
    namespaces.contains(permission.namespace) && role.allows(permission)
  }
}
