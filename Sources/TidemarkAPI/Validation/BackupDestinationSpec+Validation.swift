import Foundation
import KubeModel

extension BackupDestinationSpec: ValidatedSpec {
  public func problems() -> [SpecProblem] {
    var problems: [SpecProblem] = []
    if !(1...255).contains(bucket.utf8.count) || bucket.contains("/") {
      problems.append(SpecProblem("bucket", "'\(bucket)' is no bucket name; expected 1 to 255 bytes without '/'"))
    }
    if prefix.hasPrefix("/") || prefix.hasSuffix("/") || prefix.contains("//") {
      problems.append(SpecProblem("prefix", "'\(prefix)' has an empty part; expected a path such as 'team/backups'"))
    }
    problems += endpointProblems()
    problems += [nameProblem("credentials.secretName", credentials.secretName)].compactMap { $0 }
    if let name = tls?.caSecretName { problems += [nameProblem("tls.caSecretName", name)].compactMap { $0 } }
    if let name = encryption?.secretName {
      problems += [nameProblem("encryption.secretName", name)].compactMap { $0 }
    }
    if validationInterval.duration < .seconds(10) {
      problems.append(SpecProblem("validationInterval", "is below 10s; expected 10s or more, such as 10m"))
    }
    return problems
  }

  private func endpointProblems() -> [SpecProblem] {
    var problems: [SpecProblem] = []
    switch provider {
    case .s3, .backblaze:
      if region == nil, endpoint == nil {
        problems.append(SpecProblem("region", "is missing; \(provider.rawValue) needs the bucket's region"))
      }
    case .r2:
      if accountId == nil, endpoint == nil {
        problems.append(SpecProblem("accountId", "is missing; r2 needs the account's id"))
      }
    case .minio, .custom:
      if endpoint == nil {
        problems.append(
          SpecProblem("endpoint", "is missing; \(provider.rawValue) needs a URL such as https://minio.example:9000"))
      }
    }
    if let endpoint { problems += [Self.endpointProblem(endpoint)].compactMap { $0 } }
    return problems
  }

  private static func endpointProblem(_ endpoint: String) -> SpecProblem? {
    guard let url = URL(string: endpoint), let scheme = url.scheme, let host = url.host(), !host.isEmpty,
      scheme == "http" || scheme == "https"
    else { return SpecProblem("endpoint", "'\(endpoint)' is no http or https URL; expected https://host[:port]") }
    guard url.user() == nil, url.password() == nil, url.query() == nil else {
      return SpecProblem("endpoint", "holds credentials or a query; expected https://host[:port] alone")
    }
    return nil
  }
}
