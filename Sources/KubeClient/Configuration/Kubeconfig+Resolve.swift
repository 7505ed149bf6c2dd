import Foundation

extension Kubeconfig {
  /// The configuration of a context; nil takes the current one.
  package func configuration(context name: String?) throws(KubeConfigurationFailure) -> KubeConfiguration {
    guard let contextName = name ?? currentContext else {
      throw KubeConfigurationFailure(
        "\(files): there is no current-context; set one with kubectl config use-context")
    }
    let source = "\(files), context \(contextName)"
    guard let context = contexts[contextName]?.value else {
      throw KubeConfigurationFailure(
        "\(files): there is no context '\(contextName)'; there are \(list(contexts.keys))")
    }
    guard let clusterName = context.cluster, let cluster = clusters[clusterName] else {
      throw KubeConfigurationFailure(
        "\(source): its cluster '\(context.cluster ?? "")' is not defined; there are \(list(clusters.keys))")
    }
    guard let server = cluster.value.server, !server.isEmpty else {
      throw KubeConfigurationFailure("\(source): the cluster '\(clusterName)' has no server; write its URL there")
    }
    var configuration = KubeConfiguration(
      server: try KubeConfiguration.Server(url: server, from: source), trust: try trust(cluster, source),
      tlsServerName: cluster.value.tlsServerName.flatMap { $0.isEmpty ? nil : $0 },
      proxy: try proxy(cluster.value, source), source: source)
    if let namespace = context.namespace, !namespace.isEmpty { configuration.defaultNamespace = namespace }
    guard let userName = context.user, !userName.isEmpty else { return configuration }
    guard let user = users[userName] else {
      throw KubeConfigurationFailure(
        "\(source): its user '\(userName)' is not defined; there are \(list(users.keys))")
    }
    try refuse(user.value, "\(source), user \(userName)")
    configuration.clientCertificate = try clientCertificate(user, "\(source), user \(userName)")
    configuration.credentials = try credentials(user, cluster, "\(source), user \(userName)")
    return configuration
  }

  private func list(_ names: some Sequence<String>) -> String {
    let text = names.sorted().map { "'\($0)'" }.joined(separator: ", ")
    return text.isEmpty ? "none" : text
  }

  private func trust(
    _ cluster: Entry<KubeconfigFile.Cluster>, _ source: String
  ) throws(KubeConfigurationFailure) -> KubeConfiguration.Trust {
    let authority = try pem(
      cluster.value.certificateAuthorityData, cluster.value.certificateAuthority.map(cluster.resolve),
      "certificate-authority", source)
    guard cluster.value.insecureSkipTLSVerify == true else { return authority.map { .authorities($0) } ?? .system }
    guard authority == nil else {
      throw KubeConfigurationFailure(
        "\(source): the cluster has both a certificate-authority and insecure-skip-tls-verify; remove one of them")
    }
    return .anyCertificate
  }

  private func proxy(
    _ cluster: KubeconfigFile.Cluster, _ source: String
  ) throws(KubeConfigurationFailure) -> KubeConfiguration.Proxy? {
    guard let text = cluster.proxyURL, !text.isEmpty else { return nil }
    guard let url = URLComponents(string: text), let host = url.host, url.user == nil else {
      throw KubeConfigurationFailure("\(source): proxy-url is not a URL without credentials; write http://host:port")
    }
    switch url.scheme?.lowercased() {
    case "http": return .http(host: host, port: url.port ?? 80)
    case "socks5": return .socks(host: host, port: url.port ?? 1080)
    default:
      throw KubeConfigurationFailure(
        "\(source): a proxy-url with the scheme '\(url.scheme ?? "")' is not supported; use http:// or socks5://")
    }
  }

  private func refuse(_ user: KubeconfigFile.User, _ source: String) throws(KubeConfigurationFailure) {
    if user.username != nil {
      throw KubeConfigurationFailure(
        "\(source): basic authentication (username and password) is not supported, and no API server since 1.19 takes "
          + "it; use a token, a client certificate or an exec plugin")
    }
    if user.authProvider != nil {
      throw KubeConfigurationFailure(
        "\(source): auth-provider is not supported, and kubectl dropped it in 1.26; use the provider's exec plugin")
    }
    if user.impersonated != nil {
      throw KubeConfigurationFailure(
        "\(source): acting as another user ('as') is not supported; use that user's own credentials")
    }
  }

  private func clientCertificate(
    _ user: Entry<KubeconfigFile.User>, _ source: String
  ) throws(KubeConfigurationFailure) -> KubeConfiguration.ClientCertificate? {
    let certificate = try pem(
      user.value.clientCertificateData, user.value.clientCertificate.map(user.resolve), "client-certificate", source)
    let key = try pem(user.value.clientKeyData, user.value.clientKey.map(user.resolve), "client-key", source)
    switch (certificate, key) {
    case (nil, nil): return nil
    case (let certificate?, let key?): return .init(certificate: certificate, key: key)
    case (_, nil): throw KubeConfigurationFailure("\(source): client-certificate has no client-key; add it")
    case (nil, _): throw KubeConfigurationFailure("\(source): client-key has no client-certificate; add it")
    }
  }

  private func credentials(
    _ user: Entry<KubeconfigFile.User>, _ cluster: Entry<KubeconfigFile.Cluster>, _ source: String
  ) throws(KubeConfigurationFailure) -> KubeConfiguration.Credentials {
    if let path = user.value.tokenFile, !path.isEmpty { return .tokenFile(path: user.resolve(path)) }
    if let token = user.value.token, !token.isEmpty { return .token(token) }
    guard let exec = user.value.exec else { return .none }
    let plugin = try ExecPluginConfiguration(exec, source: source, resolve: user.resolve)
    guard exec.provideClusterInfo == true else { return .exec(plugin) }
    let authority = try pem(
      cluster.value.certificateAuthorityData, cluster.value.certificateAuthority.map(cluster.resolve),
      "certificate-authority", source)
    return .exec(plugin.providing(cluster.value, authority: authority))
  }

  /// The bytes of a PEM that stands in the file itself as base64, or in a file of its own; the former wins.
  private func pem(
    _ data: String?, _ path: String?, _ field: String, _ source: String
  ) throws(KubeConfigurationFailure) -> [UInt8]? {
    if let data, !data.isEmpty {
      guard let bytes = Data(base64Encoded: data, options: .ignoreUnknownCharacters), !bytes.isEmpty else {
        throw KubeConfigurationFailure("\(source): \(field)-data is not base64; write the PEM encoded in base64")
      }
      return Array(bytes)
    }
    guard let path, !path.isEmpty else { return nil }
    return try ConfigurationFile.read(path, for: "\(source), \(field)")
  }
}
