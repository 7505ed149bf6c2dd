import Foundation
import KubeModel
import NIOCore

/// One request to the API server, before it knows of connections and credentials.
struct APIRequest: Sendable {
  /// The methods of HTTP that the API has verbs for.
  enum Method: String, Sendable, Hashable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
  }

  /// The bodies that the API takes.
  enum ContentType: String, Sendable, Hashable {
    case json = "application/json"
    case apply = "application/apply-patch+yaml"
    case jsonPatch = "application/json-patch+json"
    case mergePatch = "application/merge-patch+json"
  }

  struct Body: Sendable {
    var type: ContentType
    var bytes: ByteBuffer
  }

  /// The verb and its object for errors: `get secrets default/x`.
  var operation: String
  var method: Method
  /// Below the server's base path, percent-encoded.
  var path: String
  var query: [(name: String, value: String)] = []
  var body: Body?
  var repetition: Repeating.Kind
  var timeout: Duration
  /// The most bytes that an answer may have.
  var answerLimit: Int

  /// Path and query as they stand in the request line.
  var target: String {
    guard !query.isEmpty else { return path }
    let items = query.map { "\(Self.encode($0.name))=\(Self.encode($0.value))" }
    return "\(path)?\(items.joined(separator: "&"))"
  }

  mutating func add(_ name: String, _ value: String?) {
    if let value, !value.isEmpty { query.append((name, value)) }
  }

  /// Percent-encodes all but RFC 3986's unreserved characters.
  static func encode(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        bytes.append(byte)
      default:
        let digits = Array("0123456789ABCDEF".utf8)
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension APIRequest {
  /// A request about objects of a kind, or one of them.
  ///
  /// Throws `KubeError.invalidRequest` where a name would change the meaning of the path: an empty name would turn the
  /// deletion of one object into that of all.
  static func about<R: KubeResource>(
    _ type: R.Type, _ verb: String, _ method: Method, namespace: String?, name: Name,
    subresource: Subresource? = nil, repetition: Repeating.Kind, settings: KubeClientSettings
  ) throws -> APIRequest {
    let resource = R.resource
    var path = resource.group.isEmpty ? "/api/\(resource.version)" : "/apis/\(resource.group)/\(resource.version)"
    var object = resource.qualifiedPlural + (subresource.map { "/\($0.rawValue)" } ?? "")
    if resource.scope == .namespaced, let namespace {
      path += "/namespaces/\(try segment(namespace, "namespace"))"
      object += " \(namespace)"
    }
    path += "/\(resource.plural)"
    if case .object(let name) = name {
      guard resource.scope == .cluster || namespace != nil else {
        throw KubeError.invalidRequest("\(verb) \(object) '\(name)' needs a namespace")
      }
      path += "/\(try segment(name, "name"))"
      object += resource.scope == .cluster ? " \(name)" : "/\(name)"
    }
    if let subresource { path += "/\(subresource.rawValue)" }
    return APIRequest(
      operation: "\(verb) \(object)", method: method, path: path, repetition: repetition,
      timeout: settings.requestTimeout, answerLimit: settings.objectLimit)
  }

  /// Whether a request is about one object or about the collection.
  enum Name: Sendable {
    case collection
    case object(String)
  }

  private static func segment(_ text: String, _ what: String) throws -> String {
    guard !text.isEmpty, text != ".", text != "..", !text.contains("/"), !text.contains("%") else {
      throw KubeError.invalidRequest("'\(text)' is no \(what): it must not be empty, '.', '..', or hold '/' or '%'")
    }
    return encode(text)
  }
}
