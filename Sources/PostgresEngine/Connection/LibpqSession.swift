import CLibpq
import Glibc
import Synchronization

/// A `PGconn`, non-blocking, with waits that another thread can end.
///
/// Confined to its ``LibpqThread``, but for `closing`; that is what makes the unchecked conformance true.
final class LibpqSession: @unchecked Sendable {
  /// Set by any thread: every wait ends, and the connection is of no further use.
  let closing = Atomic(false)
  /// The operation under way can be interrupted by this.
  var interruption: Interruption?
  /// Notices since they were last taken. Bounded: the server's oldest are dropped past 64.
  private(set) var notices: [ServerReport] = []
  private(set) var connection: OpaquePointer?
  let wake: WakePipe

  static let closedError = PostgresError(.connectionClosed, "the connection to PostgreSQL was closed")

  init(wake: WakePipe) { self.wake = wake }

  deinit { finish() }

  /// Ends the connection; the server sees a Terminate message.
  func finish() {
    if let connection { PQfinish(connection) }
    connection = nil
  }

  /// Asks the server to stop what it is doing for us, then ends the connection.
  func abort() {
    cancelOnServer()
    finish()
  }

  /// Sends a cancel request, over a connection of its own. The running command then fails with SQLSTATE 57014.
  func cancelOnServer() {
    guard let connection, let cancel = PQgetCancel(connection) else { return }
    defer { PQfreeCancel(cancel) }
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
      _ = PQcancel(cancel, text.baseAddress, Int32(text.count))
    }
  }

  /// The open connection; throws where there is none.
  func open() throws -> OpaquePointer {
    guard let connection, !closing.load(ordering: .acquiring) else { throw Self.closedError }
    return connection
  }

  /// libpq's last words about the connection.
  var lastMessage: String {
    guard let connection, let text = PQerrorMessage(connection) else { return "" }
    return String(cString: text).trimmed
  }

  /// The error of a connection that broke.
  var lostError: PostgresError {
    PostgresError(
      .connectionLost, "the connection to PostgreSQL broke: \(lastMessage)",
      hint: "See the server's log; it may have been restarted, or the network cut")
  }

  func takeNotices() -> [ServerReport] {
    defer { notices.removeAll() }
    return notices
  }

  private func note(_ report: ServerReport) {
    if notices.count == 64 { notices.removeFirst() }
    notices.append(report)
  }
}

extension LibpqSession {
  /// Connects and waits until the server is ready, for at most the settings' timeout an address.
  func connect(
    _ settings: PostgresConnectionSettings, for purpose: PostgresConnectionSettings.Purpose
  ) throws {
    connection = start(settings.parameters(for: purpose))
    guard let connection else { throw PostgresError(.unreachable, "libpq is out of memory") }
    // Only a verbose libpq tells the SQLSTATE of a refusal.
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
    do {
      guard PQstatus(connection) != CONNECTION_BAD else {
        throw PostgresError(connecting: settings, text: lastMessage)
      }
      try poll(connection, settings)
    } catch {
      finish()
      throw error
    }
    PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
    PQsetnonblocking(connection, 1)
    _ = PQsetNoticeReceiver(
      connection,
      { context, result in
        guard let context, let result else { return }
        let session = Unmanaged<LibpqSession>.fromOpaque(context).takeUnretainedValue()
        session.note(ServerReport(result))
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private func start(_ parameters: [(keyword: String, value: String)]) -> OpaquePointer? {
    // C strings that libpq copies; ours are wiped, as one of them is the password.
    let keywords = parameters.map { strdup($0.keyword) }
    let values = parameters.map { strdup($0.value) }
    defer {
      for text in keywords + values {
        guard let text else { continue }
        explicit_bzero(text, strlen(text))
        free(text)
      }
    }
    let keywordList = keywords.map { UnsafePointer($0) } + [nil]
    let valueList = values.map { UnsafePointer($0) } + [nil]
    return PQconnectStartParams(keywordList, valueList, 0)
  }

  private func poll(_ connection: OpaquePointer, _ settings: PostgresConnectionSettings) throws {
    var events = Events.write
    var address = ""
    var deadline = ContinuousClock.now + settings.connectTimeout
    while true {
      let current = PQhostaddr(connection).map { String(cString: $0) } ?? ""
      if current != address {
        (address, deadline) = (current, ContinuousClock.now + settings.connectTimeout)
      }
      guard try wait(for: events, until: deadline) != .timedOut else {
        throw PostgresError(
          .connectTimeout,
          "cannot connect to PostgreSQL at \(settings.endpoint): no answer within \(settings.connectTimeout)",
          hint: "Check that a PostgreSQL server listens there, and that no firewall drops packets")
      }
      switch PQconnectPoll(connection) {
      case PGRES_POLLING_OK: return
      case PGRES_POLLING_READING: events = .read
      case PGRES_POLLING_WRITING: events = .write
      default: throw PostgresError(connecting: settings, text: lastMessage)
      }
    }
  }
}
