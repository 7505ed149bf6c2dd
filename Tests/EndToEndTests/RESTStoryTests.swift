import Foundation
import TestSupport
import Testing

@Suite("The same story by curl alone")
struct RESTStoryTests {
  @Test("a destination that is tried first, a backup, the window, and a dump that is uploaded")
  func story() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("rest") { bed in
      let api = try await RESTClient(bed)
      let keys = """
        "access_key": "\(bed.s3.keys.accessKey)", "secret_key": "\(bed.s3.keys.secretKey)", "provider": "custom", \
        "endpoint": "\(bed.s3.endpoint)", "prefix": "team"
        """
      let refused = try await api.call(
        "POST", "settings/backup-destinations?validate=true",
        #"{"name": "store", "bucket": "no-such-bucket", \#(keys)}"#)
      #expect(refused.status == "400" && refused.body.contains("BucketNotFound"))
      let made = try await api.call(
        "POST", "settings/backup-destinations?validate=true",
        #"{"name": "store", "bucket": "\#(bed.bucket)", \#(keys)}"#)
      #expect(made.status == "201", "\(made.body)")
      try await bed.ready("backupdestination/store", seconds: 60)
      try await bed.applyShop(postgres, orders: 2000)

      let backup = try await api.start("databases/shop/backups", "{}")
      try await api.wait(for: "Completed", at: backup)
      try await postgres.psql(
        "INSERT INTO orders SELECT g, 'late' FROM generate_series(10001, 10010) g", database: "shop")
      try await eventually(within: .seconds(60), "the window has an end") {
        try await api.call("GET", "databases/shop/recovery-window").body.contains("latest_lsn")
      }
      let late = try await api.call("POST", "databases/shop/pitr", #"{"target_time": "2100-01-01T00:00:00Z"}"#)
      #expect(late.status == "400" && late.body.contains("the recovery window is"))

      let dump = "CREATE TABLE uploaded (a int);\nINSERT INTO uploaded SELECT generate_series(1, 7);\n"
      let load = try await api.start("databases/shop/import?database_name=uploads", dump)
      try await api.wait(for: "Completed", at: load)
      #expect(try await postgres.psql("SELECT count(*) FROM uploaded", database: "uploads") == "7")

      let inUse = try await api.call("DELETE", "settings/backup-destinations/store")
      #expect(inUse.status == "409" && inUse.body.contains("Database shop"))
      let told = api.said + bed.controllerLogs
      for secret in [bed.s3.keys.secretKey, bed.kube.token, postgres.superuserPassword] {
        #expect(!told.contains(secret))
      }
      try await api.end()
    }
    try await postgres.remove()
  }
}
