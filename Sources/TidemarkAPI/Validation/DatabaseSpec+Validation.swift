import KubeModel

extension DatabaseSpec: ValidatedSpec {
  public func problems() -> [SpecProblem] {
    var problems: [SpecProblem] = []
    if connection.host.isEmpty {
      problems.append(SpecProblem("connection.host", "is empty; expected a host name, an address or a socket's folder"))
    }
    if !(1...65535).contains(connection.port) {
      problems.append(SpecProblem("connection.port", "\(connection.port) is no port; expected 1 to 65535"))
    }
    problems += [nameProblem("connection.secretName", connection.secretName)].compactMap { $0 }
    if let name = connection.adminSecretName {
      problems += [nameProblem("connection.adminSecretName", name)].compactMap { $0 }
    }
    if let name = connection.caSecretName {
      problems += [nameProblem("connection.caSecretName", name)].compactMap { $0 }
    } else if connection.sslMode == .verifyCA || connection.sslMode == .verifyFull {
      problems.append(
        SpecProblem("connection.caSecretName", "is missing; sslMode \(connection.sslMode.rawValue) needs it"))
    }
    if let pitr { problems += pitr.problems() }
    return problems
  }
}

extension PITRSpec {
  func problems() -> [SpecProblem] {
    var problems: [SpecProblem] = []
    if enabled { problems += [nameProblem("pitr.destinationName", destinationName)].compactMap { $0 } }
    // PostgreSQL's rule (ReplicationSlotValidateName): lower-case letters, digits and underscores, below NAMEDATALEN.
    let allowed = effectiveSlotName.utf8.allSatisfy {
      (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f
    }
    if !allowed || !(1...63).contains(effectiveSlotName.utf8.count) {
      problems.append(
        SpecProblem(
          "pitr.slotName", "'\(effectiveSlotName)' is no slot name; expected 1 to 63 of a-z, 0-9 and '_'"))
    }
    if flushInterval.duration < .milliseconds(100) || flushInterval.duration > .seconds(3600) {
      problems.append(SpecProblem("pitr.flushInterval", "is out of range; expected 100ms to 1h, such as 5s"))
    }
    return problems
  }
}
