import KubeModel

extension RestoreRequestSpec: ValidatedSpec {
  public func problems() -> [SpecProblem] {
    var problems = source.problems()
    if let target { problems += target.problems() }
    if drainTimeout.duration < .zero || drainTimeout.duration > .seconds(3600) {
      problems.append(SpecProblem("drainTimeout", "is out of range; expected 0s to 1h, such as 30s"))
    }
    if let keepPrevious, keepPrevious.duration < .zero {
      problems.append(SpecProblem("keepPrevious", "is negative; expected a time such as 168h, or 0s"))
    }
    guard problems.isEmpty else { return problems }
    if let files {
      problems = filesProblems(files)
      guard problems.isEmpty else { return problems }
    }
    return source.path == nil ? instanceProblems() : pathProblems()
  }

  private func instanceProblems() -> [SpecProblem] {
    guard databaseName == nil else {
      return [SpecProblem("databaseName", "goes with source.path only; leave it out")]
    }
    return []
  }

  private func filesProblems(_ files: RestoreFilesSpec) -> [SpecProblem] {
    guard source.backupName != nil else {
      return [SpecProblem("files", "goes with source.backupName only; leave it out")]
    }
    var problems: [SpecProblem] = []
    let isNoPath = { (path: String) in
      path.isEmpty || path.split(separator: "/").contains { $0 == ".." || $0 == "." }
    }
    for path in (files.paths ?? []).filter(isNoPath) {
      problems.append(
        SpecProblem("files.paths", "'\(path)' is no path from the root; expected such as uploads/2026"))
    }
    if let prefix = files.keyPrefix, prefix.hasPrefix("/") || prefix.utf8.count > 900 {
      problems.append(SpecProblem("files.keyPrefix", "begins with a slash, or is longer than 900 bytes"))
    }
    if let name = files.newName {
      problems += [nameProblem("files.newName", name)].compactMap { $0 }
      if files.newClaims != nil || files.paths != nil {
        problems.append(
          SpecProblem(
            "files.newName", "does not go with newClaims or paths: a copy gets all volumes in claims of its own"))
      }
    }
    for mapping in files.newClaims ?? [] {
      problems += [nameProblem("files.newClaims.newClaim", mapping.newClaim)].compactMap { $0 }
    }
    return problems
  }

  /// A dump is loaded into the running server: there is no instance, and nothing to switch to.
  private func pathProblems() -> [SpecProblem] {
    var problems: [SpecProblem] = []
    if target?.database == nil {
      problems.append(
        SpecProblem("target.database", "is missing; source.path needs the Database that the dump is loaded into"))
    }
    if strategy == .inPlace {
      problems.append(SpecProblem("strategy", "InPlace does not fit source.path; leave it out"))
    }
    if switchOver == .automatic || switchRequested != nil {
      problems.append(
        SpecProblem("switchOver", "does not fit source.path: a dump is loaded beside the data and takes its place"))
    }
    if let databaseName, !(1...63).contains(databaseName.utf8.count) {
      problems.append(SpecProblem("databaseName", "is empty or too long; expected 1 to 63 bytes"))
    }
    return problems
  }
}

extension RestoreSource {
  func problems() -> [SpecProblem] {
    let set = [backupName != nil, pointInTime != nil, path != nil].count { $0 }
    guard set == 1 else {
      return [SpecProblem("source", "names \(set) sources; expected exactly one of backupName, pointInTime and path")]
    }
    if let backupName { return [nameProblem("source.backupName", backupName)].compactMap { $0 } }
    if let path { return path.problems() }
    guard let pointInTime else { return [] }
    return [nameProblem("source.pointInTime.database", pointInTime.database)].compactMap { $0 }
      + pointInTime.moment.problems().map { SpecProblem("source.\($0.field)", $0.message) }
  }
}

extension RestorePath {
  func problems() -> [SpecProblem] {
    var problems = [nameProblem("source.path.destinationName", destinationName)].compactMap { $0 }
    if !(1...1024).contains(key.utf8.count) {
      problems.append(SpecProblem("source.path.key", "is empty or too long; expected 1 to 1,024 bytes"))
    }
    if let snapshot, snapshot != "latest",
      !(4...64).contains(snapshot.utf8.count) || !snapshot.allSatisfy({ $0.isHexDigit && !$0.isUppercase })
    {
      problems.append(
        SpecProblem(
          "source.path.snapshot", "'\(snapshot)' is no snapshot; expected 4 to 64 hexadecimal digits, or latest"))
    }
    if repository != nil, snapshot == nil {
      problems.append(SpecProblem("source.path.repository", "goes with source.path.snapshot only"))
    }
    return problems
  }
}
