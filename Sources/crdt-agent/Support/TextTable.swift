import CommandText

/// Rows of text in columns, for people.
enum TextTable {
  /// Lines in which every column but the last is as wide as its widest cell.
  static func lines(_ header: [String], _ rows: [[String]]) -> [String] {
    let table = ([header] + rows).map { $0.map(TerminalText.shown) }
    let widths = header.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
    return table.map { row in
      row.indices.map { column in
        column == row.count - 1
          ? row[column] : row[column] + String(repeating: " ", count: widths[column] - row[column].count)
      }.joined(separator: "  ").trimmingSpaces
    }
  }

  /// The first line of a text, cut to a length.
  static func short(_ text: String, _ limit: Int = 60) -> String {
    let line = text.prefix { !$0.isNewline }
    let cut = line.prefix(limit)
    return cut.count < line.count || line.endIndex < text.endIndex ? cut + "…" : String(cut)
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
