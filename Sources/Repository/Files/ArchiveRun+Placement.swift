import NIOCore
import NIOPosix

/// Where a local directory's entries lie in its snapshot, and where they lay in the parent's.
extension ArchiveRun {
  typealias Place = (
    place: (parent: PendingDirectory, slot: Int)?, description: (name: ByteString, attributes: NodeAttributes)?
  )

  func placement(of path: ByteString, in parent: Snapshot?) async throws -> (Place, previous: BlobID?) {
    switch options.placement {
    case .atRoot: return ((nil, nil), parent?.tree)
    case .atItsPath:
      guard path.bytes.first == UInt8(ascii: "/"), path.components.allSatisfy(\.isSafeName) else {
        throw RepositoryError(
          .invalidRequest, "'\(path)' is not an absolute path without '..'; a snapshot that keeps the path needs one")
      }
      return (try await chain(to: path.components), try await previous(at: path.components, in: parent))
    }
  }

  /// Directories of one entry each, from the root to above `components`.
  private func chain(to components: [ByteString]) async throws -> Place {
    var place: Place = (nil, nil)
    var path = ByteString("/")
    for name in components {
      let directory = PendingDirectory(count: 1, place: place.place, description: place.description, local: nil)
      path = path.appending(name)
      let attributes = try await threads.runIfActive { [accounts, path] in
        let local = try LocalDirectory(path: path)
        let status = try FileStatus.of(local.descriptor.number, path: path)
        return status.attributes(names: accounts, extended: ExtendedAttribute.all(of: local.descriptor.number))
      }
      place = ((directory, 0), (name, attributes))
    }
    return place
  }

  private func previous(at components: [ByteString], in parent: Snapshot?) async throws -> BlobID? {
    guard var tree = parent?.tree else { return nil }
    for name in components {
      let nodes = try TreeDecoder.decode(try await repository.loadBlob(.tree, tree))
      guard let node = nodes.first(where: { $0.name == name }), case .directory(let subtree) = node.kind else {
        return nil
      }
      tree = subtree
    }
    return tree
  }
}
