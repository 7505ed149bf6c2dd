import Foundation
import Glibc
import KubeClient
import Logging
import Synchronization

/// An HTTP server that answers what a test says, byte by byte: for what a real API server cannot be made to do.
final class ScriptedServer: Sendable {
  struct Request: Sendable {
    var line: String
    var headers: [String: String]
    var body: String
  }

  enum Step: Sendable {
    /// Writes these bytes.
    case send(String)
    /// Waits until the client closes the connection, and notes that it did.
    case awaitClose
    /// Closes the connection.
    case close
  }

  let port: Int
  private let descriptor: CInt
  private let received = Mutex<[Request]>([])
  private let closedByClient = Mutex(0)

  /// `script` gives the steps for the nth request, counted from 0.
  init(_ script: @escaping @Sendable (Int, Request) -> [Step]) throws {
    (descriptor, port) = try Sockets.listen()
    Sockets.accept(on: descriptor) { [weak self] connection in
      Thread.detachNewThread { [weak self] in
        self?.serve(connection, script)
        Glibc.close(connection)
      }
    }
  }

  deinit { Sockets.end(descriptor) }

  /// What was asked so far.
  var requests: [Request] { received.withLock { $0 } }
  /// How often a client closed a connection that waited for it.
  var clientCloses: Int { closedByClient.withLock { $0 } }

  /// A client of this server.
  func client(
    credentials: KubeConfiguration.Credentials = .none, _ adjust: (inout KubeClientSettings) -> Void = { _ in }
  ) throws -> KubeClient {
    var settings = KubeClientSettings(userAgent: "tidemark/test")
    adjust(&settings)
    return try KubeClient(
      configuration: KubeConfiguration(
        server: .init(url: "http://127.0.0.1:\(port)", from: "test"), credentials: credentials, source: "test"),
      settings: settings, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  private func serve(_ connection: CInt, _ script: (Int, Request) -> [Step]) {
    var buffer: [UInt8] = []
    while let request = next(connection, &buffer) {
      let index = received.withLock { requests in
        requests.append(request)
        return requests.count - 1
      }
      for step in script(index, request) {
        switch step {
        case .send(let text): Sockets.write(connection, text.utf8)
        case .close: return
        case .awaitClose:
          while !Sockets.read(connection).isEmpty {}
          closedByClient.withLock { $0 += 1 }
          return
        }
      }
    }
  }

  private func next(_ connection: CInt, _ buffer: inout [UInt8]) -> Request? {
    let separator = Array("\r\n\r\n".utf8)
    while true {
      if let end = buffer.firstRange(of: separator) {
        let lines = String(decoding: buffer[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
          let parts = line.split(separator: ":", maxSplits: 1)
          headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        if buffer.count >= end.upperBound + length {
          let body = String(decoding: buffer[end.upperBound..<end.upperBound + length], as: UTF8.self)
          buffer.removeFirst(end.upperBound + length)
          return Request(line: lines[0], headers: headers, body: body)
        }
      }
      let bytes = Sockets.read(connection)
      guard !bytes.isEmpty else { return nil }
      buffer += bytes
    }
  }

  /// A whole answer.
  static func answer(_ status: String, _ body: String, headers: [String] = []) -> Step {
    let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers
    return .send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
  }

  /// The head of a watch.
  static let watchHead = Step.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
  /// The end of a watch.
  static let watchEnd = Step.send("0\r\n\r\n")

  /// A piece of a watch.
  static func chunk(_ text: String) -> Step {
    .send(String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n")
  }
}
