import Foundation
import Testing

/// What `manifests/rbac.yaml` lets Tidemark's accounts do.
@Suite("Tidemark's roles")
struct RoleTests {
  private struct Right: Hashable {
    var verb: String
    var group: String
    var resource: String
  }

  /// The rights of each role, by its name. The file has each list in one line.
  private static func roles(here: String = #filePath) throws -> [String: Set<Right>] {
    let root = here.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    let text = try String(contentsOfFile: "\(root)/manifests/rbac.yaml", encoding: .utf8)
    var roles: [String: Set<Right>] = [:]
    for document in text.components(separatedBy: "\n---\n") {
      var (name, groups, resources) = ("", [""], [""])
      for line in document.split(separator: "\n").map(String.init) {
        if line.hasPrefix("  name: ") { name = String(line.dropFirst(8)) }
        if line.contains("apiGroups: [") { groups = list(line) }
        if line.contains(" resources: [") { resources = list(line) }
        guard line.contains(" verbs: [") else { continue }
        let rights = list(line).flatMap { verb in
          groups.flatMap { group in resources.map { Right(verb: verb, group: group, resource: $0) } }
        }
        roles[name, default: []].formUnion(rights)
      }
    }
    return roles
  }

  /// The texts of `…: [a, "b"]`.
  private static func list(_ line: String) -> [String] {
    guard let open = line.firstIndex(of: "["), let close = line.lastIndex(of: "]") else { return [] }
    return line[line.index(after: open)..<close].split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " \"")) }
  }

  @Test("no account gets a shell, other people's rights, or a list of Secrets")
  func boundaries() throws {
    let roles = try Self.roles()
    #expect(roles.keys.contains("tidemark") && roles.keys.contains("tidemark-step"))
    for (name, rights) in roles where name != "tidemark-view" {
      for right in rights {
        #expect(right.verb != "*" && right.group != "*" && right.resource != "*", "\(name): \(right)")
        #expect(!["escalate", "impersonate"].contains(right.verb), "\(name): \(right)")
        #expect(right.resource != "pods/exec" && right.resource != "pods/attach", "\(name): \(right)")
        if right.resource == "secrets" { #expect(!["list", "watch"].contains(right.verb), "\(name): \(right)") }
        if right.verb == "bind" { #expect(right.resource == "clusterroles" && name == "tidemark") }
      }
    }
  }

  @Test("an application is scaled and annotated by one patch of itself, and copies of it are made")
  func applications() throws {
    let rights = try #require(try Self.roles()["tidemark-volumes"])
    for resource in ["deployments", "statefulsets"] {
      for verb in ["get", "create", "patch"] {
        #expect(rights.contains(Right(verb: verb, group: "apps", resource: resource)), "\(verb) \(resource)")
      }
    }
    #expect(rights.contains(Right(verb: "create", group: "apps", resource: "daemonsets")))
  }
}
