import Foundation
import KubeModel
import Subprocess
import SystemPackage

/// Runs the program of a kubeconfig's `exec` and reads the `ExecCredential` that it prints.
///
/// The program's standard error goes to ours, as with kubectl; its output is read up to 1 MiB and goes nowhere else.
struct ExecPlugin: Sendable {
  let configuration: ExecPluginConfiguration
  /// How long the program may take.
  var timeout: Duration = .seconds(60)

  private static let outputLimit = 1 << 20

  /// The request that the program finds in `KUBERNETES_EXEC_INFO`.
  private struct Request: Encodable {
    struct Spec: Encodable {
      var interactive = false
      var cluster: ExecPluginConfiguration.Cluster?
    }

    var apiVersion: String
    var kind = "ExecCredential"
    var spec: Spec
  }

  private struct Answer: Decodable {
    struct Status: Decodable {
      var expirationTimestamp: Timestamp?
      var token: String?
      var clientCertificateData: String?
      var clientKeyData: String?
    }

    var apiVersion: String?
    var kind: String?
    var status: Status?
  }

  /// Runs the program once. Throws `KubeAuthenticationFailure` where it fails or says what makes no sense.
  func run() async throws -> Credential {
    let output: [UInt8]
    do {
      output = try await withTimeout(timeout) { try await execute() }
    } catch is TimedOut {
      throw failure("did not end within \(timeout)")
    } catch let error as KubeAuthenticationFailure {
      throw error
    } catch {
      try Task.checkCancellation()
      throw failure("could not be started or printed too much (\(type(of: error)))")
    }
    return try read(output)
  }

  private func execute() async throws -> [UInt8] {
    var variables: [Subprocess.Environment.Key: String?] = [:]
    for (name, value) in configuration.environment { variables[key(name)] = value }
    let request = Request(apiVersion: configuration.apiVersion, spec: .init(cluster: configuration.cluster))
    variables[key("KUBERNETES_EXEC_INFO")] = String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
    let result = try await Subprocess.run(
      configuration.command.contains("/") ? .path(FilePath(configuration.command)) : .name(configuration.command),
      arguments: Arguments(configuration.arguments), environment: .inherit.updating(variables),
      output: .bytes(limit: Self.outputLimit), error: .currentStandardError)
    guard result.terminationStatus.isSuccess else {
      throw failure("failed (\(result.terminationStatus)); its own message is on standard error")
    }
    return result.standardOutput
  }

  private func key(_ name: String) -> Subprocess.Environment.Key { .init(stringLiteral: name) }

  private func read(_ output: [UInt8]) throws(KubeAuthenticationFailure) -> Credential {
    let answer: Answer
    do {
      answer = try JSONDecoder().decode(Answer.self, from: Data(output))
    } catch {
      throw failure("printed no ExecCredential: \(describeDecodingFailure(error))")
    }
    guard answer.kind == "ExecCredential", answer.apiVersion == configuration.apiVersion else {
      throw failure("printed an object that is no ExecCredential of \(configuration.apiVersion)")
    }
    guard let status = answer.status else { throw failure("printed an ExecCredential without a status") }
    var credential = Credential(expiration: status.expirationTimestamp.map { MicroTime($0) })
    if let token = status.token, !token.isEmpty { credential.authorization = "Bearer \(token)" }
    switch (status.clientCertificateData, status.clientKeyData) {
    case (let certificate?, let key?) where !certificate.isEmpty && !key.isEmpty:
      credential.clientCertificate = .init(certificate: Array(certificate.utf8), key: Array(key.utf8))
    case (nil, nil): break
    default: throw failure("gave a client certificate without its key, or a key without its certificate")
    }
    guard credential.authorization != nil || credential.clientCertificate != nil else {
      throw failure("gave neither a token nor a client certificate")
    }
    return credential
  }

  private func failure(_ what: String) -> KubeAuthenticationFailure {
    let hint = configuration.installHint.map { " (\($0))" } ?? ""
    return KubeAuthenticationFailure(
      "\(configuration.source): the exec plugin \(configuration.command) \(what); run it by hand to see why\(hint)")
  }
}
