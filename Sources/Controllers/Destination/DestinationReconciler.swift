import COpenSSL
import Foundation
import KubeClient
public import KubeModel
public import KubeRuntime
import Steps
import TidemarkAPI

/// Keeps BackupDestinations validated: a probe at every change and every `validationInterval`.
public struct DestinationReconciler: Reconciler {
  private let environment: ControllerEnvironment

  /// A reconciler in this environment.
  public init(_ environment: ControllerEnvironment) { self.environment = environment }

  public func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let destination = environment.stores.destinations[key] else { return .done }
    let seen = DestinationObservation(
      destination: destination, referrers: environment.stores.referrers(of: destination), now: .now)
    return try await act(on: destination, DestinationPlan.make(seen))
  }

  private func act(on destination: BackupDestination, _ plan: DestinationPlan) async throws -> ReconcileResult {
    switch plan {
    case .addFinalizer:
      _ = try await environment.finalizer.add(to: destination)
      return .done
    case .release:
      try await environment.finalizer.remove(from: destination)
      return .done
    case .hold(let message):
      try await report(destination, .progressing(reason: Reason.inUse, message: message), probe: nil)
      return .requeue(after: DestinationPlan.retryInterval)
    case .report(let health):
      try await report(destination, health, probe: nil)
      return .done
    case .wait(let rest):
      return .requeue(after: rest)
    case .probe:
      return try await probe(destination)
    }
  }

  private func probe(_ destination: BackupDestination) async throws -> ReconcileResult {
    do {
      try await makePasswordIfLeftOut(destination)
      let access = try await DestinationAccess.read(destination, by: environment.secrets)
      let milliseconds = try await DestinationProbe(store: access.input, secrets: access.secrets).run()
      try await report(
        destination,
        .ready(reason: Reason.validated, message: "an object was written, read back, listed and deleted"),
        probe: ProbeOutcome(endpoint: access.input.endpoint, milliseconds: milliseconds))
      return .requeue(after: destination.spec.validationInterval.duration)
    } catch let missing as MissingSecret {
      try await report(destination, missing.health, probe: nil)
    } catch let failed as FailedProbe {
      try await report(destination, .progressing(reason: failed.reason, message: failed.message), probe: nil)
    } catch let error as StepError where error.code == .invalidInput {
      // An endpoint that the schema lets pass and that is none.
      try await report(destination, .stalled(reason: Reason.invalidSpec, message: error.message), probe: nil)
      return .done
    }
    return .requeue(after: DestinationPlan.retryInterval)
  }

  private struct ProbeOutcome {
    var endpoint: String
    var milliseconds: Int64
  }

  private func report(_ destination: BackupDestination, _ health: Health, probe: ProbeOutcome?) async throws {
    var status = destination.status ?? BackupDestinationStatus()
    let before = status.conditions?[type: ConditionType.ready]
    var conditions = status.conditions ?? []
    conditions.report(health, generation: destination.metadata.generation, now: .now)
    status.conditions = conditions
    status.observedGeneration = destination.metadata.generation
    status.endpoint = probe?.endpoint ?? (try? DestinationEndpoint.resolve(destination.spec).url)
    if let probe {
      status.lastValidated = .now
      status.latencyMilliseconds = probe.milliseconds
    }
    _ = try await environment.statuses.applyIfChanged(status, to: destination)
    guard let now = conditions[type: ConditionType.ready], now.reason != before?.reason else { return }
    environment.events.record(
      now.status == .true ? .normal : .warning, now.reason, now.message, about: destination)
  }

  /// Makes a random 256-bit password, once. The Secret has no owner: the key must outlive the destination.
  private func makePasswordIfLeftOut(_ destination: BackupDestination) async throws {
    guard destination.spec.encryption == nil else { return }
    let place = destination.encryptionSecret
    let key = ObjectKey(namespace: destination.metadata.namespace, name: place.secretName)
    guard try await environment.client.find(Secret.self, key) == nil else { return }
    let secret = Secret(
      metadata: ObjectMeta(
        name: key.name, namespace: key.namespace, labels: ["app.kubernetes.io/managed-by": "tidemark"]),
      type: "Opaque", strings: [place.passwordField: try RandomPassword.make()])
    do {
      _ = try await environment.client.create(secret, fieldManager: TidemarkGroup.controllerFieldManager)
    } catch let error as KubeError where error.isAlreadyExists {
      return
    }
    environment.events.record(
      .normal, "PasswordCreated",
      "made Secret \(key.name) with a random password for the repositories; keep a copy elsewhere: without it no "
        + "backup can be read", about: destination)
  }
}

/// A password that nobody chose.
enum RandomPassword {
  /// 256 random bits in hexadecimal.
  static func make() throws -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    guard RAND_priv_bytes(&bytes, 32) == 1 else {
      throw StepError(code: .system, message: "OpenSSL has no random numbers; check the machine's entropy source")
    }
    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension Stores {
  /// What refers to a destination and would be stranded without it, as `Kind/name`, sorted.
  func referrers(of destination: BackupDestination) -> [String] {
    let (namespace, name) = (destination.metadata.namespace, destination.metadata.name ?? "")
    let databases = databases.objects(index: Self.byDestination, value: name)
      .filter { $0.metadata.namespace == namespace }.map { "Database/\($0.metadata.name ?? "")" }
    let backups = backups.objects(index: Self.byDestination, value: name)
      .filter { $0.metadata.namespace == namespace }.map { "Backup/\($0.metadata.name ?? "")" }
    return (databases + backups).sorted()
  }
}
