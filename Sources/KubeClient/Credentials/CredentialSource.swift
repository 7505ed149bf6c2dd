import Foundation
package import KubeModel

/// Gives each request its credential, and obtains a new one when the old one expires or is refused.
///
/// A token file is read again when what is known of it is a minute old: the kubelet replaces it long before it expires.
/// An exec plugin runs when there is no credential yet, when `expirationTimestamp` is reached, and after a refusal;
/// requests that come while it runs wait for it, so that it never runs twice at once.
package actor CredentialSource {
  private enum Kind {
    case fixed(Credential)
    case tokenFile(path: String)
    case exec(ExecPlugin)
  }

  private let kind: Kind
  private let now: @Sendable () -> MicroTime
  private var cached: (credential: Credential, obtained: MicroTime)?
  private var generation = 0
  private var isObtaining = false
  private var waiters: [CheckedContinuation<Result<Credential, any Error>, Never>] = []

  private static let tokenFileLifetime: Int64 = 60_000_000

  package init(_ credentials: KubeConfiguration.Credentials, now: @escaping @Sendable () -> MicroTime = { .now }) {
    self.now = now
    switch credentials {
    case .none: kind = .fixed(Credential())
    case .token(let token): kind = .fixed(Credential(authorization: "Bearer \(token)"))
    case .tokenFile(let path): kind = .tokenFile(path: path)
    case .exec(let configuration): kind = .exec(ExecPlugin(configuration: configuration))
    }
  }

  /// The Authorization header that a request would carry now.
  package func authorization() async throws -> String? { try await credential().authorization }

  /// Forgets what is cached, as after a refusal of it.
  package func refuseCurrent() { cached = nil }

  /// A credential that is valid as far as is known.
  func credential() async throws -> Credential {
    if case .fixed(let credential) = kind { return credential }
    while true {
      try Task.checkCancellation()
      if let cached, isFresh(cached) { return cached.credential }
      if !isObtaining { return try await obtain() }
      let outcome = await withCheckedContinuation { waiters.append($0) }
      // The one who obtained may have been cancelled: that is no answer for us.
      if case .failure(let error) = outcome, error is CancellationError { continue }
      return try outcome.get()
    }
  }

  /// The server refused `credential` with 401: whether another one may be had, so that one more try makes sense.
  func refused(_ credential: Credential) -> Bool {
    if case .fixed = kind { return false }
    if cached?.credential.generation == credential.generation { cached = nil }
    return true
  }

  private func isFresh(_ cached: (credential: Credential, obtained: MicroTime)) -> Bool {
    let now = now()
    switch kind {
    case .fixed: return true
    case .tokenFile:
      let age = now.microsecondsSince1970 - cached.obtained.microsecondsSince1970
      return (0..<Self.tokenFileLifetime).contains(age)
    case .exec: return cached.credential.expiration.map { now < $0 } ?? true
    }
  }

  private func obtain() async throws -> Credential {
    isObtaining = true
    let outcome: Result<Credential, any Error>
    do {
      var credential = try await read()
      generation += 1
      credential.generation = generation
      cached = (credential, now())
      outcome = .success(credential)
    } catch {
      outcome = .failure(error)
    }
    isObtaining = false
    let waiting = waiters
    waiters = []
    for waiter in waiting { waiter.resume(returning: outcome) }
    return try outcome.get()
  }

  private func read() async throws -> Credential {
    switch kind {
    case .fixed(let credential): return credential
    case .exec(let plugin):
      do {
        return try await plugin.run()
      } catch let failure as KubeAuthenticationFailure {
        throw KubeError.authentication(failure)
      }
    case .tokenFile(let path):
      // A file that vanishes for a moment while it is replaced is no reason to stop using what it said.
      let text = try? String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
      if let text, !text.isEmpty { return Credential(authorization: "Bearer \(text)") }
      if let cached { return cached.credential }
      throw KubeError.authentication(
        KubeAuthenticationFailure(
          "the token file \(path) cannot be read or is empty; check the path and its permissions"))
    }
  }
}
