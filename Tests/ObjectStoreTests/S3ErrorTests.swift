import Foundation
import NIOCore
import ObjectStore
import Synchronization
import TestSupport
import Testing

/// What goes wrong with an S3 server has its own code and words, on the real server.
@Suite struct S3ErrorTests {
  private func impatient(_ configuration: inout S3Configuration) {
    configuration.retry.attempts = 2
    configuration.connectTimeout = .seconds(2)
  }

  /// The codes of one operation of each sort.
  private func codes(_ store: S3Store) async -> [ObjectStoreError.Code?] {
    [
      await code { try await store.put("k", bytes(10)) },
      await code { try await store.put("k", stream: Pieces(total: 11 << 20), condition: .always) },
      await code { _ = try await store.get("k") },
      await code { _ = try await store.head("k") },
      await code { _ = try await store.list(prefix: "").collected() },
      await code { try await store.delete(["k", "l"]) },
    ]
  }

  @Test("a wrong secret, and an unknown key, are invalid credentials for every operation")
  func wrongCredentials() async throws {
    let server = try await TestServers.s3()
    for credentials in [
      S3Credentials(accessKeyID: server.keys.accessKey, secretAccessKey: "wrong"),
      S3Credentials(accessKeyID: "nobody", secretAccessKey: server.keys.secretKey),
    ] {
      try await S3Store.with(credentials: credentials, impatient) { store in
        for code in await codes(store) { #expect(code == .credentialsInvalid) }
      }
    }
  }

  @Test("a user without rights is denied, which is another thing")
  func strangers() async throws {
    try await S3Store.with(credentials: try await TestServers.s3().strangers, impatient) { store in
      for code in await codes(store) { #expect(code == .accessDenied) }
    }
  }

  @Test("a missing bucket is told for every operation, by name")
  func missingBucket() async throws {
    let server = try await TestServers.s3()
    try await S3Store.with({
      $0.bucket = "not-there"; impatient(&$0)
    }) { store in
      for code in await codes(store) { #expect(code == .bucketNotFound) }
      let error = await #expect(throws: ObjectStoreError.self) { try await store.put("k", bytes(1)) }
      #expect(error?.message.contains("'not-there'") == true)
      #expect("\(error as Any)".contains(server.keys.secretKey) == false)
    }
  }

  @Test("a closed port is an unreachable endpoint, told within the bound of attempts")
  func closedPort() async throws {
    let proxy = try await FaultProxy.start(to: try await TestServers.s3().port)
    try await proxy.stop()
    let started = ContinuousClock.now
    try await S3Store.with(endpoint: "http://127.0.0.1:\(proxy.port)", impatient) { store in
      for code in await codes(store) { #expect(code == .endpointUnreachable) }
    }
    #expect(started.duration(to: .now) < .seconds(20))
  }

  @Test("a name that does not resolve is an unreachable endpoint")
  func unknownName() async throws {
    try await S3Store.with(endpoint: "http://nowhere.invalid:80", impatient) { store in
      #expect(await code { _ = try await store.head("k") } == .endpointUnreachable)
    }
  }

  @Test("a self-signed certificate is not trusted; with its authority, or on demand, it is")
  func certificates() async throws {
    let server = try await TestServers.s3()
    try await S3Store.with(endpoint: server.tlsEndpoint, impatient) { store in
      for code in await codes(store) { #expect(code == .tlsUntrusted) }
    }
    for trust in [S3Configuration.Trust.authorities(file: server.caFile), .anyone] {
      try await S3Store.with(endpoint: server.tlsEndpoint, { $0.trust = trust }) { store in
        try await store.put("k", bytes(1 << 20))
        #expect(try await store.get("k") == bytes(1 << 20))
      }
    }
    #expect(throws: ObjectStoreError.self) {
      var configuration = S3Configuration(
        endpoint: try S3Endpoint(url: server.tlsEndpoint, region: "r"), bucket: "b")
      configuration.trust = .authorities(file: "/nonexistent.pem")
      _ = try S3Store(configuration: configuration, credentials: server.credentials)
    }
  }

  @Test("TLS spoken to a plain port is an unreachable endpoint, not a hang")
  func plainPort() async throws {
    let server = try await TestServers.s3()
    try await S3Store.with(endpoint: "https://127.0.0.1:\(server.port)", impatient) { store in
      #expect(await code { _ = try await store.head("k") } == .endpointUnreachable)
    }
  }

  @Test("a rotated secret is picked up from its files without a new store")
  func rotation() async throws {
    let server = try await TestServers.s3()
    try await ScratchDirectory.with("secret") { directory in
      let write = { (name: String, value: String) in
        try value.write(toFile: directory.file(name), atomically: true, encoding: .utf8)
      }
      try write("id", server.keys.accessKey + "\n")
      try write("secret", "outdated")
      let files = S3CredentialFiles(accessKeyID: directory.file("id"), secretAccessKey: directory.file("secret"))
      try await S3Store.with(credentials: files) { store in
        #expect(await code { try await store.put("k", bytes(3)) } == .credentialsInvalid)
        try write("secret", server.keys.secretKey)
        try await store.put("k", bytes(3))
        #expect(try await store.get("k") == bytes(3))
      }
      let missing = S3CredentialFiles(accessKeyID: directory.file("nope"), secretAccessKey: directory.file("secret"))
      try await S3Store.with(credentials: missing) { store in
        #expect(await code { try await store.put("k", bytes(3)) } == .credentialsInvalid)
      }
    }
  }

  @Test("a clock that is hours wrong is corrected once from the server's own, and requests go on")
  func clockSkew() async throws {
    for hours in [-5, 5] as [Int64] {
      try await S3Store.with({ $0.assumedClockOffset = hours * 3_600 }) { store in
        try await store.put("k", bytes(10))
        #expect(try await store.get("k") == bytes(10))
      }
    }
  }

  @Test("virtual addressing works against the real server as path addressing does")
  func virtualAddressing() async throws {
    let server = try await TestServers.s3()
    var configuration = try await server.configuration(endpoint: "http://\(server.virtualHost):\(server.port)")
    configuration.addressing = .virtual
    configuration.addresses = ["\(configuration.bucket).\(server.virtualHost)": "127.0.0.1"]
    try await S3Store.with(configuration, server.credentials) { store in
      for key in ConformanceTests.oddKeys {
        try await store.put(key, ByteBuffer(string: key))
        #expect(try await store.get(key) == ByteBuffer(string: key))
      }
      try await store.delete(ConformanceTests.oddKeys)
      #expect(try await store.list(prefix: "").collected().isEmpty)
    }
  }

  @Test("bytes that changed in the bucket are found when they are read whole")
  func corruption() async throws {
    let server = try await TestServers.s3()
    let configuration = try await server.configuration()
    try await S3Store.with(configuration, server.credentials) { store in
      try await store.put("k", bytes(100_000, seed: 1))
      let digest = ContentSHA256(of: bytes(100_000, seed: 1)).description
      try await ScratchDirectory.with { directory in
        let other = bytes(100_000, seed: 2)
        try Data(other.readableBytesView).write(to: URL(fileURLWithPath: directory.file("other")))
        try await server.curl(
          "/\(configuration.bucket)/k", "-T", directory.file("other"), "-H", "x-amz-meta-sha256: \(digest)")
      }
      #expect(await code { _ = try await store.get("k") } == .corrupted)
      #expect(await code { for try await _ in try await store.stream("k") {} } == .corrupted)
    }
  }
}
