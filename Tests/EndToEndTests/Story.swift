import Foundation
import TestSupport

/// The main story, played once for all tests that look at it: a shop is protected and backed up twice, rows are
/// deleted by mistake, and a clone as of just before has them back.
struct Story: Sendable {
  var rowsLeft = ""
  var rowsInClone = ""
  var storedFirst = 0
  var storedSecond = 0
  /// `kubectl get KIND`, by kind.
  var tables: [String: String] = [:]
  /// What `kubectl wait --for=condition=Ready` printed, by object.
  var waits: [String: String] = [:]
  /// `kubectl describe`, by object.
  var descriptions: [String: String] = [:]
  /// The types of the conditions of Database shop that are true.
  var shopConditions = ""
  var cloneConditions = ""
  var incarnations = (shop: "", clone: "")
  /// The instance that lives the clone's incarnation, by its status.
  var cloneInstance = ""
  /// The phase of the clone's own first backup.
  var initialBackup = ""
  /// Secrets that may stand nowhere, by a name for messages.
  var secrets: [String: String] = [:]
  /// All that was logged, shown or handed to a step, by place.
  var shown: [String: String] = [:]

  private static let orders = 20_000
  private static let playing = Task { try await play() }

  /// The story, once it is over.
  static func told() async throws -> Story { try await playing.value }

  private static func play() async throws -> Story {
    let postgres = try await TestPostgres.start()
    let story = try await Bed.with("story") { try await play(in: $0, postgres) }
    try await postgres.remove()
    return story
  }

  private static func play(in bed: Bed, _ postgres: TestPostgres) async throws -> Story {
    var story = Story()
    try await bed.applyDestination()
    try await bed.applyShop(postgres, orders: orders)
    try await story.backUp(bed, postgres)

    // A commit for the recovery to replay, behind the last base backup.
    try await postgres.psql("UPDATE orders SET customer = 'of the evening' WHERE id = 1", database: "shop")
    let moment = try await postgres.now()
    try await postgres.psql("DELETE FROM orders WHERE id > 10", database: "shop")
    try await bed.eventuallyField("database/shop", ".status.recoveryWindow.latest") { $0 > moment }
    try await bed.applyClone("rescue", moment: "time: \"\(moment)\"", newName: "rescued")
    try await bed.ready("pitrclone/rescue")
    story.rowsLeft = try await postgres.psql("SELECT count(*) FROM orders", database: "shop")
    story.rowsInClone = try await bed.askClone("rescued", "SELECT count(*) FROM orders", as: postgres)

    try await bed.ready("database/rescued")
    try await bed.ready("backup/rescued-initial")
    try await bed.eventuallyField("database/rescued", ".status.conditions[?(@.type==\"Archiving\")].status") {
      $0 == "True"
    }
    try await story.look(bed, postgres)
    return story
  }

  private mutating func backUp(_ bed: Bed, _ postgres: TestPostgres) async throws {
    try await bed.applyBackup("first")
    try await bed.ready("backup/first")
    try await postgres.psql("UPDATE orders SET customer = 'of the day' WHERE id <= 100", "CHECKPOINT", database: "shop")
    try await bed.applyBackup("second")
    try await bed.ready("backup/second")
    storedFirst = Int(try await bed.field("backup/first", ".status.size.stored")) ?? 0
    storedSecond = Int(try await bed.field("backup/second", ".status.size.stored")) ?? 0
  }

  /// Notes down what a user sees at the end.
  private mutating func look(_ bed: Bed, _ postgres: TestPostgres) async throws {
    for kind in ["backupdestinations", "databases", "backups", "pitrclones"] {
      tables[kind] = try await bed.kubectl("get", kind)
      shown["\(kind) as YAML"] = try await bed.kubectl("get", kind, "-o", "yaml")
    }
    for object in ["backupdestination/store", "database/shop", "backup/first", "pitrclone/rescue"] {
      waits[object] = try await bed.kubectl("wait", "--for=condition=Ready", object, "--timeout=60s")
    }
    for object in ["backup/first", "pitrclone/rescue", "database/shop"] {
      descriptions[object] = try await bed.kubectl("describe", object)
    }
    let isTrue = ".status.conditions[?(@.status==\"True\")].type"
    shopConditions = try await bed.field("database/shop", isTrue)
    cloneConditions = try await bed.field("database/rescued", isTrue)
    incarnations.shop = try await bed.field("database/shop", ".status.activeIncarnation")
    cloneInstance = try await bed.field("database/rescued", ".status.incarnations[-1:].instance")
    incarnations.clone = try await bed.field("database/rescued", ".status.activeIncarnation")
    initialBackup = try await bed.field("backup/rescued-initial", ".status.phase")

    secrets["the S3 secret key"] = bed.s3.keys.secretKey
    secrets["the role's password"] = postgres.replicationPassword
    secrets["the repositories' password"] = try await bed.secret("store-repository-password", "password")
    shown["events"] = try await bed.kubectl("get", "events", "-o", "yaml")
    shown["the controller's log"] = bed.controllerLogs
    for (path, text) in Self.texts(below: bed.state) { shown[path] = text }
  }

  /// The logs and inputs below a state directory; folders of secrets and data directories are not entered.
  private static func texts(below state: String) -> [String: String] {
    var texts: [String: String] = [:]
    let walk = FileManager.default.enumerator(atPath: state)
    while let path = walk?.nextObject() as? String {
      let name = path.split(separator: "/").last ?? ""
      if name == "secrets" || name == "data" || name == "bin" { walk?.skipDescendants() }
      guard ["input.json", "log", "result.json", "fingerprint", "instance.json"].contains(name) else { continue }
      texts[path] = (try? String(contentsOfFile: "\(state)/\(path)", encoding: .utf8)) ?? ""
    }
    return texts
  }
}
