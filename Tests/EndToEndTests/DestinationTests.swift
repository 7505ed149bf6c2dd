import Foundation
import TestSupport
import Testing

@Suite("A destination tells what is wrong with it")
struct DestinationTests {
  @Test("wrong key, missing bucket, closed port and self-signed certificate each have their reason within 30 s")
  func reasons() async throws {
    try await Bed.with("destinations") { bed in
      try await bed.applyKeys("store-keys")
      try await bed.applyKeys("wrong-keys", secretKey: "this-is-not-the-secret-key")
      let table = [
        ("wrong-key", bed.destination("wrong-key", secret: "wrong-keys"), "CredentialsInvalid"),
        ("no-bucket", bed.destination("no-bucket", bucket: "nobody-made-this-bucket"), "BucketNotFound"),
        ("closed-port", bed.destination("closed-port", endpoint: "http://127.0.0.1:1"), "EndpointUnreachable"),
        ("self-signed", bed.destination("self-signed", endpoint: bed.s3.tlsEndpoint), "EndpointUnreachable"),
        ("bad-spec", bed.destination("bad-spec", endpoint: "ftp://example.org"), "InvalidSpec"),
      ]
      let began = ContinuousClock.now
      try await bed.apply(table.map(\.1).joined(separator: "\n---\n"))
      for (name, _, reason) in table {
        let object = "backupdestination/\(name)"
        try await eventually(
          within: .seconds(30) - (ContinuousClock.now - began), every: .milliseconds(300), "\(name) is \(reason)"
        ) { try await bed.reason(object) == reason }
        let status = try await bed.field(object, ".status.conditions[?(@.type==\"Ready\")].status")
        #expect(status == "False")
      }
      try await eventually(within: .seconds(30), every: .milliseconds(500), "each has an event") {
        let events = try await bed.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}").split(separator: " ")
        return Set(table.map { Substring($0.2) }).isSubset(of: Set(events))
      }
    }
  }

  @Test("a self-signed certificate is trusted when its authority is in caSecretName")
  func ownAuthority() async throws {
    try await Bed.with("authority") { bed in
      try await bed.applyKeys("store-keys")
      try await bed.kubectl("create", "secret", "generic", "authority", "--from-file=ca.crt=\(bed.s3.caFile)")
      try await bed.apply(
        bed.destination("trusted", "  tls: { caSecretName: authority }", endpoint: bed.s3.tlsEndpoint))
      try await bed.ready("backupdestination/trusted", seconds: 30)
    }
  }

  @Test("a Secret that appears late is told as missing, and used when it is there")
  func lateSecret() async throws {
    try await Bed.with("late") { bed in
      try await bed.apply(bed.destination("late", secret: "late-keys"))
      let message = ".status.conditions[?(@.type==\"Ready\")].message"
      try await bed.eventuallyField("backupdestination/late", message, within: .seconds(30)) {
        $0.contains("Secret late-keys is not there; create it")
      }
      #expect(try await bed.reason("backupdestination/late") == "SecretMissing")
      try await bed.applyKeys("late-keys")
      try await bed.ready("backupdestination/late", seconds: 30)
      #expect(try await bed.reason("backupdestination/late") == "Validated")
    }
  }

  @Test("the bytes below the prefix are counted, and counted again after a backup")
  func storedBytes() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("stored-bytes") { bed in
      try await bed.applyKeys("store-keys")
      try await bed.apply(bed.destination("store", "  prefix: team\n  validationInterval: 10s"))
      try await bed.eventuallyField("backupdestination/store", ".status.storedBytes") { $0 == "0" }
      try await bed.applyShop(postgres, orders: 1000)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      let stored = try #require(Int(try await bed.field("backup/first", ".status.size.stored")))
      try await bed.eventuallyField("backupdestination/store", ".status.storedBytes") { (Int($0) ?? 0) > stored }
    }
    try await postgres.remove()
  }

  @Test("a password that does not open what lies in the bucket is told by the destination, until it is put right")
  func wrongPassword() async throws {
    let postgres = try await TestPostgres.start()
    try await Bed.with("wrong-password") { bed in
      try await bed.applyDestination()
      try await bed.applyShop(postgres, orders: 100)
      try await bed.applyBackup("first")
      try await bed.ready("backup/first")
      let right = try await bed.secret("store-repository-password", "password")
      try await bed.apply(Self.password("wrong"))
      try await bed.apply(
        bed.destination("other", "  prefix: team\n  encryption: { secretName: password }"))
      try await bed.eventuallyField("backupdestination/other", ".status.conditions[?(@.type==\"Ready\")].reason") {
        $0 == "PasswordInvalid"
      }
      let message = try await bed.field("backupdestination/other", ".status.conditions[?(@.type==\"Ready\")].message")
      #expect(message.contains("Secret password") && message.contains("/shop/repo/"))
      try await bed.apply(Self.password(right))
      try await bed.ready("backupdestination/other", seconds: 60)
    }
    try await postgres.remove()
  }

  private static func password(_ text: String) -> String {
    """
    apiVersion: v1
    kind: Secret
    metadata: { name: password }
    stringData: { password: "\(text)" }
    """
  }

  @Test("a destination that is deleted while in use waits, names its users, and goes when they are gone")
  func deletedWhileInUse() async throws {
    try await Bed.with("in-use") { bed in
      try await bed.applyDestination()
      try await bed.applyBackup("waiting")
      try await bed.eventuallyField("backup/waiting", ".status.phase") { $0 == "Pending" }
      #expect(try await bed.reason("backup/waiting") == "DatabaseNotFound")
      try await bed.kubectl("delete", "backupdestination/store", "--wait=false")
      let message = ".status.conditions[?(@.type==\"Ready\")].message"
      try await bed.eventuallyField("backupdestination/store", message) { $0.contains("Backup/waiting") }
      #expect(try await bed.reason("backupdestination/store") == "InUse")
      try await bed.kubectl("delete", "backup/waiting", "--timeout=60s")
      try await bed.eventuallyGone("backupdestination/store")
    }
  }
}
