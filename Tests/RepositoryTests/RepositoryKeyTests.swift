import NIOCore
import Repository
import Testing

@Suite struct RepositoryKeyTests {
  /// From http://cr.yp.to/mac/poly1305-20050329.pdf, appendix B: message, r, k, nonce, tag.
  @Test(
    "a tag is the published Poly1305-AES of the ciphertext",
    arguments: [
      (
        "f3f6", "851fc40c3467ac0be05cc20404f3f700", "ec074c835580741701425b623235add6",
        "fb447350c4e868c52ac3275cf9d4327e", "f4c633c3044fc145f84f335cb81953de"
      ),
      (
        "", "a0f3080000f46400d0c7e9076c834403", "75deaa25c09f208e1dc4ce6b5cad3fbf",
        "61ee09218d29b0aaed7e154a2c5509cc", "dd3fab2251f11ac759f0887129cc2ee7"
      ),
      (
        "663cea190ffb83d89593f3f476b6bc24d7e679107ea26adb8caf6652d0656136", "48443d0bb0d21109c89a100b5ce2c208",
        "6acb5f61a7176dd320c5c1eb2edcdc74", "ae212a55399729595dea458bc621ff0e", "0ee1c16bb73f0f4fd19881753c01cdbe"
      ),
      (
        "ab0812724a7f1e342742cbed374d94d136c6b8795d45b3819830f2c04491faf0990c62e48b8018b2c3e4a0fa3134cb67"
          + "fa83e158c994d961c4cb21095c1bf9", "12976a08c4426d0ce8a82407c4f48207", "e1a5668a4d5b66a5f68cc5424ed5982d",
        "9ae831e743978d3a23527c7128149e3a", "5154ad0d2cb26e01274fc51148491f1b"
      ),
    ])
  func publishedTag(message: String, r: String, k: String, nonce: String, tag: String) throws {
    let key = try #require(
      RepositoryKey(
        encryption: Array(repeating: 1, count: 32), authenticationKey: bytes(k), authenticationR: bytes(r)))
    let sealed = ByteBuffer(bytes: bytes(nonce + message + tag))
    #expect(try key.open(sealed).readableBytes == message.count / 2)
  }

  /// From restic's `internal/repository/crypto/crypto_int_test.go`.
  @Test("what restic sealed opens to what restic sealed")
  func resticsVector() throws {
    let key = try #require(
      RepositoryKey(
        encryption: bytes("303e8687b1d7db18421bdc6bb8588ccadac4d59ee87b8ff70c44e635790cafef"),
        authenticationKey: bytes("ef4d8824cb80b2bcc5fbff8a9b12a42c"),
        authenticationR: bytes("cc8d4b948ee0ebfe1d415de921d10353")))
    let sealed = bytes(
      "69fb41c62d12def4593bd71757138606338f621aeaeb39da0fe4f99233f8037a54ea63338a813bcf3f75d8c3cc75dddf8750")
    #expect(String(buffer: try key.open(ByteBuffer(bytes: sealed))) == "Dies ist ein Test!")
  }

  @Test(
    "sealing and opening gives back the bytes, whatever their number", arguments: [0, 1, 15, 16, 17, 65536, 1_000_003])
  func roundTrip(length: Int) throws {
    let key = RepositoryKey.random()
    let plaintext = noise(length, seed: UInt64(length))
    let sealed = try key.seal(plaintext)
    #expect(sealed.readableBytes == length + RepositoryKey.overhead)
    #expect(try key.open(sealed) == plaintext)
    #expect(try key.seal(plaintext) != sealed, "each seal has a nonce of its own")
  }

  @Test("a change of any byte breaks the seal")
  func everyByteCounts() throws {
    let key = RepositoryKey.random()
    let sealed = try key.seal(noise(100, seed: 1))
    for position in 0..<sealed.readableBytes {
      var changed = sealed
      let byte = try #require(sealed.getInteger(at: position, as: UInt8.self))
      changed.setInteger(byte ^ 1, at: position)
      #expect(throws: RepositoryError.self) { try key.open(changed) }
    }
    for length in 0..<sealed.readableBytes {
      let short = try #require(sealed.getSlice(at: 0, length: length))
      #expect(throws: RepositoryError.self) { try key.open(short) }
    }
    #expect(throws: RepositoryError.self) { try RepositoryKey.random().open(sealed) }
  }

  @Test("a key may be used by many tasks at once")
  func concurrentUse() async throws {
    let key = RepositoryKey.random()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<16 {
        group.addTask {
          for round in 0..<50 {
            let plaintext = noise(1000 + round, seed: UInt64(task * 1000 + round))
            let opened = try key.open(key.seal(plaintext))
            #expect(opened == plaintext)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test("a password does not print")
  func passwordsDoNotPrint() {
    let password = RepositoryPassword("hunter2")
    var dumped = ""
    dump(password, to: &dumped)
    for text in ["\(password)", String(reflecting: password), String(describing: [password]), dumped] {
      #expect(!text.contains("hunter2"))
    }
  }

  private func bytes(_ hexadecimal: String) -> [UInt8] {
    stride(from: 0, to: hexadecimal.count, by: 2).compactMap {
      UInt8(hexadecimal.dropFirst($0).prefix(2), radix: 16)
    }
  }
}
