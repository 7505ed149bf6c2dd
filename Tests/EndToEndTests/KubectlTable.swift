/// What `kubectl get` prints, read by its headings: columns begin where their headings do.
struct KubectlTable {
  private let columns: [(heading: String, start: Int)]
  private let rows: [[Character]]

  /// Reads a table with a line of headings.
  init(_ text: String) {
    let lines = text.split(separator: "\n").map { Array($0) }
    rows = Array(lines.dropFirst())
    var columns: [(heading: String, start: Int)] = []
    let headings = lines.first ?? []
    var index = 0
    while index < headings.count {
      let start = index
      // A heading may hold one space; columns are at least three apart.
      while index < headings.count, headings[index] != " " || (index + 1 < headings.count && headings[index + 1] != " ")
      {
        index += 1
      }
      columns.append((String(headings[start..<index]), start))
      while index < headings.count, headings[index] == " " { index += 1 }
    }
    self.columns = columns
  }

  /// The cell of the row that begins with `name`; nil where there is none, or where it is empty.
  subscript(_ name: String, _ heading: String) -> String? {
    guard let column = columns.firstIndex(where: { $0.heading == heading }),
      let row = rows.first(where: { String($0.prefix { $0 != " " }) == name })
    else { return nil }
    let start = min(columns[column].start, row.count)
    let end = column + 1 < columns.count ? min(columns[column + 1].start, row.count) : row.count
    let cell = String(row[start..<end]).split(separator: " ").joined(separator: " ")
    return cell.isEmpty || cell == "<none>" ? nil : cell
  }
}
