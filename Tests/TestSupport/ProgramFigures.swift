import Foundation

/// What a program used of the machine, exactly.
///
/// `RunningProgram.Outcome.peakMemory` never falls below what the starting process itself held. Here a small process
/// stands between: run `launch(to: file)` before the program and its arguments, then read the file.
public struct ProgramFigures: Sendable {
  /// From start to end.
  public let seconds: Double
  /// User and system time of it and of the children that it waited for.
  public let cpuSeconds: Double
  /// The largest resident set, in bytes, of it or of a child that it waited for.
  public let peakMemory: Int64

  /// The beginning of a command line; what follows is run, and its figures go to `file`.
  public static func launch(to file: String) throws -> [String] { [try builtProgram("tidemark-launch"), file] }

  /// Reads what a command that began with `launch(to:)` wrote.
  public init(file: String) throws {
    let words = try String(contentsOfFile: file, encoding: .utf8).split(whereSeparator: \.isWhitespace)
    guard words.count == 3, let seconds = Double(words[0]), let cpuSeconds = Double(words[1]),
      let kibibytes = Int64(words[2])
    else { throw TestSupportError("\(file) holds no figures") }
    (self.seconds, self.cpuSeconds, peakMemory) = (seconds, cpuSeconds, kibibytes * 1024)
  }
}
