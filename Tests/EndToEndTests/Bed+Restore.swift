import Foundation
import TestSupport

extension Tenant {
  /// Applies a RestoreRequest; `source` is such as `backupName: first`, and `more` are further lines of its spec.
  func applyRestore(_ name: String, source: String, _ more: String = "") async throws {
    try await apply(
      """
      apiVersion: tidemark.dev/v1alpha1
      kind: RestoreRequest
      metadata: { name: \(name) }
      spec:
        source: { \(source) }
      \(more)
      """)
  }

  /// Asks for the switch, or for the way back.
  func requestSwitch(_ restore: String, _ wanted: Bool) async throws {
    try await kubectl(
      "patch", "restorerequest", restore, "--type=merge", "-p", #"{"spec":{"switchRequested":\#(wanted)}}"#)
  }

  /// Waits until a restore is in a phase, and not because it failed on its way there.
  func restore(_ name: String, is phase: String, within bound: Duration = .seconds(150)) async throws {
    let object = "restorerequest/\(name)"
    do {
      try await eventually(within: bound, every: .milliseconds(300), "\(object) is \(phase)") {
        let now = try await field(object, ".status.phase")
        if now == "Failed", phase != "Failed" {
          throw RestoreFailed(object: object)
        }
        return now == phase
      }
    } catch {
      throw BedFailed(error: error, log: (try? await kubectl("describe", "databases,restorerequests")) ?? "")
    }
  }

  /// Waits until the clients of `shop` are on the restored instance, or back on the previous server.
  func switched(_ restore: String, to wanted: Bool) async throws {
    let reason = wanted ? "Switched" : "SwitchedBack"
    let object = "restorerequest/\(restore)"
    do {
      try await eventually(within: .seconds(150), every: .milliseconds(300), "\(object) is \(reason)") {
        try await self.reason(object) == reason
      }
    } catch {
      throw BedFailed(error: error, log: (try? await kubectl("describe", "databases,restorerequests")) ?? "")
    }
  }

  /// The name of the instance that clients of a Database are on; empty for the server of its spec.
  func liveInstance(_ database: String = "shop") async throws -> String {
    try await field("database/\(database)", #".metadata.annotations.tidemark\.dev/instance"#)
  }

  /// What a client's shell needs to ask the API server.
  var kubectlCommand: String { (kube.kubectlCommand + ["--namespace", namespace]).joined(separator: " ") }
}

extension Bed {
  /// Asks the restored server, on which no clients are, as the superuser.
  func askRestored(_ restore: String, _ statement: String, as postgres: TestPostgres) async throws -> String {
    let endpoint = ".status.instance.endpoint"
    return try await ask(
      field("restorerequest/\(restore)", endpoint + ".host"), field("restorerequest/\(restore)", endpoint + ".port"),
      statement, postgres)
  }

  /// Asks the server that the connection Secret of a Database names, as the superuser.
  func askLive(_ database: String, _ statement: String, as postgres: TestPostgres) async throws -> String {
    let name = "\(database)-connection"
    return try await ask(secret(name, "host"), secret(name, "port"), statement, postgres)
  }

  private func ask(_ host: String, _ port: String, _ statement: String, _ postgres: TestPostgres) async throws -> String
  {
    let environment = postgres.environment("shop").merging(["PGHOST": host, "PGPORT": port]) { _, new in new }
    let output = try await RunningProgram.run(
      "\(postgres.binaries)/psql", ["-X", "-q", "-A", "-t", "-c", statement], environment: environment
    ).output
    return output.split(separator: "\n").joined(separator: "\n")
  }

  /// A path in a folder of this bed's own.
  func scratchFile(_ name: String) -> String { "\(scratchPath)/\(name)" }
}

/// A restore came to its end, and not to the one that a test waits for.
struct RestoreFailed: Error, CustomStringConvertible {
  let object: String

  var description: String { "\(object) failed" }
}
