public import Foundation

extension KubeConfiguration {
  /// Finds the configuration as a program with a `--kubeconfig` option does: the file given, else the files that the
  /// environment's `KUBECONFIG` names, else the service account of the pod.
  ///
  /// `context` picks a context; nil takes the current one. Throws `KubeError.configuration` where nothing is found or
  /// what is found makes no sense.
  public static func load(
    kubeconfig: String? = nil, context: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> KubeConfiguration {
    do {
      return try find(kubeconfig: kubeconfig, context: context, environment: environment)
    } catch {
      throw KubeError.configuration(error)
    }
  }

  private static func find(
    kubeconfig: String?, context: String?, environment: [String: String]
  ) throws(KubeConfigurationFailure) -> KubeConfiguration {
    if let kubeconfig, !kubeconfig.isEmpty {
      return try Kubeconfig(file: kubeconfig).configuration(context: context)
    }
    if let list = environment["KUBECONFIG"], !list.isEmpty {
      return try Kubeconfig(merging: list).configuration(context: context)
    }
    if let pod = try inCluster(environment: environment) { return pod }
    throw KubeConfigurationFailure(
      "no way to the Kubernetes API is configured: --kubeconfig is not given, KUBECONFIG is not set, and this is no pod "
        + "(KUBERNETES_SERVICE_HOST is not set); give one of them")
  }

  /// The service account of the pod that this runs in; nil where it runs in none.
  package static func inCluster(
    environment: [String: String], directory: String = "/var/run/secrets/kubernetes.io/serviceaccount"
  ) throws(KubeConfigurationFailure) -> KubeConfiguration? {
    guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
      let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
    else { return nil }
    let source = "the pod's service account"
    guard let number = Int(port), (1...65_535).contains(number) else {
      throw KubeConfigurationFailure("\(source): KUBERNETES_SERVICE_PORT is '\(port)', which is no port")
    }
    let authority = try ConfigurationFile.read("\(directory)/ca.crt", for: "\(source), the cluster's authority")
    // Read once here so that a pod without a token fails at its start and not at its first request.
    _ = try ConfigurationFile.read("\(directory)/token", for: "\(source), the token")
    let namespace = try? String(contentsOfFile: "\(directory)/namespace", encoding: .utf8)
    let trimmed = namespace?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    return KubeConfiguration(
      server: Server(
        scheme: "https", host: host.trimmingCharacters(in: CharacterSet(charactersIn: "[]")), port: number,
        basePath: ""),
      trust: .authorities(authority), credentials: .tokenFile(path: "\(directory)/token"), source: source,
      defaultNamespace: trimmed.isEmpty ? "default" : trimmed)
  }
}

/// Reads the small files that a configuration names.
enum ConfigurationFile {
  /// The bytes of a file; `purpose` says in errors what the file is for.
  static func read(_ path: String, for purpose: String) throws(KubeConfigurationFailure) -> [UInt8] {
    do {
      return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      let cause = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "does not exist"
      throw KubeConfigurationFailure("\(purpose): the file \(path) \(cause); check the path and its permissions")
    }
  }
}
