import TestSupport
import Testing

@Suite("Figures of a program")
struct ProgramFiguresTests {
  private func measure(_ command: String...) async throws -> (RunningProgram.Ending, ProgramFigures) {
    let file = try ScratchDirectory("figures").file("figures")
    let launch = try ProgramFigures.launch(to: file)
    let program = try RunningProgram.start(launch[0], Array(launch.dropFirst()) + command)
    return (try await program.wait(within: .seconds(30)).ending, try ProgramFigures(file: file))
  }

  @Test("a small program of a large process is counted as small, and a large one as large")
  func memory() async throws {
    let large = [UInt8](repeating: 1, count: 100 << 20)
    let (ending, small) = try await measure("true")
    #expect(ending == .exited(0))
    #expect(small.peakMemory > 100_000 && small.peakMemory < 16 << 20, "\(small.peakMemory)")
    // tail keeps the line that it looks for the end of.
    let (_, more) = try await measure("sh", "-c", "head -c 60000000 /dev/zero | tail -n 1 | wc -c")
    #expect(more.peakMemory > 50_000_000, "\(more.peakMemory)")
    #expect(large.count > 0)
  }

  @Test("time is measured, and the exit code is the program's")
  func time() async throws {
    let (ending, figures) = try await measure("sh", "-c", "sleep 0.3; exit 7")
    #expect(ending == .exited(7))
    #expect(figures.seconds > 0.3 && figures.cpuSeconds < 0.3)
    #expect(try await measure("sh", "-c", "kill -9 $$").0 == .exited(137))
    #expect(try await measure("/nowhere/program").0 == .exited(127))
  }
}
