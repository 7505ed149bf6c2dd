import KubeModel
import Steps
import Synchronization
import TidemarkAPI

/// Whether destinations' passwords open what lies there, remembered for as long as nothing changes: the answer costs
/// the CPU time that scrypt is made to cost.
///
/// A password that opened a repository is not tried again until it changes, or until the controller starts anew; one
/// that did not is tried again every ``retryInterval``, since the repository may have been moved out of the way.
final class PasswordVerdicts: Sendable {
  private struct Verdict {
    var fingerprint: String
    var failure: FailedProbe?
    var at: ContinuousClock.Instant
  }

  private static let retryInterval: Duration = .seconds(60)
  /// More destinations than a controller has; beyond it everything is asked again.
  private static let bound = 10_000

  private let verdicts = Mutex<[String: Verdict]>([:])

  /// Throws ``FailedProbe`` (`PasswordInvalid`) where the password of `destination` does not open what lies there.
  func check(_ destination: BackupDestination, _ access: DestinationAccess) async throws {
    let probe = RepositoryProbe(
      store: access.input, secrets: access.secrets, namespace: destination.metadata.namespace ?? "")
    let (uid, fingerprint) = (destination.metadata.uid ?? "", probe.fingerprint)
    if let known = verdicts.withLock({ $0[uid] }), known.fingerprint == fingerprint {
      guard let failure = known.failure else { return }
      if ContinuousClock.now - known.at < Self.retryInterval { throw failure }
    }
    let failure: FailedProbe?
    switch try await probe.run() {
    // Nothing that could be remembered: the first repository may come with another password.
    case .noRepository: return
    case .opens, .unreadable: failure = nil
    case .refused(let place): failure = .passwordInvalid(destination, place)
    }
    verdicts.withLock {
      if $0.count >= Self.bound { $0 = [:] }
      $0[uid] = Verdict(fingerprint: fingerprint, failure: failure, at: .now)
    }
    if let failure { throw failure }
  }
}

extension FailedProbe {
  fileprivate static func passwordInvalid(_ destination: BackupDestination, _ place: String) -> FailedProbe {
    let secret = destination.encryptionSecret
    return FailedProbe(
      reason: Reason.passwordInvalid,
      message: "the password in Secret \(secret.secretName), field '\(secret.passwordField)', does not open the "
        + "repository at \(place), which was made with another one; put that one into the Secret, or choose another "
        + "spec.prefix")
  }
}
