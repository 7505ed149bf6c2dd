import NIOCore
import ObjectStore
import Repository
import Testing

@Suite("Trees as restic writes them")
struct TreeTests {
  private let id = BlobID(SHA256Digest(hashing: ByteBuffer(string: "x")))

  @Test("a tree is the JSON that Go's encoder makes of it, byte for byte")
  func exact() throws {
    let attributes = NodeAttributes(
      mode: 0o4755, modified: UnixTime(seconds: 1_393_200_000, nanoseconds: 120_000_000), userID: 1000, groupID: 100,
      userName: "fd0", groupName: "users", inode: 42, links: 1,
      extendedAttributes: [ExtendedAttribute(name: "user.a", value: [0, 255, 16, 1])])
    var encoder = TreeEncoder()
    encoder.append(Node(name: "a<b\"\\\u{E9}", kind: .file(size: 7, content: [id]), attributes: attributes))
    encoder.append(
      Node(
        name: "b", kind: .directory(subtree: id),
        attributes: NodeAttributes(mode: 0o1777, modified: UnixTime(seconds: -1, nanoseconds: 5))))
    let time = "\"2014-02-24T00:00:00.12Z\""
    let before = "\"1969-12-31T23:59:59.000000005Z\""
    #expect(
      String(buffer: encoder.finish()) == #"{"nodes":[{"name":"a\u003cb\\\"\\\\é","type":"file","mode":8389101,"#
        + #""mtime":\#(time),"atime":\#(time),"ctime":\#(time),"uid":1000,"gid":100,"user":"fd0","group":"users","#
        + #""inode":42,"size":7,"links":1,"extended_attributes":[{"name":"user.a","value":"AP8QAQ=="}],"#
        + #""content":["\#(id)"]},{"name":"b","type":"dir","mode":2148532735,"mtime":\#(before),"atime":\#(before),"#
        + #""ctime":\#(before),"uid":0,"gid":0,"content":null,"subtree":"\#(id)"}]}"# + "\n")
  }

  @Test("any bytes can be a name, and come back as they were")
  func names() throws {
    var generator = SplitMix(state: 7)
    var names = Set<ByteString>(["\u{200B}", "日本", "a\nb", "\"", "\\", "\u{7F}", "é", "\u{1F600}"])
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
        UInt8.random(in: 1...255, using: &generator)
      }
      if !bytes.contains(0x2F) { names.insert(ByteString(bytes)) }
    }
    let sorted = names.sorted()
    var encoder = TreeEncoder()
    let attributes = NodeAttributes(mode: 0o644, modified: UnixTime(seconds: 0))
    for name in sorted { encoder.append(Node(name: name, kind: .symlink(target: name), attributes: attributes)) }
    let nodes = try TreeDecoder.decode(encoder.finish())
    #expect(nodes.map(\.name) == sorted)
    #expect(nodes.map(\.kind) == sorted.map { .symlink(target: $0) })
  }

  @Test("fields that are not known are passed over, and times of any zone are understood")
  func tolerant() throws {
    let nodes = try TreeDecoder.decode(
      ByteBuffer(
        string:
          #"{"later":[{"a":1}],"nodes":[{"generic_attributes":{"x":[1,"}"]},"name":"a","type":"dev","mode":67109248,"#
          + #""mtime":"2014-12-22T14:47:59.912418701+01:00","atime":"2014-12-22T14:47:59Z","ctime":"2014-12-22T14:47:59-02:30","#
          + #""uid":0,"gid":0,"device":2049,"content":null}], "more": null }"#))
    let node = try #require(nodes.first)
    #expect(node.kind == .blockDevice(2049))
    #expect(node.attributes.mode == 0o600)
    #expect(node.attributes.modified == UnixTime(seconds: 1_419_256_079, nanoseconds: 912_418_701))
    #expect(node.attributes.changed == UnixTime(seconds: 1_419_268_679))
  }

  @Test(
    "what is no tree is an error that says so",
    arguments: [
      "", "[", "{\"nodes\":[{}]}", "{\"nodes\":[{\"name\":\"a\",\"type\":\"dir\"}]}", "{\"nodes\":[{\"name\":\"a",
      "{\"nodes\":[{\"name\":\"\\\\q\",\"type\":\"file\"}]}", "{\"nodes\":[{\"name\":\"a\",\"mtime\":\"yesterday\"}]}",
    ])
  func broken(_ json: String) {
    #expect(throws: RepositoryError.self) { try TreeDecoder.decode(ByteBuffer(string: json)) }
  }

  @Test("20,000 nodes are written and read within a second")
  func speed() throws {
    let begin = ContinuousClock.now
    var encoder = TreeEncoder(capacity: 20_000)
    let attributes = NodeAttributes(
      mode: 0o644, modified: .now, userName: "root", groupName: "root", inode: 7, links: 1)
    for number in 100_000..<120_000 {
      encoder.append(
        Node(name: ByteString("file-\(number)"), kind: .file(size: 9, content: [id, id]), attributes: attributes))
    }
    let json = encoder.finish()
    let written = ContinuousClock.now
    #expect(try TreeDecoder.decode(json).count == 20_000)
    print(
      "trees: \(json.readableBytes >> 10) KiB written in \(written - begin), read in \(ContinuousClock.now - written)")
    #expect(ContinuousClock.now - begin < .seconds(1))
  }
}
