internal import NIOCore
internal import NIOHTTP1

extension S3Store {
  /// Frees what multipart uploads below `prefix` took that began longer ago than `age` and never ended: a put aborts its
  /// own upload when it fails, but not when its process dies. Gives their number.
  ///
  /// `age` must be longer than any upload that is still under way may take.
  @discardableResult
  public func abortUploads(prefix: String, olderThan age: Duration) async throws -> Int {
    var aborted = 0
    var marker: (key: String, upload: String)?
    repeat {
      var query = [("uploads", ""), ("prefix", prefix), ("encoding-type", "url")]
      if let marker { query += [("key-marker", marker.key), ("upload-id-marker", marker.upload)] }
      let answer = try await transport.document(S3Request("list", .GET, query: query))
      guard let document = try? XMLNode(document: answer.body.readableBytesView) else {
        throw ObjectStoreError(
          .server, operation: "list", key: prefix, message: "the server's list of uploads cannot be understood")
      }
      let isEncoded = document["EncodingType"] == "url"
      for upload in document.all("Upload") {
        guard let name = upload["Key"], let key = isEncoded ? PercentEncoding.decode(name) : name,
          let id = upload["UploadId"], let begun = upload["Initiated"].flatMap({ UnixTime(iso8601: $0) }),
          UnixTime.now.duration(since: begun) >= age
        else { continue }
        try await abort(key, id)
        aborted += 1
      }
      marker = nextMarker(document, isEncoded: isEncoded)
    } while marker != nil
    return aborted
  }

  private func nextMarker(_ document: XMLNode, isEncoded: Bool) -> (key: String, upload: String)? {
    guard document["IsTruncated"] == "true", let name = document["NextKeyMarker"],
      let key = isEncoded ? PercentEncoding.decode(name) : name
    else { return nil }
    return (key, document["NextUploadIdMarker"] ?? "")
  }

  private func abort(_ key: String, _ id: String) async throws {
    do {
      _ = try await transport.document(S3Request("delete", .DELETE, key: key, query: [("uploadId", id)]))
    } catch let error as ObjectStoreError where error.code == .notFound || error.code == .server {
      // It ended by itself meanwhile.
      return
    }
  }
}
