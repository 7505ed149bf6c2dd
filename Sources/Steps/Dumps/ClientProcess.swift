import CPosix
import Foundation
import NIOCore
import Subprocess
import SystemPackage

/// One run of a client program of PostgreSQL. It never outlives the call that runs it, but when we are killed ourselves.
struct ClientProcess {
  let program: String
  let arguments: [String]
  let environment: Subprocess.Environment

  /// How a run ended.
  struct Ending {
    /// The exit code; nil where a signal ended it.
    var code: Int32?
    /// Whether it read all that it was given.
    var readAll: Bool
    /// The end of its standard error.
    var complaints: String
  }

  /// Runs the program with what `feed` writes as its standard input.
  ///
  /// Where `feed` throws, the program is killed before its input ends: `psql` would else carry out the half of a
  /// statement that it has by then. `feed` may stop at ``ProgramEnded``, which is thrown when nobody reads any more.
  func run(feeding feed: (InputPipe) async throws -> Void) async throws -> Ending {
    // A program that ends early would else end us with SIGPIPE.
    _ = signal(SIGPIPE, SIG_IGN)
    let complaints = try Complaints()
    let ended = try await Subprocess.run(
      .path(FilePath(program)), arguments: Arguments(arguments), environment: environment, workingDirectory: "/",
      input: .inputWriter, output: .discarded,
      error: .fileDescriptor(complaints.writeEnd, closeAfterSpawningProcess: true)
    ) { execution in
      do {
        try await feed(InputPipe(writer: execution.standardInputWriter))
        return true
      } catch is ProgramEnded {
        return false
      } catch {
        try? execution.send(signal: .kill)
        throw error
      }
    }
    return Ending(
      code: Self.code(ended.terminationStatus), readAll: ended.closureResult, complaints: await complaints.text())
  }

  /// Runs the program and hands its standard output to `take`, piece by piece.
  func run(taking take: (ByteBuffer) async throws -> Void) async throws -> Ending {
    let complaints = try Complaints()
    let ended = try await Subprocess.run(
      .path(FilePath(program)), arguments: Arguments(arguments), environment: environment, workingDirectory: "/",
      input: .none, output: .sequence,
      error: .fileDescriptor(complaints.writeEnd, closeAfterSpawningProcess: true)
    ) { execution in
      for try await piece in execution.standardOutput {
        try await take(piece.withUnsafeBytes { ByteBuffer(bytes: $0) })
      }
    }
    return Ending(code: Self.code(ended.terminationStatus), readAll: true, complaints: await complaints.text())
  }

  private static func code(_ status: TerminationStatus) -> Int32? {
    if case .exited(let code) = status { Int32(code) } else { nil }
  }
}

/// Nobody reads the input any more: the program has ended.
struct ProgramEnded: Error {}

/// A program's standard input. Writes wait until the program takes the bytes.
struct InputPipe {
  fileprivate let writer: StandardInputWriter

  /// Writes all of `bytes`; throws ``ProgramEnded`` where they can't be written.
  func write(_ bytes: ByteBufferView) async throws {
    let copy = Array(bytes)
    let written: Int
    do {
      written = try await writer.write(copy)
    } catch {
      try Task.checkCancellation()
      throw ProgramEnded()
    }
    guard written == copy.count else { throw ProgramEnded() }
  }
}
