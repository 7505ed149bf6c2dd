import KubeModel

/// An object as it is sent: with the `apiVersion` and `kind` that its Swift type knows.
struct WireObject<R: KubeResource>: Encodable {
  let object: R

  private enum CodingKeys: String, CodingKey { case apiVersion, kind }

  func encode(to encoder: any Encoder) throws {
    try object.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(R.resource.apiVersion, forKey: .apiVersion)
    try container.encode(R.resource.kind, forKey: .kind)
  }
}

/// A status as it is applied: nothing else of the object, so that nothing else comes to belong to the field manager.
struct WireStatus<Status: Encodable>: Encodable {
  let apiVersion: String
  let kind: String
  let metadata: ObjectMeta
  let status: Status
}

/// `DeleteOptions` as they are sent.
struct WireDeleteOptions: Encodable {
  struct Preconditions: Encodable {
    let uid: String?
    let resourceVersion: String?
  }

  let apiVersion = "v1"
  let kind = "DeleteOptions"
  let preconditions: Preconditions?
  let propagationPolicy: DeleteOptions.Propagation?
  let gracePeriodSeconds: Int?

  init(_ options: DeleteOptions) {
    preconditions =
      options.uid == nil && options.resourceVersion == nil
      ? nil : Preconditions(uid: options.uid, resourceVersion: options.resourceVersion)
    propagationPolicy = options.propagation
    gracePeriodSeconds = options.gracePeriodSeconds
  }
}

/// The answer to a deletion: a `Status` where the object is gone, else the object.
struct WireDeleteAnswer<R: KubeResource>: Decodable {
  let outcome: DeleteOutcome<R>

  private enum CodingKeys: String, CodingKey { case kind, apiVersion }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if try container.decodeIfPresent(String.self, forKey: .kind) == "Status", R.resource.kind != "Status" {
      outcome = .deleted
    } else if let object = try? R(from: decoder) {
      outcome = .accepted(object)
    } else {
      // The deletion was accepted; that its answer does not fit the type makes it no failure.
      outcome = .deleted
    }
  }
}

/// An object of which only the metadata are read.
struct MetadataOnly<R: KubeResource>: KubeResource {
  static var resource: ResourceDescription { R.resource }
  var metadata: ObjectMeta
}
