import Foundation
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("A step's result in its pod's termination message")
struct TerminationMessageTests {
  @Test("a result that fits is the message")
  func fits() throws {
    for result in [StepResult.done(.nothing), .failed(FailureStatus(code: "AccessDenied", message: "no"))] {
      let (message, log) = try TerminationMessage.encode(result)
      #expect(log == nil)
      #expect(TerminationMessage.decode(String(decoding: message, as: UTF8.self)) == .result(result))
    }
  }

  @Test("a failure that is too long is cut, and keeps its code", arguments: ["x", "ü", "\u{1}"])
  func cut(_ letter: String) throws {
    let long = FailureStatus(code: "LoadFailed", message: String(repeating: letter, count: 20_000))
    let (message, log) = try TerminationMessage.encode(.tryAgain(long))
    #expect(log == nil && message.count <= TerminationMessage.limit)
    guard case .result(.tryAgain(let failure)) = TerminationMessage.decode(String(decoding: message, as: UTF8.self))
    else { throw TestFailed("it is to be tried again") }
    #expect(failure.code == "LoadFailed" && failure.message.hasSuffix("…") && failure.message.count > 400)
  }

  @Test("a product that is too long is in the log, between what others write there, and is taken whole or not at all")
  func inLog() throws {
    let product = DiscoveryProduct(
      storedBytes: 5, otherNamespaces: (0..<3000).map { "namespace-\($0)" })
    let (message, log) = try TerminationMessage.encode(.done(.discovered(product)))
    #expect(message.count <= TerminationMessage.limit)
    guard case .inLog(let pointer) = TerminationMessage.decode(String(decoding: message, as: UTF8.self)) else {
      throw TestFailed("the message tells of the log")
    }
    let lines = try #require(log).split(separator: "\n").map(String.init)
    #expect(lines.count > 1 && lines.count < pointer.tailLines)
    let mixed = (["starting"] + lines.flatMap { [$0, "info: 1"] } + ["done"]).joined(separator: "\n")
    #expect(TerminationMessage.result(in: mixed, pointer) == .done(.discovered(product)))
    #expect(TerminationMessage.result(in: lines.dropLast().joined(separator: "\n"), pointer) == nil)
  }

  @Test("the end of a log is no result")
  func noResult() {
    for text in [nil, "", "Fatal error: out of memory\n", "{}", #"{"inLog": 5}"#] {
      #expect(TerminationMessage.decode(text) == nil)
    }
  }

  @Test("the message is written into the file that is there, which can't be replaced")
  func inPlace() throws {
    let scratch = try ScratchDirectory("message")
    let file = scratch.file("log")
    try "what stood there before, and was longer than the result will be ever ever".write(
      toFile: file, atomically: false, encoding: .utf8)
    let before = try FileManager.default.attributesOfItem(atPath: file)[.systemFileNumber] as? Int
    try StepResult.done(.nothing).leave(inTerminationMessage: file)
    #expect(try FileManager.default.attributesOfItem(atPath: file)[.systemFileNumber] as? Int == before)
    #expect(
      TerminationMessage.decode(try String(contentsOfFile: file, encoding: .utf8)) == .result(.done(.nothing)))
    #expect(throws: StepError.self) { try StepResult.done(.nothing).leave(inTerminationMessage: "\(file)-absent") }
    scratch.remove()
  }
}
