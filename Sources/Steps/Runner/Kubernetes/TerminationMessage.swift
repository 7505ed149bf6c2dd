import Foundation
import TidemarkAPI

/// A step's result as its pod leaves it: in the container's termination message, of which the kubelet keeps 4096 bytes.
///
/// A failure's message is cut to fit. A product that does not fit is written to the end of the pod's log, and the
/// message says how long it is and what its digest is.
package enum TerminationMessage: Equatable, Sendable {
  /// The result itself.
  case result(StepResult)
  /// The result is in the log.
  case inLog(Pointer)

  /// What tells a whole result in a log from one that was cut short.
  package struct Pointer: Codable, Equatable, Sendable {
    /// Its length.
    package var bytes: Int
    /// Its SHA-256.
    package var sha256: String

    /// How many of the log's last lines surely hold it: its own, and some that others wrote meanwhile.
    package var tailLines: Int { bytes * 4 / 3 / TerminationMessage.lineLength + 200 }
  }

  private struct Envelope: Codable {
    var inLog: Pointer
  }

  /// How many bytes the kubelet keeps (`pkg/kubelet/container/runtime.go`, MaxContainerTerminationMessageLength).
  package static let limit = 4096
  private static let lineLength = 8000
  private static let linePrefix = "tidemark-result "

  /// The message, and what has to stand in the log before it is written.
  package static func encode(_ result: StepResult) throws -> (message: [UInt8], log: String?) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let whole = try encoder.encode(result)
    guard whole.count > limit else { return (Array(whole), nil) }
    for length in [3000, 1500, 500] {
      guard let cut = result.cut(to: length) else { break }
      let bytes = try encoder.encode(cut)
      if bytes.count <= limit { return (Array(bytes), nil) }
    }
    let pointer = Pointer(bytes: whole.count, sha256: digest(whole))
    return (Array(try encoder.encode(Envelope(inLog: pointer))), lines(whole))
  }

  /// What a termination message says; nil where it is none of a step.
  package static func decode(_ text: String?) -> TerminationMessage? {
    guard let text else { return nil }
    let data = Data(text.utf8)
    if let result = try? JSONDecoder().decode(StepResult.self, from: data) { return .result(result) }
    return (try? JSONDecoder().decode(Envelope.self, from: data)).map { .inLog($0.inLog) }
  }

  /// The result that `pointer` speaks of, out of the end of a log; nil where it is not there whole.
  package static func result(in log: String, _ pointer: Pointer) -> StepResult? {
    let text = log.split(separator: "\n").filter { $0.hasPrefix(linePrefix) }.map { $0.dropFirst(linePrefix.count) }
      .joined()
    guard let data = Data(base64Encoded: text), data.count == pointer.bytes, digest(data) == pointer.sha256
    else { return nil }
    return try? JSONDecoder().decode(StepResult.self, from: data)
  }

  private static func lines(_ data: Data) -> String {
    let text = Array(data.base64EncodedString().utf8)
    return stride(from: 0, to: text.count, by: lineLength)
      .map { linePrefix + String(decoding: text[$0..<min($0 + lineLength, text.count)], as: UTF8.self) + "\n" }.joined()
  }

  private static func digest(_ data: Data) -> String { Fingerprint.of([Array(data)]) }
}

extension StepResult {
  /// The same with its failure's message cut to `length` characters; nil for what did not fail.
  fileprivate func cut(to length: Int) -> StepResult? {
    func cut(_ failure: FailureStatus) -> FailureStatus {
      guard failure.message.utf8.count > length else { return failure }
      return FailureStatus(code: failure.code, message: "\(failure.message.prefix(length))…")
    }
    switch self {
    case .done: return nil
    case .failed(let failure): return .failed(cut(failure))
    case .tryAgain(let failure): return .tryAgain(cut(failure))
    }
  }

  /// Leaves the result where the kubelet finds it: in `file`, which is there, and what does not fit in this process'
  /// standard output. Throws a ``StepError`` where it can't be written.
  public func leave(inTerminationMessage file: String) throws {
    let (message, log) = try TerminationMessage.encode(self)
    if let log { try FileHandle.standardOutput.write(contentsOf: Data(log.utf8)) }
    // The file is a mount of its own: it can't be replaced, so it is written in place.
    guard let handle = FileHandle(forWritingAtPath: file) else { throw StepError.system("open", file) }
    try handle.truncate(atOffset: 0)
    try handle.write(contentsOf: Data(message))
    try handle.close()
  }
}
