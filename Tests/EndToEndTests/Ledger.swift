import Foundation
import TestSupport

/// Clients of `shop` that write numbers of their own into the table `ledger`, and note down each that was acknowledged.
///
/// pgbench runs again and again, and asks the Secret `shop-connection` each time where to go: what an application does
/// that reconnects.
struct Ledger {
  private let program: RunningProgram
  private let acknowledgements: String
  private let stopFile: String

  /// Makes the table, and starts the clients.
  static func open(_ bed: Bed, _ postgres: TestPostgres) async throws -> Ledger {
    try await postgres.psql("CREATE TABLE ledger (id bigint PRIMARY KEY)", database: "shop")
    let field = "field() { \(bed.kubectlCommand) get secret shop-connection -o \"jsonpath={.data.$1}\" | base64 -d; }"
    return try start(
      in: bed.scratchPath, pgbench: "\(postgres.binaries)/pgbench",
      address: "\(field); export PGHOST=$(field host) PGPORT=$(field port)", environment: postgres.environment("shop"))
  }

  /// Starts the clients of a database that has the table. `address` is a shell's command that says where it is, run
  /// each time that they connect.
  static func start(in folder: String, pgbench: String, address: String, environment: [String: String]) throws -> Ledger
  {
    let (script, notes, stop) = ("\(folder)/ledger.sql", "\(folder)/acknowledged", "\(folder)/stop")
    try """
    \\set id random(1, 9000000000000000)
    INSERT INTO ledger VALUES (:id);
    \\shell echo :id >> \(notes)

    """.write(toFile: script, atomically: true, encoding: .utf8)
    try "".write(toFile: notes, atomically: false, encoding: .utf8)
    let loop = """
      until [ -e '\(stop)' ]; do
        \(address)
        '\(pgbench)' -n -c 4 -j 2 -T 5 -f '\(script)' shop >/dev/null 2>&1 || sleep 0.1
      done
      """
    let program = try RunningProgram.start("/bin/bash", ["-c", loop], environment: environment)
    return Ledger(program: program, acknowledgements: notes, stopFile: stop)
  }

  /// What the clients know to be committed.
  var acknowledged: Set<String> {
    let text = (try? String(contentsOfFile: acknowledgements, encoding: .utf8)) ?? ""
    return Set(text.split(separator: "\n").map(String.init))
  }

  /// Waits until so many more are acknowledged.
  func grows(by count: Int) async throws {
    let before = acknowledged.count
    try await eventually(within: .seconds(90), every: .milliseconds(200), "clients commit") {
      acknowledged.count >= before + count
    }
  }

  /// Ends the clients.
  func close() async throws {
    try "".write(toFile: stopFile, atomically: false, encoding: .utf8)
    try await program.wait(within: .seconds(60))
  }

  /// The numbers in the output of a query.
  static func numbers(_ text: String) -> Set<String> { Set(text.split(separator: "\n").map(String.init)) }
}
