import Glibc
import TestSupport
import Testing

@Suite("Whatever a user does, a condition and an event say what to do")
struct AnswerTests {
  @Test("a bad spec of each kind is refused by name of the field")
  func badSpecs() async throws {
    try await Bed.with("bad-specs") { bed in
      try await bed.applyDestination()
      try await bed.applyBackup("bad-backup", "  method: files")
      try await bed.apply(
        """
        apiVersion: tidemark.dev/v1alpha1
        kind: Database
        metadata: { name: bad-database }
        spec:
          connection: { host: db.example, secretName: login, sslMode: verify-full }
        ---
        apiVersion: tidemark.dev/v1alpha1
        kind: PITRClone
        metadata: { name: bad-clone }
        spec: { database: shop, newName: rescued, pointInTime: { latest: true, lsn: 0/1 } }
        ---
        \(bed.destination("bad-destination", endpoint: "ftp://example.org"))
        """)
      try await bed.eventuallyAnswers("backup/bad-backup", "InvalidSpec", "spec.method")
      try await bed.eventuallyAnswers("database/bad-database", "InvalidSpec", "spec.connection.caSecretName")
      try await bed.eventuallyAnswers("pitrclone/bad-clone", "InvalidSpec", "expected exactly one of time")
      try await bed.eventuallyAnswers("backupdestination/bad-destination", "InvalidSpec", "spec.endpoint")
      #expect(try await bed.field("backup/bad-backup", ".status.phase") == "Failed")
      #expect(try await bed.field("pitrclone/bad-clone", ".status.phase") == "Failed")
    }
  }

  @Test("what is missing is named with what to create, and waited for")
  func missing() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("missing") { bed in
      try await bed.applyBackup("early")
      try await bed.applyClone("early", moment: "latest: true", newName: "rescued")
      try await bed.eventuallyAnswers("backup/early", "DatabaseNotFound", "Database shop is not there; create it")
      try await bed.eventuallyAnswers("pitrclone/early", "DatabaseNotFound", "Database shop is not there; create it")

      try await bed.applyShopDatabase(postgres)
      try await bed.eventuallyAnswers("database/shop", "SecretMissing", "Secret shop-login is not there; create it")
      try await bed.applyShopLogin(postgres)
      try await bed.eventuallyAnswers(
        "database/shop", "DestinationNotFound", "BackupDestination store is not there; create it")
      try await bed.eventuallyAnswers(
        "backup/early", "DestinationNotFound", "BackupDestination store is not there; create it")

      try await bed.eventuallyAnswers(
        "pitrclone/early", "DestinationNotFound", "BackupDestination store is not there; create it")
      try await bed.kubectl("delete", "pitrclone/early", "--timeout=60s")

      try await bed.apply(bed.destination("store", "  prefix: team\n"))
      try await bed.eventuallyAnswers("backupdestination/store", "SecretMissing", "Secret store-keys is not there")
      try await bed.applyKeys("store-keys")
      for object in ["backupdestination/store", "database/shop", "backup/early"] {
        try await bed.ready(object)
      }
    }
    try await postgres.remove()
  }

  @Test("a spec edited while a backup runs, a second Backup, and a destination deleted in use have their answers")
  func whileRunning() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("while-running") { bed in
      try await bed.applyDestination(.slow)
      try await bed.applyShop(postgres, orders: 100_000)
      try await bed.applyBackup("first")
      _ = try await bed.stepAtWork("base-backup")
      try await eventually(within: .seconds(60), every: .milliseconds(300), "kubectl get shows how far it is") {
        let table = KubectlTable(try await bed.kubectl("get", "backups"))
        return table["first", "PHASE"] == "Running"
          && (0...100).contains(table["first", "PROGRESS"].flatMap { Int($0) } ?? -1)
      }
      try await bed.applyBackup("second")
      try await bed.eventuallyAnswers("backup/second", "Waiting", "Backup first of the same target goes first")

      try await bed.kubectl("patch", "backup/first", "--type=merge", "-p", #"{"spec":{"destinationName":"other"}}"#)
      try await bed.eventuallyAnswers("backup/first", "SpecChangeIgnored", "spec changed after the start")
      #expect(try await bed.events("backup/first", "SpecChangeIgnored").count == 1)

      try await bed.kubectl("delete", "backupdestination/store", "--wait=false")
      try await bed.eventuallyAnswers("backupdestination/store", "InUse", "Database/shop")
      try await bed.ready("backup/first")
      #expect(try await bed.resticSnapshots() == [try await bed.field("backup/first", ".status.snapshot")])
    }
    try await postgres.remove()
  }

  @Test("PostgreSQL that is away for half a minute while a backup runs only delays it")
  func serverAway() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("server-away") { bed in
      try await bed.applyDestination(.slow)
      try await bed.applyShop(postgres, orders: 100_000)
      try await bed.applyBackup("first")
      // The step stands still meanwhile: all of this small database could be read before the server is gone.
      let step = try await bed.stepAtWork("base-backup")
      kill(step, SIGSTOP)
      try await postgres.kill9()
      kill(step, SIGCONT)
      try await bed.eventuallyField("backup/first", ".status.attempts") { $0 == "2" }
      try await bed.eventuallyField("backup/first", ".status.conditions[?(@.type==\"Ready\")].reason") {
        $0 == "Retrying"
      }
      #expect(try await bed.field("backup/first", ".status.retryAt").hasSuffix("Z"))
      try await postgres.start()
      try await bed.ready("backup/first", seconds: 240)
      #expect(try await bed.field("backup/first", ".status.attempts") == "3")
      #expect(try await bed.resticSnapshots().count == 1)
    }
    try await postgres.remove()
  }
}
