import TestSupport
import Testing

@Suite("A clone reaches the moment that was named, or says why it can't before anything is made")
struct CloneTests {
  @Test("by LSN, by transaction id and by restore point, each with the rows of its moment")
  func moments() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("moments") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 100)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      let xid = try await postgres.psql(
        "INSERT INTO orders VALUES (101, 'by xid') RETURNING pg_current_xact_id()::text", database: "shop")
      let lsn = try await postgres.psql(
        "INSERT INTO orders VALUES (102, 'by LSN')", "SELECT pg_current_wal_insert_lsn()", database: "shop")
      try await postgres.psql(
        "INSERT INTO orders VALUES (103, 'by name')", "SELECT pg_create_restore_point('before')",
        "INSERT INTO orders VALUES (104, 'too late')", database: "shop")
      let last = try await postgres.now()
      try await postgres.psql("INSERT INTO orders VALUES (105, 'the end')", database: "shop")
      try await bed.eventuallyField("database/shop", ".status.recoveryWindow.latest") { $0 > last }
      let active = try await bed.field("database/shop", ".status.activeIncarnation")
      let table = [
        ("by-xid", "xid: \"\(xid)\", incarnation: \(active)", "101"), ("by-lsn", "lsn: \"\(lsn)\"", "102"),
        ("by-name", "name: before", "103"),
      ]
      for (name, moment, rows) in table {
        try await bed.applyClone(name, moment: moment, newName: "\(name)-clone")
        try await bed.ready("pitrclone/\(name)")
        #expect(try await bed.askClone("\(name)-clone", "SELECT count(*) FROM orders", as: postgres) == rows)
      }
    }
    try await postgres.remove()
  }

  @Test("a moment outside the window, an unknown restore point and an unknown incarnation leave nothing behind")
  func refusals() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("refusals") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 100)
      let early = try await postgres.now()
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      try await bed.eventuallyField("database/shop", ".status.recoveryWindow.earliest") { !$0.isEmpty }
      let table = [
        ("too-early", "time: \"\(early)\"", "TargetOutsideWindow", "window"),
        ("no-such-point", "name: nowhere", "TargetNotFound", "nowhere"),
        ("no-such-life", "latest: true, incarnation: other", "IncarnationUnknown", "other"),
      ]
      for (name, moment, reason, words) in table {
        try await bed.applyClone(name, moment: moment, newName: "\(name)-clone")
        try await bed.eventuallyAnswers("pitrclone/\(name)", reason, words)
        #expect(try await bed.field("pitrclone/\(name)", ".status.phase") == "Failed")
        #expect(try await bed.field("pitrclone/\(name)", ".status.error.code") == reason)
      }
      #expect(try await bed.kubectl("get", "databases", "-o", "name") == "database.tidemark.dev/shop\n")
      try await eventually(within: .seconds(30), "nothing of an instance is left") { bed.instances.isEmpty }
    }
    try await postgres.remove()
  }
}
