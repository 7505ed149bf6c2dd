import COpenSSL
import Foundation
import KubeClient
public import KubeModel
public import KubeRuntime
import Steps
import TidemarkAPI

/// Keeps BackupDestinations validated: a probe at every change and every `validationInterval`. Shows what lies below
/// their prefix: how many bytes, and the base backups that no Backup tells of.
public struct DestinationReconciler: Reconciler {
  private let environment: ControllerEnvironment
  private let passwords = PasswordVerdicts()

  /// A reconciler in this environment.
  public init(_ environment: ControllerEnvironment) { self.environment = environment }

  public func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let destination = environment.stores.destinations[key] else { return .done }
    let seen = DestinationObservation(
      destination: destination, referrers: environment.stores.referrers(of: destination), now: .now)
    let outcome = try await act(on: destination, DestinationPlan.make(seen))
    let discovery = try await DestinationDiscovery(environment).reconcile(outcome.destination)
    return outcome.next.sooner(discovery)
  }

  /// The destination as it is after what was done, and when to look again.
  private struct Outcome {
    var destination: BackupDestination
    var next: ReconcileResult
  }

  private func act(on destination: BackupDestination, _ plan: DestinationPlan) async throws -> Outcome {
    switch plan {
    case .addFinalizer:
      _ = try await environment.finalizer.add(to: destination)
      return Outcome(destination: destination, next: .done)
    case .release:
      try await DestinationDiscovery(environment).end(destination)
      try await DestinationDiscovery(environment).hide(destination)
      try await environment.finalizer.remove(from: destination)
      return Outcome(destination: destination, next: .done)
    case .hold(let message):
      return Outcome(
        destination: try await report(destination, .progressing(reason: Reason.inUse, message: message)),
        next: .requeue(after: DestinationPlan.retryInterval))
    case .report(let health):
      return Outcome(destination: try await report(destination, health), next: .done)
    case .wait(let rest):
      return Outcome(destination: destination, next: .requeue(after: rest))
    case .probe:
      return try await probe(destination)
    }
  }

  private func probe(_ destination: BackupDestination) async throws -> Outcome {
    // What is being listed for an older spec is of no use.
    if destination.status?.observedGeneration != destination.metadata.generation {
      try await DestinationDiscovery(environment).end(destination)
    }
    let health: Health
    do {
      try await makePasswordIfLeftOut(destination)
      let access = try await DestinationAccess.read(destination, by: environment.secrets)
      let milliseconds = try await DestinationProbe(store: access.input, secrets: access.secrets).run()
      try await passwords.check(destination, access)
      return Outcome(
        destination: try await report(
          destination,
          .ready(reason: Reason.validated, message: "an object was written, read back, listed and deleted"),
          probe: ProbeOutcome(endpoint: access.input.endpoint, milliseconds: milliseconds)),
        next: .requeue(after: destination.spec.validationInterval.duration))
    } catch let missing as MissingSecret {
      health = missing.health
    } catch let failed as FailedProbe {
      health = .progressing(reason: failed.reason, message: failed.message)
    } catch let error as StepError where error.code == .invalidInput {
      // An endpoint that the schema lets pass and that is none.
      return Outcome(
        destination: try await report(destination, .stalled(reason: Reason.invalidSpec, message: error.message)),
        next: .done)
    }
    return Outcome(
      destination: try await report(destination, health), next: .requeue(after: DestinationPlan.retryInterval))
  }

  private struct ProbeOutcome {
    var endpoint: String
    var milliseconds: Int64
  }

  private func report(
    _ destination: BackupDestination, _ health: Health, probe: ProbeOutcome? = nil
  ) async throws -> BackupDestination {
    var status = destination.status ?? BackupDestinationStatus()
    let before = status.conditions?[type: ConditionType.ready]
    var conditions = status.conditions ?? []
    conditions.report(health, generation: destination.metadata.generation, now: .now)
    status.conditions = conditions
    if status.observedGeneration != destination.metadata.generation {
      // The spec may name another place now: what was counted there says nothing of it.
      (status.storedBytes, status.lastDiscovery) = (nil, nil)
    }
    status.observedGeneration = destination.metadata.generation
    status.endpoint = probe?.endpoint ?? (try? DestinationEndpoint.resolve(destination.spec).url)
    if let probe {
      status.lastValidated = .now
      status.latencyMilliseconds = probe.milliseconds
    }
    let written = try await environment.statuses.applyIfChanged(status, to: destination)
    if let now = conditions[type: ConditionType.ready], now.reason != before?.reason {
      environment.events.record(now.status == .true ? .normal : .warning, now.reason, now.message, about: destination)
    }
    return written
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
    let backups = backups(in: destination).filter { !$0.isView }.map { "Backup/\($0.metadata.name ?? "")" }
    return (databases + backups).sorted()
  }

  /// The Backups that lie, or are to lie, in a destination.
  func backups(in destination: BackupDestination) -> [Backup] {
    backups.objects(index: Self.byDestination, value: destination.metadata.name ?? "")
      .filter { $0.metadata.namespace == destination.metadata.namespace }
  }
}

extension Backup {
  /// Whether it only shows what was found in its destination, and goes with that.
  var isView: Bool { discovery != .none && spec.deletionPolicy == .retain }
}
