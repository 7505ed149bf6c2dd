import Foundation
import KubeModel
import Yams

/// One kubeconfig file, or several merged as kubectl merges them.
///
/// Source: Kubernetes' `client-go/tools/clientcmd`. The first file that sets the current context wins, and so does the
/// first file that has a cluster, user or context of a name: entries are not mixed.
package struct Kubeconfig: Sendable {
  /// An entry with the file that it came from: relative paths in it are relative to that file.
  struct Entry<Value: Sendable>: Sendable {
    var value: Value
    var file: String

    /// A path of this entry, made absolute.
    func resolve(_ path: String) -> String {
      if path.hasPrefix("/") { return path }
      return URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent(path).standardizedFileURL
        .path
    }
  }

  var currentContext: String?
  var clusters: [String: Entry<KubeconfigFile.Cluster>] = [:]
  var contexts: [String: Entry<KubeconfigFile.Context>] = [:]
  var users: [String: Entry<KubeconfigFile.User>] = [:]
  /// The files, as errors name them.
  let files: String

  /// Reads one file, which must be there.
  package init(file: String) throws(KubeConfigurationFailure) {
    files = file
    add(try KubeconfigFile(path: file), from: file)
  }

  /// Reads the files of a list separated by colons, as `KUBECONFIG` has it; files that are not there are passed over,
  /// but one must be.
  package init(merging list: String) throws(KubeConfigurationFailure) {
    files = list
    var found = false
    for file in list.split(separator: ":").map(String.init) where FileManager.default.fileExists(atPath: file) {
      found = true
      add(try KubeconfigFile(path: file), from: file)
    }
    guard found else {
      throw KubeConfigurationFailure("KUBECONFIG names \(list), and no such file exists; correct or unset it")
    }
  }

  private mutating func add(_ content: KubeconfigFile, from file: String) {
    if currentContext == nil, let name = content.currentContext, !name.isEmpty { currentContext = name }
    for named in content.clusters ?? [] where clusters[named.name] == nil {
      clusters[named.name] = Entry(value: named.cluster ?? .init(), file: file)
    }
    for named in content.contexts ?? [] where contexts[named.name] == nil {
      contexts[named.name] = Entry(value: named.context ?? .init(), file: file)
    }
    for named in content.users ?? [] where users[named.name] == nil {
      users[named.name] = Entry(value: named.user ?? .init(), file: file)
    }
  }
}

/// What a kubeconfig file holds, as far as we honour it or must refuse it.
struct KubeconfigFile: Decodable, Sendable {
  struct NamedCluster: Decodable, Sendable {
    var name: String
    var cluster: Cluster?
  }

  struct Cluster: Decodable, Sendable {
    var server: String?
    var tlsServerName: String?
    var insecureSkipTLSVerify: Bool?
    var certificateAuthority: String?
    var certificateAuthorityData: String?
    var proxyURL: String?

    enum CodingKeys: String, CodingKey {
      case server
      case tlsServerName = "tls-server-name"
      case insecureSkipTLSVerify = "insecure-skip-tls-verify"
      case certificateAuthority = "certificate-authority"
      case certificateAuthorityData = "certificate-authority-data"
      case proxyURL = "proxy-url"
    }
  }

  struct NamedContext: Decodable, Sendable {
    var name: String
    var context: Context?
  }

  struct Context: Decodable, Sendable {
    var cluster: String?
    var user: String?
    var namespace: String?
  }

  struct NamedUser: Decodable, Sendable {
    var name: String
    var user: User?
  }

  struct User: Decodable, Sendable {
    struct Ignored: Decodable, Sendable {}

    var clientCertificate: String?
    var clientCertificateData: String?
    var clientKey: String?
    var clientKeyData: String?
    var token: String?
    var tokenFile: String?
    var username: String?
    var impersonated: String?
    var authProvider: Ignored?
    var exec: Exec?

    enum CodingKeys: String, CodingKey {
      case clientCertificate = "client-certificate"
      case clientCertificateData = "client-certificate-data"
      case clientKey = "client-key"
      case clientKeyData = "client-key-data"
      case token, tokenFile, username, exec
      case impersonated = "as"
      case authProvider = "auth-provider"
    }
  }

  struct Exec: Decodable, Sendable {
    struct Variable: Decodable, Sendable {
      var name: String
      var value: String?
    }

    var apiVersion: String?
    var command: String?
    var args: [String]?
    var env: [Variable]?
    var installHint: String?
    var provideClusterInfo: Bool?
    var interactiveMode: String?
  }

  var currentContext: String?
  var clusters: [NamedCluster]?
  var contexts: [NamedContext]?
  var users: [NamedUser]?

  enum CodingKeys: String, CodingKey {
    case currentContext = "current-context"
    case clusters, contexts, users
  }
}

extension KubeconfigFile {
  /// Reads a file. Errors name a place in it, and never quote it: it holds credentials.
  init(path: String) throws(KubeConfigurationFailure) {
    let bytes = try ConfigurationFile.read(path, for: "kubeconfig")
    do {
      self = try YAMLDecoder().decode(KubeconfigFile.self, from: String(decoding: bytes, as: UTF8.self))
    } catch let error as DecodingError {
      if case .dataCorrupted(let context) = error, let cause = context.underlyingError {
        throw Self.notYAML(path, cause)
      }
      throw KubeConfigurationFailure("kubeconfig \(path): \(describeDecodingFailure(error))")
    } catch {
      throw Self.notYAML(path, error)
    }
  }

  private static func notYAML(_ path: String, _ error: any Error) -> KubeConfigurationFailure {
    let mark: Mark? =
      switch error as? YamlError {
      case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark
      default: nil
      }
    let place = mark.map { " near line \($0.line), column \($0.column)" } ?? ""
    return KubeConfigurationFailure("kubeconfig \(path) is not YAML\(place); check it with kubectl config view")
  }
}
