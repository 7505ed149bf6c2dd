import NIOCore
import NIOPosix
import ObjectStore
import Synchronization

/// An HTTP server that answers as a test says: for answers that the real server cannot be made to give.
final class ScriptedServer: Sendable {
  /// What a request gets: status line, headers and body.
  struct Answer: Sendable {
    var status = "200 OK"
    var headers: [String: String] = [:]
    var body = ""

    static func error(_ status: String, _ code: String, headers: [String: String] = [:]) -> Answer {
      Answer(status: status, headers: headers, body: "<Error><Code>\(code)</Code><Message>m</Message></Error>")
    }
  }

  private let log = Mutex<[String]>([])
  private let script: @Sendable (_ request: String, _ number: Int) -> Answer
  private let listener = Mutex<(any Channel)?>(nil)
  let port: Int

  /// The request lines that came, in order.
  var requests: [String] { log.withLock { $0 } }

  /// Runs `body` with a store whose server answers by `script`, which is given the request line and its number from 0.
  static func with(
    attempts: Int = 10, _ script: @escaping @Sendable (_ request: String, _ number: Int) -> Answer,
    _ body: (S3Store, ScriptedServer) async throws -> Void
  ) async throws {
    let bound = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let server = ScriptedServer(port: bound.channel.localAddress?.port ?? 0, script)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await withThrowingDiscardingTaskGroup { connections in
          try await bound.executeThenClose { incoming in
            for try await connection in incoming {
              connections.addTask { try? await server.serve(connection) }
            }
          }
        }
      }
      var configuration = S3Configuration(
        endpoint: try S3Endpoint(url: "http://127.0.0.1:\(server.port)", region: "us-east-1"), bucket: "bucket")
      configuration.partSize = 5 << 20
      configuration.retry.attempts = attempts
      configuration.retry.firstDelay = .milliseconds(5)
      try await S3Store.with(configuration, S3Credentials(accessKeyID: "a", secretAccessKey: "s")) {
        try await body($0, server)
      }
      group.cancelAll()
    }
  }

  private init(port: Int, _ script: @escaping @Sendable (String, Int) -> Answer) {
    self.port = port
    self.script = script
  }

  /// One request a connection.
  private func serve(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async throws {
    try await connection.executeThenClose { incoming, outgoing in
      var text = ByteBuffer()
      for try await var piece in incoming {
        text.writeBuffer(&piece)
        guard let head = Self.head(of: text), text.readableBytes >= head.length else { continue }
        let answer = respond(to: head.line)
        let headers = answer.headers.map { "\($0.key): \($0.value)\r\n" }.joined()
        let body = head.line.hasPrefix("HEAD") ? "" : answer.body
        try await outgoing.write(
          ByteBuffer(
            string: "HTTP/1.1 \(answer.status)\r\nContent-Length: \(answer.body.utf8.count)\r\n"
              + "Connection: close\r\n\(headers)\r\n\(body)"))
        return
      }
    }
  }

  private func respond(to line: String) -> Answer {
    let number = log.withLock { log in
      log.append(line)
      return log.count - 1
    }
    return script(line, number)
  }

  /// The request line, and the bytes of the whole request; nil before the head has come.
  private static func head(of text: ByteBuffer) -> (line: String, length: Int)? {
    let bytes = Array(text.readableBytesView.prefix(8_192))
    guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: "\r\n\r\n".utf8) }) else { return nil }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
    let length = lines.first { $0.lowercased().hasPrefix("content-length:") }?.split(separator: " ").last
    return (String(lines[0]), end + 4 + (length.flatMap { Int($0) } ?? 0))
  }
}
