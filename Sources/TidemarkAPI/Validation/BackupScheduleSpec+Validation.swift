import KubeModel

extension BackupScheduleSpec: ValidatedSpec {
  public func problems() -> [SpecProblem] {
    var problems: [SpecProblem] = []
    do {
      _ = try CronExpression(schedule)
    } catch {
      problems.append(SpecProblem("schedule", error.description))
    }
    if WallClock(named: timeZone) == nil {
      problems.append(
        SpecProblem(
          "timeZone",
          "'\(timeZone)' is no time zone; expected a name of the IANA database, such as Europe/Berlin or UTC"
        ))
    }
    if let jitter, !(Duration.zero...Duration.seconds(86_400)).contains(jitter.duration) {
      problems.append(SpecProblem("jitter", "\(jitter) is out of range; expected 0s to 24h, such as 10m"))
    }
    problems += backupSpec.problems()
    if let startingDeadline, startingDeadline.duration < .seconds(10) {
      problems.append(
        SpecProblem("startingDeadline", "\(startingDeadline) is too short to be kept; expected 10s or more, such as 1h")
      )
    }
    return problems + (retention?.problems() ?? [])
  }

  /// The spec of the Backups that it makes.
  public var backupSpec: BackupSpec {
    var spec = BackupSpec(target: target, destinationName: destinationName, deletionPolicy: deletionPolicy)
    spec.method = method
    spec.volumes = volumes
    return spec
  }
}

extension RetentionPolicy {
  func problems() -> [SpecProblem] {
    let counts = [
      ("count", count), ("hourly", hourly), ("daily", daily), ("weekly", weekly), ("monthly", monthly),
      ("yearly", yearly),
    ]
    var problems = counts.compactMap { name, value in
      value.map { $0 < 0 ? SpecProblem("retention.\(name)", "\($0) is below zero; leave it out instead") : nil } ?? nil
    }
    if let within, within.duration <= .zero {
      problems.append(SpecProblem("retention.within", "\(within) is not above zero; expected such as 720h"))
    }
    return problems
  }
}
