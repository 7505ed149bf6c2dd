import Foundation

/// How to reach an API server and who we are there. Its description holds no credential.
public struct KubeConfiguration: Sendable {
  /// Whose certificates are trusted.
  package enum Trust: Sendable, Hashable {
    /// The system's authorities.
    case system
    /// These authorities alone, as PEM.
    case authorities([UInt8])
    /// None is asked for: only where the kubeconfig says so.
    case anyCertificate
  }

  /// A proxy before the server.
  package enum Proxy: Sendable, Hashable {
    case http(host: String, port: Int)
    case socks(host: String, port: Int)
  }

  /// A client certificate with its key, as PEM.
  package struct ClientCertificate: Sendable, Hashable {
    package var certificate: [UInt8]
    package var key: [UInt8]

    package init(certificate: [UInt8], key: [UInt8]) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// How a request says who asks, beside a client certificate.
  package enum Credentials: Sendable {
    case none
    case token(String)
    case tokenFile(path: String)
    case exec(ExecPluginConfiguration)
  }

  /// Where the server is.
  package struct Server: Sendable, Hashable {
    package var scheme: String
    /// Without the brackets of an IPv6 address.
    package var host: String
    package var port: Int
    /// What stands before `/api` and `/apis`; empty or beginning with a slash, never ending with one.
    package var basePath: String

    /// Host and port as errors and metrics name them.
    package var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
  }

  package var server: Server
  package var trust: Trust
  package var tlsServerName: String?
  package var proxy: Proxy?
  package var clientCertificate: ClientCertificate?
  package var credentials: Credentials

  /// Where this came from, for people: a file and a context, or the pod.
  public let source: String
  /// The namespace of the context or of the pod; `default` where neither says one.
  public var defaultNamespace: String

  package init(
    server: Server, trust: Trust = .system, tlsServerName: String? = nil, proxy: Proxy? = nil,
    clientCertificate: ClientCertificate? = nil, credentials: Credentials = .none, source: String,
    defaultNamespace: String = "default"
  ) {
    self.server = server
    self.trust = trust
    self.tlsServerName = tlsServerName
    self.proxy = proxy
    self.clientCertificate = clientCertificate
    self.credentials = credentials
    self.source = source
    self.defaultNamespace = defaultNamespace
  }

  /// The server as a URL, for logs.
  public var serverURL: String { "\(server.scheme)://\(server.authority)\(server.basePath)" }
}

extension KubeConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "\(serverURL) (from \(source))" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["server": serverURL, "source": source]) }
}

extension KubeConfiguration.Server {
  /// Reads `https://host[:port][/path]`.
  package init(url text: String, from source: String) throws(KubeConfigurationFailure) {
    let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard let url = URLComponents(string: text.contains("://") ? text : "https://\(text)"),
      let scheme = url.scheme?.lowercased(), scheme == "https" || scheme == "http", let host = url.host, !host.isEmpty,
      url.user == nil, url.query == nil
    else {
      throw KubeConfigurationFailure(
        "\(source): the cluster's server is not a URL of the form https://host:port; write one")
    }
    var path = url.percentEncodedPath
    while path.hasSuffix("/") { path.removeLast() }
    self.init(
      scheme: scheme, host: host.trimmingCharacters(in: CharacterSet(charactersIn: "[]")),
      port: url.port ?? (scheme == "https" ? 443 : 80), basePath: path)
  }
}
