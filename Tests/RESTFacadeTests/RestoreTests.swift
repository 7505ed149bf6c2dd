import Foundation
import KubeClient
import KubeModel
import NIOCore
import RESTFacade
import Synchronization
import Testing
import TidemarkAPI

@Suite("Restores, clones, switches and imports over REST")
struct RestoreTests {
  @Test("a completed backup is restored by database and by backup; another one is a 409")
  func backups() async throws {
    try await FacadeBed.with("restores") { bed in
      try await bed.makeDatabase()
      let backup = try await bed.makeBackup("good", phase: .completed)
      try await bed.makeBackup("running", phase: .running)
      try await bed.eventuallyGet("/backups/running") { $0.data["status"] == "Running" }
      let id = backup.metadata.uid ?? ""
      let restore = try await bed.call("POST", "/databases/shop/restore", #"{"backup_id": "\#(id)"}"#).expect(202)
      #expect(restore.data["kind"] == "restore" && restore.data["status"] == "Pending")
      #expect(restore.headers["location"] == "/api/v1/restores/\(restore.id)")
      #expect(try await bed.call("GET", "/restores/\(restore.id)").expect(200).data["source"] == ["backup": "good"])
      let stored = try await bed.client.list(RestoreRequest.self, namespace: bed.namespace).items.first
      #expect(stored?.spec.source.backupName == "good" && stored?.spec.target?.database == "shop")
      let byBackup = try await bed.call(
        "POST", "/backups/database/\(id)/restore", #"{"strategy": "InPlace"}"#
      ).expect(202)
      #expect(byBackup.data["strategy"] == "InPlace")
      #expect(try await bed.call("POST", "/backups/database/running/restore").expect(409).message.contains("Running"))
      try await bed.call("POST", "/databases/shop/restore", #"{"backup_id": "nobackup"}"#).expect(404)
      try await bed.call("POST", "/databases/shop/restore", "{}").expect(400)
      try await bed.call("GET", "/restores/norestore").expect(404)
      try await bed.call("GET", "/restores/00000000-0000-4000-8000-000000000000").expect(404)
    }
  }

  @Test("a time in the window is recovered and cloned; one outside, or in a gap, is a 400 that says the window")
  func window() async throws {
    try await FacadeBed.with("restores") { bed in
      try await bed.makeDatabase(window: FacadeBed.window)
      let inside = #"{"target_time": "2026-01-15T10:30:00Z"}"#
      let recovery = try await bed.call("POST", "/databases/shop/pitr", inside).expect(202)
      #expect(recovery.data["source"]?["target_time"] == "2026-01-15T10:30:00.000000Z")
      let clone = try await bed.call(
        "POST", "/databases/shop/pitr-clone", #"{"target_time": "2026-01-15T12:00:00+02:00", "new_name": "rescued"}"#
      ).expect(202)
      #expect(clone.data["kind"] == "clone" && clone.data["new_name"] == "rescued")
      #expect(try await bed.call("GET", clone.headers["location"] ?? "").expect(200).id == clone.id)
      for (time, expected) in [
        ("2026-01-09T23:59:59Z", "2026-01-10T00:00:00.000000Z"),
        ("2026-01-20T00:00:01Z", "2026-01-20T00:00:00.000000Z"),
        ("2026-01-15T00:30:00Z", "the slot was lost"),
      ] {
        for (path, more) in [("pitr", ""), ("pitr-clone", #", "new_name": "other""#)] {
          let reply = try await bed.call(
            "POST", "/databases/shop/\(path)", #"{"target_time": "\#(time)"\#(more)}"#
          ).expect(400)
          #expect(reply.field("target_time").contains(expected), "\(reply.body)")
        }
      }
      let window = try await bed.call("GET", "/databases/shop/recovery-window").expect(200)
      #expect(window.data["earliest"] == "2026-01-10T00:00:00.000000Z" && window.data["latest_lsn"] == "0/5000000")
      try await bed.makeDatabase("fresh")
      let none = try await bed.call("POST", "/databases/fresh/pitr", inside).expect(400)
      #expect(none.message.contains("nothing can be recovered yet"))
      let taken = try await bed.call(
        "POST", "/databases/shop/pitr-clone", #"{"target_time": "2026-01-15T10:30:00Z", "new_name": "fresh"}"#)
      #expect(taken.status == 409)
    }
  }

  @Test("a switch asks the newest restore that is ready, back and forth, and none where none is ready")
  func switching() async throws {
    try await FacadeBed.with("restores") { bed in
      try await bed.makeDatabase()
      #expect(try await bed.call("POST", "/databases/shop/switch").expect(409).code == "CONFLICT")
      let ready = try await bed.makeRestore("ready", phase: .readyToSwitch)
      try await bed.makeRestore("recovering", phase: .recovering)
      try await bed.makeRestore("elsewhere", phase: .readyToSwitch, database: "other")
      try await bed.eventuallyGet("/restores/elsewhere") { $0.data["status"] == "ReadyToSwitch" }
      let key = ["Idempotency-Key": "switch-1"]
      let asked = try await bed.call("POST", "/databases/shop/switch", headers: key).expect(202)
      #expect(asked.data["name"] == "ready" && asked.data["switch_requested"] == true)
      #expect(asked.headers["location"] == "/api/v1/restores/\(ready.metadata.uid ?? "")")
      let back = try await bed.call("POST", "/databases/shop/switch", #"{"direction": "previous"}"#).expect(202)
      #expect(back.data["switch_requested"] == false)
      // The first call made again changes nothing any more.
      try await bed.call("POST", "/databases/shop/switch", headers: key).expect(202)
      #expect(
        try await bed.client.get(RestoreRequest.self, ready.key).spec.switchRequested == false)
      let other = try await bed.call("POST", "/databases/shop/switch", #"{"direction": "previous"}"#, headers: key)
      #expect(other.status == 409)
      let early = try await bed.call("POST", "/databases/shop/switch", #"{"restore_id": "recovering"}"#).expect(409)
      #expect(early.message.contains("Recovering"))
      try await bed.call("POST", "/databases/shop/switch", #"{"restore_id": "elsewhere"}"#).expect(400)
      try await bed.call("POST", "/databases/shop/switch", #"{"direction": "sideways"}"#).expect(400)
    }
  }

  @Test("a dump in a destination is loaded by its path")
  func fromPath() async throws {
    try await FacadeBed.with("restores") { bed in
      try await bed.makeDatabase()
      try await bed.makeDestination()
      let made = try await bed.call(
        "POST", "/databases/shop/restore-from-path",
        #"{"destination_id": "offsite", "path": "dumps/shop.sql.gz", "format": "gzip", "database_name": "shop2"}"#
      ).expect(202)
      #expect(made.data["source"] == ["destination": "offsite", "path": "dumps/shop.sql.gz", "format": "gzip"])
      let stored = try await bed.client.list(RestoreRequest.self, namespace: bed.namespace).items.first
      #expect(stored?.spec.databaseName == "shop2")
      let wrong = try await bed.call(
        "POST", "/databases/shop/restore-from-path",
        #"{"destination_id": "offsite", "path": "", "format": "zip", "repository": "r"}"#
      ).expect(400)
      for field in ["path", "format", "repository"] { #expect(!wrong.field(field).isEmpty) }
    }
  }

  @Test("an uploaded dump is staged, then restored from; one that fails leaves nothing")
  func uploads() async throws {
    let uploads = KeptUploads()
    try await FacadeBed.with(
      "restores", change: { $0.limits.uploadBytes = 3_000_000 }, platform: FacadePlatform(uploads: uploads)
    ) { bed in
      try await bed.makeDatabase()
      try await bed.makeDestination()
      try await bed.client.create(
        Secret(
          metadata: ObjectMeta(name: "offsite-repository-password", namespace: bed.namespace),
          strings: ["password": "sealed-with-this"]))
      let dump = "CREATE TABLE t (a int);\n" + String(repeating: "-- padding\n", count: 200_000)
      let key = ["Idempotency-Key": "upload", "Content-Type": "application/sql"]
      let path = "/databases/shop/import?database_name=imported"
      let made = try await bed.call("POST", path, dump, headers: key).expect(202)
      #expect(uploads.objects.count == 1 && uploads.objects.values.first == dump)
      let stored = try await bed.client.list(RestoreRequest.self, namespace: bed.namespace).items.first
      #expect(stored?.spec.source.path?.key == uploads.objects.keys.first)
      #expect(stored?.metadata.annotations["tidemark.dev/staged"] == "true" && stored?.spec.databaseName == "imported")
      #expect(try await bed.call("POST", path, dump, headers: key).expect(202).id == made.id)
      try await bed.call("POST", path, "SELECT 1;", headers: key).expect(409)
      #expect(uploads.objects.count == 1)
      let large = String(repeating: "x", count: 3_000_001)
      #expect(try await bed.call("POST", path, large).expect(413).code == "PAYLOAD_TOO_LARGE")
      try await bed.call("POST", path, "").expect(400)
      try await bed.call("POST", "/databases/shop/import?format=zip", "SELECT 1;").expect(400)
      #expect(uploads.objects.count == 1)
      #expect(try await bed.client.list(RestoreRequest.self, namespace: bed.namespace).items.count == 1)
    }
  }
}

/// Uploads that are held in memory.
final class KeptUploads: DumpUploads {
  private let kept = Mutex<[String: String]>([:])
  var objects: [String: String] { kept.withLock { $0 } }

  func stage(
    _ body: some AsyncSequence<ByteBuffer, any Error> & Sendable, for database: ObjectKey, id: String, limit: Int,
    in spec: BackupDestinationSpec, _ secrets: DestinationSecrets
  ) async throws -> String {
    var whole = ByteBuffer()
    for try await var piece in body {
      whole.writeBuffer(&piece)
      guard whole.readableBytes <= limit else { throw DumpUploadError.tooLarge(limit: limit) }
    }
    guard whole.readableBytes > 0 else { throw DumpUploadError.empty }
    let (key, text) = ("imports/\(database)/\(id)", String(buffer: whole))
    kept.withLock { $0[key] = text }
    return key
  }

  func discard(
    _ key: String, of database: ObjectKey, in spec: BackupDestinationSpec, _ secrets: DestinationSecrets
  ) async throws {
    kept.withLock { $0[key] = nil }
  }
}
