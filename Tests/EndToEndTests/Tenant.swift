import Foundation
import TestSupport

/// A namespace and a bucket of a test's own, on servers that other tests may share.
protocol Tenant: Sendable {
  var kube: TestKube { get }
  var s3: TestS3 { get }
  var namespace: String { get }
  var bucket: String { get }
}

extension Tenant {
  // MARK: kubectl

  /// Runs kubectl in the namespace.
  @discardableResult
  func kubectl(_ arguments: String..., within bound: Duration = .seconds(240)) async throws -> String {
    try await RunningProgram.run(
      kube.kubectlCommand[0], kube.kubectlCommand.dropFirst() + ["--namespace", namespace] + arguments, within: bound
    ).output
  }

  func apply(_ manifest: String) async throws { try await kube.apply(manifest, namespace: namespace) }

  /// A field of an object; empty where it is not set.
  func field(_ object: String, _ path: String) async throws -> String {
    try await kubectl("get", object, "-o", "jsonpath={\(path)}")
  }

  /// The reason of a condition.
  func reason(_ object: String, _ type: String = "Ready") async throws -> String {
    try await field(object, ".status.conditions[?(@.type==\"\(type)\")].reason")
  }

  /// Waits as a user's script would.
  func ready(_ object: String, seconds: Int = 150) async throws {
    do {
      try await kubectl("wait", "--for=condition=Ready", object, "--timeout=\(seconds)s")
    } catch {
      throw BedFailed(error: error, log: (try? await kubectl("describe", object)) ?? "")
    }
  }

  /// Waits until a field has a value.
  func eventuallyField(
    _ object: String, _ path: String, within bound: Duration = .seconds(90), _ isRight: (String) -> Bool
  ) async throws {
    try await eventually(within: bound, every: .milliseconds(300), "\(object) has the expected \(path)") {
      isRight(try await field(object, path))
    }
  }

  /// Waits until an object is gone.
  func eventuallyGone(_ object: String, within bound: Duration = .seconds(90)) async throws {
    try await eventually(within: bound, every: .milliseconds(300), "\(object) is gone") {
      try await kubectl("get", object, "--ignore-not-found", "-o", "name").isEmpty
    }
  }

  // MARK: The store, by restic

  /// The ids of the snapshots in a Database's repository, as the stock program lists them.
  func resticSnapshots(_ database: String = "shop") async throws -> [String] {
    let listing = try await RunningProgram.run(
      "restic", ["snapshots", "--json", "--no-cache"], environment: resticEnvironment(database)
    ).output
    return try JSONDecoder().decode([ResticSnapshot].self, from: Data(listing.utf8)).map(\.id)
  }

  /// What the stock program has to know of a Database's repository.
  func resticEnvironment(_ database: String = "shop") async throws -> [String: String] {
    let password = try await secret("store-repository-password", "password")
    let repository = "s3:\(s3.endpoint)/\(bucket)/team/databases/\(namespace)/\(database)/repo"
    return s3.environment.merging(
      ["RESTIC_REPOSITORY": repository, "RESTIC_PASSWORD": password, "HOME": "/tmp"]) { _, new in new }
  }

  /// The names of the segments of a Database's log that are in the store, whole or in parts, in order.
  func segments(_ database: String = "shop") async throws -> [String] {
    let prefix = "team/databases/\(namespace)/\(database)/incarnations/".replacing("/", with: "%2F")
    let listing = try await s3.curl("/\(bucket)?list-type=2&prefix=\(prefix)")
    let keys = listing.components(separatedBy: "<Key>").dropFirst().compactMap {
      $0.components(separatedBy: "</Key>").first
    }
    return Set(
      keys.filter { $0.contains("/wal/") && !$0.hasSuffix(".history") }.compactMap { key in
        key.split(separator: "/").last.map { String($0.prefix(24)) }
      }
    ).sorted()
  }

  /// A field of a Secret.
  func secret(_ name: String, _ field: String) async throws -> String {
    let encoded = try await kubectl("get", "secret", name, "-o", "jsonpath={.data.\(field)}")
    return Data(base64Encoded: encoded).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

/// What `restic snapshots --json` says of one.
private struct ResticSnapshot: Decodable {
  var id: String
}
