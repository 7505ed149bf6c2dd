import NIOCore
import ObjectStore
import Repository

/// A snapshot of one flat directory, made without the archiver: for tests of what lies under it.
enum HandMadeSnapshot {
  /// Saves files, each in pieces of `piece` bytes, a tree, and a snapshot of it.
  static func save(
    _ files: [String: ByteBuffer], in repository: Repository, piece: Int = 1 << 20, tags: [String] = []
  ) async throws -> Snapshot {
    let writer = try await repository.blobWriter()
    var nodes: [String] = []
    for (name, content) in files.sorted(by: { $0.key < $1.key }) {
      var rest = content
      var ids: [String] = []
      while let slice = rest.readSlice(length: min(piece, rest.readableBytes)), slice.readableBytes > 0 {
        ids.append("\"\(try await writer.save(.data, slice).id)\"")
      }
      nodes.append(node(name, size: content.readableBytes, content: ids))
    }
    let tree = try await writer.save(.tree, ByteBuffer(string: "{\"nodes\":[\(nodes.joined(separator: ","))]}\n"))
    try await writer.flush()
    await writer.close()
    return try await repository.saveSnapshot(
      Snapshot(time: .now, tree: tree.id, paths: ["/hand/made"], hostname: "tests", username: "tests", tags: tags))
  }

  /// A regular file, with its fields in the order in which restic writes them.
  private static func node(_ name: String, size: Int, content: [String]) -> String {
    let time = "\"2024-02-29T12:00:00.5Z\""
    return "{\"name\":\"\(name)\",\"type\":\"file\",\"mode\":420,\"mtime\":\(time),\"atime\":\(time),\"ctime\":\(time),"
      + "\"uid\":0,\"gid\":0,\"user\":\"root\",\"group\":\"root\",\"inode\":1,\"device_id\":1,\"size\":\(size),"
      + "\"links\":1,\"content\":[\(content.joined(separator: ","))]}"
  }
}
