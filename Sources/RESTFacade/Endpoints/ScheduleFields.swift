import KubeModel
import TidemarkAPI

/// A schedule's fields in a body.
enum ScheduleFields {
  static let names = [
    "schedule": "cron_expression", "timeZone": "time_zone", "retention": "retention", "method": "method",
    "startingDeadline": "starting_deadline", "jitter": "jitter",
  ]

  /// The largest number of backups that a rule of a retention keeps.
  static let kept = 0...100_000

  /// Five fields, or one of the words. What each field may hold is the kind's own validation.
  static let cron = TextRule("five fields such as 0 2 * * *, or @hourly, @daily, @weekly, @monthly") { text in
    if text.hasPrefix("@") { return text.utf8.count <= 16 && text.dropFirst().utf8.allSatisfy { isLabelByte($0) } }
    return text.utf8.count <= 256 && text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
      && text.split(separator: " ").count == 5
  }

  static let timeZone = TextRule("a time zone's name such as Europe/Berlin") { text in
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5a).contains($0 & 0xdf) || "/_+-".utf8.contains($0)
      }
  }

  /// The fields of a new schedule.
  struct Creation {
    let name: String?
    let database: String?
    let application: String?
    let bucket: String?
    let destination: String
    var spec: BackupScheduleSpec

    /// Reads the body of a creation; throws a 400 that names all that is wrong with it.
    init(_ body: inout BodyReader) throws {
      name = body.text("name", .name)
      database = body.text("database_id", .id)
      application = body.text("application_id", .id)
      bucket = body.text("bucket_id", .id)
      let targets = ["database_id", "application_id", "bucket_id"].filter { body.names($0) }
      if targets.count != 1 {
        body.refuse(
          targets.first ?? "database_id",
          "\(targets.count) targets are named; expected exactly one of database_id, application_id and bucket_id")
      }
      destination = body.requiredText("destination_id", .id) ?? ""
      let expression = body.requiredText("cron_expression", ScheduleFields.cron)
      spec = BackupScheduleSpec(
        schedule: expression ?? "", target: BackupTarget(database: ""), destinationName: "")
      ScheduleFields.read(&body, into: &spec)
      try body.finish()
    }
  }

  /// Reads the fields that creation and change share.
  fileprivate static func read(_ body: inout BodyReader, into spec: inout BackupScheduleSpec) {
    if let zone = body.text("time_zone", timeZone) { spec.timeZone = zone }
    if let enabled = body.bool("enabled") { spec.suspend = !enabled }
    let method = body.text("method", TextRule("physical or logical") { $0 == "physical" || $0 == "logical" })
    if let method { spec.method = BackupMethod(rawValue: method) }
    if let policy = body.word("concurrency_policy", ConcurrencyPolicy.self) { spec.concurrencyPolicy = policy }
    if let policy = body.word("deletion_policy", DeletionPolicy.self) { spec.deletionPolicy = policy }
    let count = body.integer("retention_count", in: kept)
    let retention = body.object("retention") { readRetention(&$0) }
    if let count, let inner = retention?.count, count != inner {
      body.refuse("retention_count", "says \(count) and retention.count \(inner); give one of them")
    }
    guard count != nil || retention != nil else { return }
    var policy = retention ?? spec.retention ?? RetentionPolicy()
    if let count { policy.count = count }
    spec.retention = policy
  }

  private static func readRetention(_ body: inout BodyReader) -> RetentionPolicy? {
    var policy = RetentionPolicy()
    policy.count = body.integer("count", in: kept)
    policy.hourly = body.integer("hourly", in: kept)
    policy.daily = body.integer("daily", in: kept)
    policy.weekly = body.integer("weekly", in: kept)
    policy.monthly = body.integer("monthly", in: kept)
    policy.yearly = body.integer("yearly", in: kept)
    policy.within = body.text("within", .duration).flatMap { GoDuration($0) }
    return policy
  }

  /// The fields that a change names.
  struct Change {
    let destination: String?
    private(set) var spec: BackupScheduleSpec

    /// Reads the body of a change of `schedule`; throws a 400 that names all that is wrong with it.
    init(_ body: inout BodyReader, of schedule: BackupSchedule) throws {
      spec = schedule.spec
      if let name = body.text("name", .name), name != schedule.metadata.name {
        body.refuse("name", "cannot be changed; create another schedule")
      }
      destination = body.text("destination_id", .id)
      if let expression = body.text("cron_expression", ScheduleFields.cron) { spec.schedule = expression }
      ScheduleFields.read(&body, into: &spec)
      try body.finish()
    }

    mutating func use(destination name: String) { spec.destinationName = name }

    /// The change as a merge patch. A policy is replaced as a whole, so what it does not name any more goes.
    var patch: JSONValue {
      let retention = spec.retention.map { policy in
        func number(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
        return JSONValue.object([
          "count": number(policy.count), "hourly": number(policy.hourly), "daily": number(policy.daily),
          "weekly": number(policy.weekly), "monthly": number(policy.monthly), "yearly": number(policy.yearly),
          "within": policy.within.map { .string($0.description) } ?? .null,
        ])
      }
      return [
        "spec": [
          "schedule": .string(spec.schedule), "timeZone": .string(spec.timeZone), "suspend": .bool(spec.suspend),
          "destinationName": .string(spec.destinationName), "method": spec.method.map { .string($0.rawValue) } ?? .null,
          "concurrencyPolicy": .string(spec.concurrencyPolicy.rawValue),
          "deletionPolicy": .string(spec.deletionPolicy.rawValue), "retention": retention ?? .null,
        ]
      ]
    }
  }
}
