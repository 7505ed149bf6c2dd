import Foundation
import Synchronization
import Testing

/// A program that a test runs to its end.
struct Program {
  let path: String
  var arguments: [String]
  var environment: [String: String] = [:]

  struct Outcome {
    let status: Int32
    let output: String
  }

  /// Both outputs together, and the exit status.
  func run() async throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    let ended = AsyncStream<Int32> { continuation in
      process.terminationHandler = {
        continuation.yield($0.terminationReason == .exit ? $0.terminationStatus : 128 + $0.terminationStatus)
        continuation.finish()
      }
    }
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    var status: Int32 = -1
    for await value in ended { status = value }
    return Outcome(status: status, output: String(decoding: output, as: UTF8.self))
  }
}
