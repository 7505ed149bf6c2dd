import Foundation

/// The program that a kubeconfig names for obtaining credentials (`users[].user.exec`).
package struct ExecPluginConfiguration: Sendable {
  /// What the program is told about the cluster, where the kubeconfig asks for it.
  struct Cluster: Sendable, Hashable, Codable {
    var server: String?
    var tlsServerName: String?
    var insecureSkipTLSVerify: Bool?
    var certificateAuthorityData: String?
    var proxyURL: String?

    enum CodingKeys: String, CodingKey {
      case server
      case tlsServerName = "tls-server-name"
      case insecureSkipTLSVerify = "insecure-skip-tls-verify"
      case certificateAuthorityData = "certificate-authority-data"
      case proxyURL = "proxy-url"
    }
  }

  /// A path with a slash, or a name that is looked up in `PATH`.
  let command: String
  let arguments: [String]
  let environment: [String: String]
  let apiVersion: String
  let installHint: String?
  let source: String
  private(set) var cluster: Cluster?

  static let supportedVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]

  init(
    _ exec: KubeconfigFile.Exec, source: String, resolve: (String) -> String
  ) throws(KubeConfigurationFailure) {
    guard let command = exec.command, !command.isEmpty else {
      throw KubeConfigurationFailure("\(source): exec has no command; name the program to run")
    }
    guard let apiVersion = exec.apiVersion, Self.supportedVersions.contains(apiVersion) else {
      throw KubeConfigurationFailure(
        "\(source): exec has the apiVersion '\(exec.apiVersion ?? "")'; supported are "
          + Self.supportedVersions.joined(separator: " and "))
    }
    guard exec.interactiveMode != "Always" else {
      throw KubeConfigurationFailure(
        "\(source): the exec plugin wants a terminal (interactiveMode Always), and there is none; use another way in")
    }
    // As client-go has it: a relative path is relative to the kubeconfig, a bare name is looked up in PATH.
    self.command = command.contains("/") ? resolve(command) : command
    arguments = exec.args ?? []
    environment = Dictionary(
      (exec.env ?? []).map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { $1 })
    self.apiVersion = apiVersion
    installHint = exec.installHint
    self.source = source
  }

  func providing(_ cluster: KubeconfigFile.Cluster, authority: [UInt8]?) -> Self {
    var copy = self
    copy.cluster = Cluster(
      server: cluster.server, tlsServerName: cluster.tlsServerName,
      insecureSkipTLSVerify: cluster.insecureSkipTLSVerify,
      certificateAuthorityData: authority.map { Data($0).base64EncodedString() }, proxyURL: cluster.proxyURL)
    return copy
  }
}
