import Foundation
package import KubeModel
import Yams

/// What a cluster's owner wants of the pods that Tidemark makes: a `PodTemplateSpec`, of which ours is made.
///
/// Settable is whatever a pod has and a step does not depend on: labels and annotations, node selector, tolerations,
/// affinity, security contexts, service account, pull secrets, priority; of the container `step` also its resources,
/// environment and pull policy; further volumes and mounts.
public struct PodTemplate: Sendable, Equatable {
  /// The name of the container that the step runs in.
  package static let container = "step"

  /// `metadata` and `spec`, as far as they are given.
  package let fields: JSONValue

  /// A template that asks for nothing.
  public static let empty = PodTemplate(fields: [:])

  private init(fields: JSONValue) { self.fields = fields }

  /// Reads YAML or JSON. Throws a ``StepError`` (`invalidInput`) that says what would be right.
  public init(yaml: String) throws {
    let node: Node?
    do {
      node = try Yams.compose(yaml: yaml)
    } catch {
      throw Self.refused("it is no YAML: \(error)")
    }
    guard let node, !node.isNothing else {
      self = .empty
      return
    }
    fields = try JSONValue(node)
    try check()
  }

  /// Reads the file at `path`; throws as ``init(yaml:)``.
  public init(file path: String) throws {
    guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8) else {
      throw Self.refused("\(path) can't be read as text; name a file with a PodTemplateSpec")
    }
    do {
      try self.init(yaml: text)
    } catch let error as StepError {
      throw StepError(code: error.code, message: "\(path): \(error.message)")
    }
  }

  /// The fields of a pod that it gives.
  package var podSpec: JSONValue? { fields["spec"] }

  /// When the images of its pods are pulled; nil: as Kubernetes does by default.
  package var imagePullPolicy: String? {
    guard case .array(let containers)? = fields["spec"]?["containers"] else { return nil }
    return containers.first { $0["name"]?.text == Self.container }?["imagePullPolicy"]?.text
  }

  /// The account that it has pods run as; nil: ours.
  package var serviceAccount: String? { fields["spec"]?["serviceAccountName"]?.text }

  private func check() throws {
    guard case .object(let parts) = fields else {
      throw Self.refused("it is a \(fields.shape); expected an object with metadata and spec")
    }
    for name in parts.keys.sorted() where !["metadata", "spec"].contains(name) {
      throw Self.refused("it has a field '\(name)'; expected a PodTemplateSpec: metadata and spec alone")
    }
    for (name, part) in parts where part.shape != "object" {
      throw Self.refused("its \(name) is a \(part.shape); expected an object")
    }
    for list in ["containers", "initContainers"] {
      try checkContainers(fields["spec"]?[list], list)
    }
  }

  private func checkContainers(_ value: JSONValue?, _ list: String) throws {
    guard let value else { return }
    guard list == "containers", case .array(let containers) = value else {
      throw Self.refused("spec.\(list) can't be given but for the list containers with the one called 'step'")
    }
    for container in containers where container["name"]?.text != Self.container {
      throw Self.refused(
        "spec.containers has '\(container["name"]?.text ?? "")'; expected the one called 'step' alone: another would "
          + "keep a Job from ending")
    }
  }

  private static func refused(_ why: String) -> StepError {
    StepError(code: .invalidInput, message: "the pod template is refused: \(why)")
  }
}

extension Node {
  fileprivate var isNothing: Bool {
    guard case .scalar(let scalar) = self else { return false }
    return scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
  }
}

extension JSONValue {
  /// What a node of YAML means in JSON: only plain scalars are numbers, booleans or null.
  fileprivate init(_ node: Node) throws {
    switch node {
    case .scalar(let scalar):
      guard [.plain, .any].contains(scalar.style) else {
        self = .string(scalar.string)
        return
      }
      if node.isNothing {
        self = .null
      } else if let flag = Bool.construct(from: scalar) {
        self = .bool(flag)
      } else if let number = Int64(scalar.string) {
        self = .integer(number)
      } else if let number = Double(scalar.string), number.isFinite {
        self = .number(number)
      } else {
        self = .string(scalar.string)
      }
    case .sequence(let nodes): self = .array(try nodes.map { try JSONValue($0) })
    case .mapping(let pairs):
      var fields: [String: JSONValue] = [:]
      for (key, value) in pairs {
        guard let name = key.string else {
          throw StepError(code: .invalidInput, message: "the pod template is refused: a field's name is no text")
        }
        fields[name] = try JSONValue(value)
      }
      self = .object(fields)
    case .alias:
      throw StepError(
        code: .invalidInput, message: "the pod template is refused: it has an alias to something that is not there")
    }
  }

  /// What kind of JSON it is, for people.
  fileprivate var shape: String {
    switch self {
    case .null: "null"
    case .bool: "boolean"
    case .integer, .number: "number"
    case .string: "text"
    case .array: "list"
    case .object: "object"
    }
  }

  /// This with `other` on top, as Kubernetes merges manifests: objects field by field, lists of mounts by `mountPath`,
  /// other lists of named things by `name`, everything else replaced.
  package func merged(with other: JSONValue) -> JSONValue {
    switch (self, other) {
    case (.object(let mine), .object(let theirs)):
      return .object(mine.merging(theirs) { $0.merged(with: $1) })
    case (.array(let mine), .array(let theirs)):
      guard let key = ["mountPath", "name"].first(where: { key in (mine + theirs).allSatisfy { $0[key] != nil } })
      else { return other }
      var merged = mine
      for item in theirs {
        if let place = merged.firstIndex(where: { $0[key] == item[key] }) {
          merged[place] = merged[place].merged(with: item)
        } else {
          merged.append(item)
        }
      }
      return .array(merged)
    default: return other
    }
  }
}
