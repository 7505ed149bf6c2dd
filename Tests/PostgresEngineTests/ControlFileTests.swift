import Foundation
import PostgresEngine
import TestSupport
import Testing

@Suite("PostgreSQL's own files")
struct ControlFileTests {
  @Test("pg_control says what pg_controldata says, and damage is noticed")
  func control() async throws {
    let server = try await TestPostgres.start {
      $0.settings = ["max_connections": "37", "max_prepared_transactions": "3", "max_locks_per_transaction": "71"]
      $0.segmentMegabytes = 4
    }
    try await server.stop()
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(server.dataDirectory)/global/pg_control")))
    let control = try ControlFile(bytes)
    let text = try await RunningProgram.run(
      "\(server.binaries)/pg_controldata", [server.dataDirectory], environment: ["LC_ALL": "C"]
    ).output
    func value(_ name: String) -> String? {
      text.split(separator: "\n").first { $0.hasPrefix(name + ":") }?.split(separator: ":", maxSplits: 1).last
        .map { $0.trimmingCharacters(in: .whitespaces) }
    }
    #expect(value("Database system identifier") == String(control.systemIdentifier))
    #expect(value("Latest checkpoint location") == control.checkpoint.description)
    #expect(value("Latest checkpoint's TimeLineID") == control.timeline.description)
    #expect(value("Bytes per WAL segment") == String(control.segmentSize.bytes))
    for (name, number) in control.parameters.settings where name != "max_locks_per_transaction" {
      #expect(value("\(name) setting") == String(number))
    }
    #expect(control.parameters.maxLocksPerTransaction == 71)
    var damaged = bytes
    damaged[182] ^= 1
    #expect(throws: WALError.self) { try ControlFile(damaged) }
    #expect(throws: WALError.self) { try ControlFile(Array(bytes.prefix(100))) }
    try await server.remove()
  }

  @Test("a configuration file is read as PostgreSQL reads it, and written so that it reads the same")
  func configuration() {
    var file = ConfigurationFile(
      parsing: """
        # a comment
        max_connections = 100   # more
        Search_Path = '"$user", public'
        archive_command 'cp %p ''/a b/%f'''
        max_connections = 120
        include_dir = 'conf.d'
        log_line_prefix='a\\nb'
        nonsense
        """)
    #expect(file["max_connections"] == "120")
    #expect(file["search_path"] == "\"$user\", public")
    #expect(file["archive_command"] == "cp %p '/a b/%f'")
    #expect(file["log_line_prefix"] == "a\nb")
    #expect(file["nonsense"] == nil)
    file.set("archive_command", "")
    file.set("restore_command", "a 'b' \\c")
    let again = ConfigurationFile(parsing: file.text)
    #expect(again["archive_command"] == "")
    #expect(again["restore_command"] == "a 'b' \\c")
    #expect(again["max_connections"] == "120")
  }
}
