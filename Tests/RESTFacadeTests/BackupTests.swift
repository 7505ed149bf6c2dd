import KubeClient
import KubeModel
import RESTFacade
import TestSupport
import Testing
import TidemarkAPI

@Suite("Databases, their backups and schedules over REST")
struct BackupTests {
  @Test("a backup is started, polled at its location, listed and deleted")
  func life() async throws {
    try await FacadeBed.with("backups") { bed in
      let database = try await bed.makeDatabase()
      let started = try await bed.call("POST", "/databases/\(database.metadata.uid ?? "")/backups").expect(202)
      #expect(started.data["status"] == "Pending" && started.data["method"] == "physical")
      let location = started.headers["location"] ?? ""
      #expect(location == "/api/v1/backups/\(started.id)")
      #expect(try await bed.call("GET", location).expect(200).id == started.id)
      let stored = try await bed.client.list(Backup.self, namespace: bed.namespace).items
      #expect(stored.map(\.spec.target.database) == ["shop"] && stored.first?.spec.destinationName == "offsite")
      #expect(try await bed.call("GET", "/databases/shop/backups").items.count == 1)
      try await bed.call("DELETE", location).expect(204)
      try await bed.call("GET", location).expect(404)
      try await bed.call("DELETE", location).expect(404)
      let wrong = try await bed.call(
        "POST", "/databases/shop/backups", #"{"method": "files", "expires_after": "soon", "target": 1}"#
      ).expect(400)
      for field in ["method", "expires_after", "target"] { #expect(!wrong.field(field).isEmpty) }
      let missing = try await bed.call(
        "POST", "/databases/shop/backups", #"{"destination_id": "nowhere"}"#
      ).expect(404)
      #expect(missing.field("destination_id").contains("nowhere"))
      #expect(try await bed.call("POST", "/databases/nodb/backups").expect(404).code == "NOT_FOUND")
    }
  }

  @Test("pages hold every backup once, newest first, also while others come and go")
  func pages() async throws {
    try await FacadeBed.with("backups") { bed in
      try await bed.makeDatabase()
      for number in 0..<25 { try await bed.makeBackup("b\(number)", phase: .completed) }
      try await bed.eventuallyGet("/databases/shop/backups") { $0.items.count == 25 }
      var names: [String] = []
      var created: [String] = []
      var cursor = ""
      for page in 0..<6 {
        let reply = try await bed.call("GET", "/databases/shop/backups?limit=5\(cursor)").expect(200)
        names += reply.items.compactMap { $0["name"]?.text }
        created += reply.items.compactMap { $0["created_at"]?.text }
        guard let next = reply.json["next_cursor"]?.text else { break }
        cursor = "&cursor=\(next)"
        if page == 1 {
          // Times of creation are whole seconds: what is made in the same one has no order by age.
          try await Task.sleep(for: .seconds(1.1))
          try await bed.makeBackup("late", phase: .completed)
          try await bed.client.delete(Backup.self, ObjectKey(namespace: bed.namespace, name: names[9]))
          try await bed.eventuallyGet("/backups/late") { $0.status == 200 }
        }
      }
      #expect(names.count == 25 && Set(names) == Set((0..<25).map { "b\($0)" }))
      #expect(created == created.sorted(by: >))
      let all = try await bed.call("GET", "/databases/shop/backups").items.compactMap { $0["name"]?.text }
      #expect(all.first == "late")
      try await bed.call("GET", "/databases/shop/backups?limit=0").expect(400)
      try await bed.call("GET", "/databases/shop/backups?cursor=nonsense").expect(400)
      let unknown = try await bed.call("GET", "/databases/shop/backups?page=2").expect(400)
      #expect(unknown.field("page").contains("known are"))
    }
  }

  @Test("a schedule is created, changed, run and deleted, and its backups stay")
  func schedules() async throws {
    try await FacadeBed.with("backups") { bed in
      let database = try await bed.makeDatabase()
      let destination = try await bed.makeDestination()
      let body = """
        {"database_id": "\(database.metadata.uid ?? "")", "destination_id": "\(destination.id)",
         "cron_expression": "0 2 * * *", "retention_count": 7, "time_zone": "Europe/Berlin"}
        """
      let made = try await bed.call("POST", "/backup-schedules", body).expect(201)
      #expect(made.headers["location"] == "/api/v1/backup-schedules/\(made.id)")
      #expect(made.data["retention_count"] == 7 && made.data["enabled"] == true)
      let path = "/backup-schedules/\(made.id)"
      let changed = try await bed.call(
        "PUT", path, #"{"enabled": false, "retention": {"daily": 14, "within": "48h"}}"#
      ).expect(200)
      #expect(changed.data["enabled"] == false && changed.data["cron_expression"] == "0 2 * * *")
      #expect(changed.data["retention"] == ["daily": 14, "within": "48h"] && changed.data["retention_count"] == nil)
      let ran = try await bed.call("POST", "\(path)/run").expect(202)
      #expect(ran.data["schedule"] == made.data["name"] && ran.data["origin"] == "Schedule")
      try await bed.call("DELETE", path).expect(204)
      try await bed.call("GET", path).expect(404)
      try await bed.call("GET", "/backups/\(ran.id)").expect(200)
    }
  }

  @Test(
    "a schedule names exactly one target",
    arguments: [
      (#"{"destination_id": "offsite", "cron_expression": "0 2 * * *"}"#, 400, "database_id"),
      (
        #"{"database_id": "shop", "bucket_id": "b", "destination_id": "offsite", "cron_expression": "@daily"}"#, 400,
        "database_id"
      ),
      (#"{"application_id": "a", "destination_id": "offsite", "cron_expression": "@daily"}"#, 404, "application_id"),
      (#"{"database_id": "nodb", "destination_id": "offsite", "cron_expression": "@daily"}"#, 404, "database_id"),
      (#"{"database_id": "shop", "destination_id": "offsite", "cron_expression": "daily"}"#, 400, "cron_expression"),
      (
        #"{"database_id": "shop", "destination_id": "offsite", "cron_expression": "@daily", "retention": {"weakly": 1}}"#,
        400, "retention.weakly"
      ),
    ])
  func scheduleTargets(_ body: String, _ status: Int, _ field: String) async throws {
    try await FacadeBed.with("backups") { bed in
      try await bed.makeDatabase()
      try await bed.makeDestination()
      let reply = try await bed.call("POST", "/backup-schedules", body).expect(status)
      #expect(!reply.field(field).isEmpty, "\(reply.body)")
    }
  }
}
