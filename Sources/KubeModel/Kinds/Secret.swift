public import struct Foundation.Data

/// A Secret. Its description is redacted, so that none reaches a log by accident.
public struct Secret: KubeResource, Hashable {
  public static let resource = ResourceDescription(group: "", version: "v1", kind: "Secret", plural: "secrets")

  public var metadata: ObjectMeta
  /// The type, for example `Opaque`.
  public var type: String?
  /// True where the server refuses changes.
  public var immutable: Bool?
  /// The fields, decoded from base64.
  public var data: [String: Data]

  /// A Secret with these fields.
  public init(metadata: ObjectMeta, type: String? = nil, data: [String: Data] = [:], immutable: Bool? = nil) {
    self.metadata = metadata
    self.type = type
    self.data = data
    self.immutable = immutable
  }

  /// A Secret whose fields are texts.
  public init(metadata: ObjectMeta, type: String? = nil, strings: [String: String]) {
    self.init(metadata: metadata, type: type, data: strings.mapValues { Data($0.utf8) })
  }

  /// A field as text; nil where it is absent or not UTF-8.
  public func string(_ field: String) -> String? {
    data[field].flatMap { String(bytes: $0, encoding: .utf8) }
  }

  private enum CodingKeys: String, CodingKey { case metadata, type, immutable, data }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    metadata = try container.decode(ObjectMeta.self, forKey: .metadata)
    type = try container.decodeNonEmpty(.type)
    immutable = try container.decodeIfPresent(Bool.self, forKey: .immutable)
    let encoded = try container.decodeIfPresent([String: String].self, forKey: .data) ?? [:]
    data = try encoded.mapValues { text in
      guard let bytes = Data(base64Encoded: text) else {
        throw DecodingError.dataCorruptedError(
          forKey: .data, in: container, debugDescription: "a field of the Secret is not base64")
      }
      return bytes
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(metadata, forKey: .metadata)
    try container.encodeIfPresent(type, forKey: .type)
    try container.encodeIfPresent(immutable, forKey: .immutable)
    if !data.isEmpty { try container.encode(data.mapValues { $0.base64EncodedString() }, forKey: .data) }
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "Secret \(key) (fields \(data.keys.sorted()), values redacted)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["key": "\(key)", "data": "<redacted>"]) }
}
