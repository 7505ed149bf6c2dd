extension PointInTime {
  func problems() -> [SpecProblem] {
    let set = [time != nil, lsn != nil, xid != nil, name != nil, latest == true].count { $0 }
    guard set == 1 else {
      return [
        SpecProblem("pointInTime", "says \(set) moments; expected exactly one of time, lsn, xid, name and latest")
      ]
    }
    if let lsn, !Self.isLSN(lsn) {
      return [SpecProblem("pointInTime.lsn", "'\(lsn)' is no LSN; expected a form such as 16/B374D848")]
    }
    if let xid, UInt64(xid) == nil {
      return [SpecProblem("pointInTime.xid", "'\(xid)' is no transaction id; expected a decimal number")]
    }
    if let name, !(1...63).contains(name.utf8.count) {
      return [SpecProblem("pointInTime.name", "is empty or too long; expected 1 to 63 bytes")]
    }
    return []
  }

  private static func isLSN(_ text: String) -> Bool {
    let halves = text.split(separator: "/", omittingEmptySubsequences: false)
    return halves.count == 2
      && halves.allSatisfy { (1...8).contains($0.utf8.count) && UInt32($0, radix: 16) != nil && $0.first != "+" }
  }
}

extension PITRCloneSpec: ValidatedSpec {
  public func problems() -> [SpecProblem] {
    var problems = [nameProblem("database", database), nameProblem("newName", newName)].compactMap { $0 }
    if problems.isEmpty, newName == database {
      problems.append(SpecProblem("newName", "is the source's own name; expected a name that no Database has"))
    }
    return problems + pointInTime.problems()
  }
}
