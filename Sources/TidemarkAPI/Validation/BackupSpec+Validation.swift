extension BackupTarget {
  func problems() -> [SpecProblem] {
    let set = [database != nil, application != nil, bucket != nil].count { $0 }
    guard set == 1 else {
      return [SpecProblem("target", "names \(set) targets; expected exactly one of database, application and bucket")]
    }
    var problems = [
      database.flatMap { nameProblem("target.database", $0) }, bucket.flatMap { nameProblem("target.bucket", $0) },
    ].compactMap { $0 }
    if let application {
      if !Self.applicationKinds.contains(application.kind) {
        problems.append(
          SpecProblem(
            "target.application.kind",
            "'\(application.kind)' has no volumes; expected \(Self.applicationKinds.joined(separator: ", "))"))
      }
      problems += [nameProblem("target.application.name", application.name)].compactMap { $0 }
    }
    return problems
  }
}

extension BackupSpec: ValidatedSpec {
  public func problems() -> [SpecProblem] {
    var problems = target.problems()
    problems += [nameProblem("destinationName", destinationName)].compactMap { $0 }
    if problems.isEmpty, let method, !target.methods.contains(method) {
      let allowed = target.methods.map(\.rawValue).joined(separator: " or ")
      problems.append(SpecProblem("method", "\(method.rawValue) does not fit the target; expected \(allowed)"))
    }
    if let volumes {
      if target.application == nil {
        problems.append(SpecProblem("volumes", "goes with target.application only; leave it out"))
      }
      if volumes.quiesce == .scaleDown, target.application?.kind == "DaemonSet" {
        problems.append(SpecProblem("volumes.quiesce", "a DaemonSet can't be scaled; leave it out"))
      }
      problems += volumes.problems()
    }
    return problems
  }
}

extension BackupTarget {
  /// The methods that fit this target, the default first.
  public var methods: [BackupMethod] { database == nil ? [.files] : [.physical, .logical] }
}

extension VolumesSpec {
  func problems() -> [SpecProblem] {
    var problems = (claims ?? []).compactMap { nameProblem("volumes.claims", $0) }
    if claims?.isEmpty == true {
      problems.append(SpecProblem("volumes.claims", "is empty; leave it out to back up all volumes"))
    }
    for (field, patterns) in [("include", include), ("exclude", exclude)] where patterns?.contains("") == true {
      problems.append(SpecProblem("volumes.\(field)", "holds an empty pattern; leave it out"))
    }
    return problems
  }
}
