internal import NIOCore
internal import NIOHTTP1

extension S3Store {
  /// An upload in parts that has neither been completed nor aborted.
  private struct Upload: Hashable {
    let key: String
    let id: String
  }

  /// What one answer to ListMultipartUploads holds.
  private struct UploadPage {
    var uploads: [(upload: Upload, begun: UnixTime)] = []
    /// What the next page comes after; nil on the last.
    var next: Upload?
  }

  /// Aborts uploads in parts that nobody will complete: a put aborts its own when it fails, but not when its process
  /// dies. Time is the server's and ours compared, so `age` has to be large beside what clocks differ by.
  @discardableResult
  public func abortUnfinishedPuts(prefix: String, olderThan age: Duration) async throws -> Int {
    // All are listed before the first is aborted: what a page's marker names may be gone with the page.
    var abandoned: [Upload] = []
    var after: Upload?
    let now = UnixTime.now
    repeat {
      let page = try await uploads(prefix: prefix, after: after)
      abandoned += page.uploads.lazy.filter { now.duration(since: $0.begun) >= age }.map(\.upload)
      after = page.next
    } while after != nil
    for upload in abandoned { try await abort(upload) }
    return abandoned.count
  }

  /// Keys are asked for as they are: Ceph (16) encodes them when told to, but neither says so nor encodes its markers,
  /// so that nobody could tell which form they have.
  private func uploads(prefix: String, after: Upload?) async throws -> UploadPage {
    var query = [("uploads", ""), ("prefix", prefix), ("max-uploads", String(configuration.uploadsAtOnce))]
    if let after { query += [("key-marker", after.key), ("upload-id-marker", after.id)] }
    let answer = try await transport.document(S3Request("list", .GET, query: query))
    func refuse(_ why: String) -> ObjectStoreError {
      ObjectStoreError(
        .server, operation: "list", key: prefix, message: "the server's list of uploads in parts \(why)")
    }
    guard let document = try? XMLNode(document: answer.body.readableBytesView),
      document.name == "ListMultipartUploadsResult"
    else { throw refuse("cannot be understood") }
    var page = UploadPage()
    for node in document.all("Upload") {
      guard let key = node["Key"], let id = node["UploadId"],
        let begun = node["Initiated"].flatMap({ UnixTime(iso8601: $0) })
      else { throw refuse("names one without its key, id or time") }
      page.uploads.append((Upload(key: key, id: id), begun))
    }
    guard document["IsTruncated"] == "true" else { return page }
    guard let key = document["NextKeyMarker"], !key.isEmpty, let id = document["NextUploadIdMarker"] else {
      throw refuse("goes on, but does not say from where")
    }
    page.next = Upload(key: key, id: id)
    guard page.next != after else { throw refuse("does not get any further than '\(key)'") }
    return page
  }

  private func abort(_ upload: Upload) async throws {
    do {
      _ = try await transport.document(
        S3Request("delete", .DELETE, key: upload.key, query: [("uploadId", upload.id)]))
    } catch let error as ObjectStoreError where error.code == .server || error.code == .notFound {
      // It may have ended by itself meanwhile.
      var after: Upload?
      repeat {
        let page = try await uploads(prefix: upload.key, after: after)
        if page.uploads.contains(where: { $0.upload == upload }) { throw error }
        after = page.next
      } while after != nil
    }
  }
}
