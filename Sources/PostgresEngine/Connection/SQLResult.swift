/// What a statement returned, in PostgreSQL's text form.
public struct SQLResult: Sendable, Equatable {
  /// The names of the columns.
  public let columns: [String]
  /// The rows, in the server's order.
  public let rows: [SQLRow]
  /// The command tag: `SELECT 3`, `INSERT 0 1`.
  public let tag: String

  package init(columns: [String] = [], values: [[String?]] = [], tag: String = "") {
    self.columns = columns
    self.rows = values.map { SQLRow(columns: columns, values: $0) }
    self.tag = tag
  }

  /// The first row's first column; nil where there is no row or the value is NULL.
  public var scalar: String? { rows.first?[0] }
}

/// One row, in PostgreSQL's text form.
public struct SQLRow: Sendable, Equatable {
  private let columns: [String]
  /// The values in the columns' order; NULL is nil.
  public let values: [String?]

  init(columns: [String], values: [String?]) { (self.columns, self.values) = (columns, values) }

  /// The value at `index`; nil where it is NULL or there is no such column.
  public subscript(_ index: Int) -> String? { values.indices.contains(index) ? values[index] : nil }

  /// The value of the column called `name`; nil where it is NULL or there is no such column.
  public subscript(_ name: String) -> String? { columns.firstIndex(of: name).flatMap { values[$0] } }
}
