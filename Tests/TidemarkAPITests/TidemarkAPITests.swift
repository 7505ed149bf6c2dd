import Foundation
import KubeModel
import Testing
import TidemarkAPI

/// A kind as a user writes it, with nothing filled in by a server.
private func decode<Spec: Decodable>(_ type: Spec.Type, _ json: String) throws -> Spec {
  try JSONDecoder().decode(Spec.self, from: Data(json.utf8))
}

@Suite("Specs fill in their defaults and say what is wrong with them")
struct SpecTests {
  @Test("a destination left at its defaults reads the documented fields of its Secret")
  func destinationDefaults() throws {
    let spec = try decode(
      BackupDestinationSpec.self,
      #"{"provider":"s3","bucket":"b","region":"eu-central-1","credentials":{"secretName":"s3"}}"#)
    #expect(spec.credentials.accessKeyField == "access-key-id")
    #expect(spec.credentials.secretKeyField == "secret-access-key")
    #expect(spec.addressingStyle == .auto)
    #expect(spec.validationInterval.duration == .seconds(600))
    #expect(spec.problems().isEmpty)
  }

  @Test(
    "a destination that lacks what its provider needs names the field",
    arguments: [
      (#"{"provider":"s3","bucket":"b","credentials":{"secretName":"s"}}"#, "region"),
      (#"{"provider":"r2","bucket":"b","credentials":{"secretName":"s"}}"#, "accountId"),
      (#"{"provider":"minio","bucket":"b","credentials":{"secretName":"s"}}"#, "endpoint"),
      (#"{"provider":"custom","bucket":"b","endpoint":"s3.example","credentials":{"secretName":"s"}}"#, "endpoint"),
      (#"{"provider":"custom","bucket":"b","endpoint":"https://k:s@h","credentials":{"secretName":"s"}}"#, "endpoint"),
      (
        #"{"provider":"minio","bucket":"b","endpoint":"http://h","credentials":{"secretName":""}}"#,
        "credentials.secretName"
      ),
      (
        #"{"provider":"minio","bucket":"b","endpoint":"http://h","prefix":"/a","credentials":{"secretName":"s"}}"#,
        "prefix"
      ),
    ])
  func destinationProblems(json: String, field: String) throws {
    let problems = try decode(BackupDestinationSpec.self, json).problems()
    #expect(problems.map(\.field) == [field])
  }

  @Test("a database left at its defaults is PostgreSQL on port 5432 with the slot tidemark")
  func databaseDefaults() throws {
    let spec = try decode(
      DatabaseSpec.self,
      #"{"connection":{"host":"db","secretName":"db"},"pitr":{"enabled":true,"destinationName":"s3"}}"#)
    #expect(spec.engine == .postgresql)
    #expect(spec.connection.port == 5432)
    #expect(spec.connection.sslMode == .prefer)
    #expect(spec.pitr?.effectiveSlotName == "tidemark")
    #expect(spec.pitr?.flushInterval.duration == .seconds(5))
    #expect(spec.problems().isEmpty)
  }

  @Test(
    "a database that can't be reached or archived as written names the field",
    arguments: [
      (#"{"connection":{"host":"","secretName":"s"}}"#, "connection.host"),
      (#"{"connection":{"host":"h","port":70000,"secretName":"s"}}"#, "connection.port"),
      (#"{"connection":{"host":"h","secretName":"s","sslMode":"verify-full"}}"#, "connection.caSecretName"),
      (
        #"{"connection":{"host":"h","secretName":"s"},"pitr":{"enabled":true,"destinationName":"d","slotName":"A"}}"#,
        "pitr.slotName"
      ),
      (
        #"{"connection":{"host":"h","secretName":"s"},"pitr":{"enabled":true,"destinationName":"d","flushInterval":"1ms"}}"#,
        "pitr.flushInterval"
      ),
      (#"{"connection":{"host":"h","secretName":"s"},"pitr":{"enabled":true}}"#, "pitr.destinationName"),
    ])
  func databaseProblems(json: String, field: String) throws {
    #expect(try decode(DatabaseSpec.self, json).problems().map(\.field) == [field])
  }

  @Test(
    "a backup protects exactly one target, by a method that fits it",
    arguments: [
      (#"{"target":{},"destinationName":"d"}"#, ["target"]),
      (#"{"target":{"database":"a","bucket":"b"},"destinationName":"d"}"#, ["target"]),
      (#"{"target":{"database":"a"},"destinationName":"d","method":"files"}"#, ["method"]),
      (#"{"target":{"database":"A_"},"destinationName":"d"}"#, ["target.database"]),
      (#"{"target":{"database":"a"},"destinationName":"d"}"#, []),
    ])
  func backupProblems(json: String, fields: [String]) throws {
    #expect(try decode(BackupSpec.self, json).problems().map(\.field) == fields)
  }

  @Test(
    "a clone says exactly one moment",
    arguments: [
      (#"{}"#, ["pointInTime"]),
      (#"{"latest":false}"#, ["pointInTime"]),
      (#"{"latest":true}"#, []),
      (#"{"time":"2026-01-15T10:30:00.25+02:00"}"#, []),
      (#"{"time":"2026-01-15T10:30:00Z","latest":true}"#, ["pointInTime"]),
      (#"{"lsn":"0/1A2B3C"}"#, []),
      (#"{"lsn":"1A2B3C"}"#, ["pointInTime.lsn"]),
      (#"{"xid":"x"}"#, ["pointInTime.xid"]),
    ])
  func cloneProblems(pointInTime: String, fields: [String]) throws {
    let json = #"{"database":"a","newName":"b","pointInTime":\#(pointInTime)}"#
    #expect(try decode(PITRCloneSpec.self, json).problems().map(\.field) == fields)
  }

  @Test("a clone can't take its source's name")
  func cloneName() throws {
    let spec = try decode(PITRCloneSpec.self, #"{"database":"a","newName":"a","pointInTime":{"latest":true}}"#)
    #expect(spec.problems().map(\.field) == ["newName"])
  }

  @Test("an override changes what it names and leaves the rest of the template")
  func overrides() {
    var template = InstanceTemplate()
    template.image = "postgres:15"
    template.parameters = ["work_mem": "4MB", "shared_buffers": "128MB"]
    var overrides = InstanceTemplate()
    overrides.parameters = ["work_mem": "64MB"]
    let merged = template.overridden(by: overrides)
    #expect(merged.image == "postgres:15")
    #expect(merged.parameters == ["work_mem": "64MB", "shared_buffers": "128MB"])
  }
}
