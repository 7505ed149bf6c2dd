extension BackupTarget {
  func problems() -> [SpecProblem] {
    let set = [database != nil, application != nil, bucket != nil].count { $0 }
    guard set == 1 else {
      return [SpecProblem("target", "names \(set) targets; expected exactly one of database, application and bucket")]
    }
    return [database.flatMap { nameProblem("target.database", $0) }].compactMap { $0 }
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
    return problems
  }
}

extension BackupTarget {
  /// The methods that fit this target, the default first.
  public var methods: [BackupMethod] { database == nil ? [.files] : [.physical, .logical] }
}
