/// Settings that a server in recovery must have at least as high as the server that wrote the log.
///
/// Source: `CheckRequiredParameterValues` in PostgreSQL's `src/backend/access/transam/xlogrecovery.c`.
public struct RequiredParameters: Sendable, Hashable, Codable {
  public var maxConnections: Int32
  public var maxWorkerProcesses: Int32
  public var maxWALSenders: Int32
  public var maxPreparedTransactions: Int32
  public var maxLocksPerTransaction: Int32

  /// Each setting at the higher of its two values.
  public func raised(to other: RequiredParameters) -> RequiredParameters {
    RequiredParameters(
      maxConnections: max(maxConnections, other.maxConnections),
      maxWorkerProcesses: max(maxWorkerProcesses, other.maxWorkerProcesses),
      maxWALSenders: max(maxWALSenders, other.maxWALSenders),
      maxPreparedTransactions: max(maxPreparedTransactions, other.maxPreparedTransactions),
      maxLocksPerTransaction: max(maxLocksPerTransaction, other.maxLocksPerTransaction))
  }

  /// By PostgreSQL's names.
  public var settings: [(name: String, value: Int32)] {
    [
      ("max_connections", maxConnections), ("max_worker_processes", maxWorkerProcesses),
      ("max_wal_senders", maxWALSenders), ("max_prepared_transactions", maxPreparedTransactions),
      ("max_locks_per_transaction", maxLocksPerTransaction),
    ]
  }
}
