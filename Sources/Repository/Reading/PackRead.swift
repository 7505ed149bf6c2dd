/// A blob that is wanted, and where it lies.
public struct WantedBlob: Sendable, Hashable {
  /// Its name.
  public let id: BlobID
  /// Where it lies.
  public let location: BlobLocation
}

/// A part of one pack to be read at once, with all blobs in it that are wanted, in the order of their offsets.
public struct PackRead: Sendable, Hashable {
  /// The pack.
  public let pack: PackID
  /// The blobs, each once.
  public private(set) var blobs: [WantedBlob]

  /// The bytes from the first blob to the end of the last.
  public var range: Range<Int64> {
    blobs[0].location.range.lowerBound..<blobs[blobs.count - 1].location.range.upperBound
  }

  /// Bytes to be fetched.
  public var byteCount: Int { Int(range.upperBound - range.lowerBound) }

  /// Reads for all `blobs`: neighbours in a pack are read together when at most `gap` bytes lie between them, and as
  /// long as a read stays below `limit` bytes. Reads come in the order in which `blobs` first needs them, so that whoever
  /// writes files in order gets them about in order.
  package static func plan(_ blobs: some Sequence<WantedBlob>, gap: Int = 128 << 10, limit: Int = 2 << 20) -> [PackRead]
  {
    var order: [PackID] = []
    var byPack: [PackID: [WantedBlob]] = [:]
    for blob in blobs {
      if byPack[blob.location.pack]?.append(blob) == nil {
        order.append(blob.location.pack)
        byPack[blob.location.pack] = [blob]
      }
    }
    return order.flatMap { pack in reads(of: pack, byPack[pack] ?? [], gap: gap, limit: limit) }
  }

  private static func reads(of pack: PackID, _ blobs: [WantedBlob], gap: Int, limit: Int) -> [PackRead] {
    var reads: [PackRead] = []
    for blob in blobs.sorted(by: { $0.location.offset < $1.location.offset }) {
      guard var last = reads.popLast() else {
        reads.append(PackRead(pack: pack, blobs: [blob]))
        continue
      }
      let range = blob.location.range
      if last.blobs[last.blobs.count - 1].id == blob.id {
        reads.append(last)
      } else if range.lowerBound - last.range.upperBound <= Int64(gap),
        range.upperBound - last.range.lowerBound <= Int64(limit)
      {
        last.blobs.append(blob)
        reads.append(last)
      } else {
        reads.append(last)
        reads.append(PackRead(pack: pack, blobs: [blob]))
      }
    }
    return reads
  }
}
