import KubeModel
import TidemarkAPI

/// The API's names of a destination's fields, where they differ from the resource's.
enum DestinationFields {
  static let names = ["accountId": "account_id", "addressingStyle": "addressing_style"]

  /// The fields of a new destination.
  struct Creation {
    var name = ""
    var spec: BackupDestinationSpec
    var accessKey = ""
    var secretKey = ""

    /// Reads the body of a creation; throws a 400 that names all that is wrong with it.
    init(_ body: inout BodyReader) throws {
      let provider = body.requiredText("provider", .word(of: ObjectStoreProvider.self))
      let bucket = body.requiredText("bucket", .bucket)
      name = body.requiredText("name", .name) ?? ""
      accessKey = body.requiredText("access_key", .visible(upTo: 128)) ?? ""
      secretKey = body.requiredText("secret_key", .visible(upTo: 256)) ?? ""
      spec = BackupDestinationSpec(
        provider: provider.flatMap { ObjectStoreProvider(rawValue: $0) } ?? .s3, bucket: bucket ?? "",
        credentials: DestinationCredentials(secretName: ""))
      spec.prefix = body.text("prefix", .prefix) ?? ""
      spec.region = body.text("region", .region)
      spec.endpoint = body.text("endpoint", .endpoint)
      spec.accountId = body.text("account_id", .account)
      spec.jurisdiction = body.text("jurisdiction", .jurisdiction)
      spec.addressingStyle = body.word("addressing_style", AddressingStyle.self) ?? .auto
      spec.suspend = !(body.bool("enabled") ?? true)
      try body.finish()
    }
  }

  /// The fields that a change names.
  struct Change {
    var spec: BackupDestinationSpec
    var accessKey: String?
    var secretKey: String?

    /// Reads the body of a change of `destination`; throws a 400 that names all that is wrong with it.
    init(_ body: inout BodyReader, of destination: BackupDestination) throws {
      spec = destination.spec
      if let name = body.text("name", .name), name != destination.metadata.name {
        body.refuse("name", "cannot be changed; create another destination")
      }
      if let provider = body.word("provider", ObjectStoreProvider.self) { spec.provider = provider }
      if let bucket = body.text("bucket", .bucket) { spec.bucket = bucket }
      if let prefix = body.text("prefix", .prefix) { spec.prefix = prefix }
      body.change("region", .region).apply(to: &spec.region)
      body.change("endpoint", .endpoint).apply(to: &spec.endpoint)
      body.change("account_id", .account).apply(to: &spec.accountId)
      body.change("jurisdiction", .jurisdiction).apply(to: &spec.jurisdiction)
      if let style = body.word("addressing_style", AddressingStyle.self) { spec.addressingStyle = style }
      if let enabled = body.bool("enabled") { spec.suspend = !enabled }
      accessKey = body.text("access_key", .visible(upTo: 128))
      secretKey = body.text("secret_key", .visible(upTo: 256))
      try body.finish()
    }

    var changesKeys: Bool { accessKey != nil || secretKey != nil }

    /// The change as a merge patch: every field that this API knows, so that one that was removed goes.
    var patch: JSONValue {
      func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
      var patch: [String: JSONValue] = [
        "spec": [
          "provider": .string(spec.provider.rawValue), "bucket": .string(spec.bucket),
          "prefix": spec.prefix.isEmpty ? .null : .string(spec.prefix), "region": text(spec.region),
          "endpoint": text(spec.endpoint), "accountId": text(spec.accountId), "jurisdiction": text(spec.jurisdiction),
          "addressingStyle": .string(spec.addressingStyle.rawValue), "suspend": .bool(spec.suspend),
        ]
      ]
      if let accessKey {
        patch["metadata"] = ["annotations": [MaskedKey.annotation: .string(MaskedKey.mask(accessKey))]]
      }
      return .object(patch)
    }
  }
}
