import CommandText
import Glibc

/// Blocks of lines for people: two columns where the terminal is wide, one below the other where it is not.
enum SideBySide {
  /// The least width for two columns.
  static let wideColumns = 100

  /// Columns of the terminal on stdout; `COLUMNS` comes first, as in other programs. `nil` where there is neither.
  static var terminalWidth: Int? {
    if let text = getenv("COLUMNS").map({ String(cString: $0) }), let columns = Int(text), columns > 0 {
      return columns
    }
    var size = winsize()
    guard isatty(STDOUT_FILENO) == 1, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return nil
    }
    return Int(size.ws_col)
  }

  /// The lines to print. What is data in them becomes plain text first, so that columns stay columns.
  static func lines(_ blocks: [[String]], width: Int?) -> [String] {
    let shown = blocks.map { $0.map(TerminalText.shown) }
    guard let width, width >= wideColumns else { return Array(shown.joined(separator: [""])) }
    let column = (width - 3) / 2
    var lines: [String] = []
    for start in stride(from: 0, to: shown.count, by: 2) {
      let left = shown[start].flatMap { wrapped($0, column) }
      let right = start + 1 < shown.count ? shown[start + 1].flatMap { wrapped($0, column) } : []
      if start > 0 { lines.append("") }
      for row in 0..<max(left.count, right.count) {
        let first = row < left.count ? left[row] : ""
        guard row < right.count else {
          lines.append(first)
          continue
        }
        lines.append(first + String(repeating: " ", count: max(0, column - first.count)) + " | " + right[row])
      }
    }
    return lines
  }

  private static func wrapped(_ line: String, _ width: Int) -> [String] {
    var rest = line[...]
    var lines: [String] = []
    repeat {
      lines.append(String(rest.prefix(width)))
      rest = rest.dropFirst(width)
    } while !rest.isEmpty
    return lines
  }
}
