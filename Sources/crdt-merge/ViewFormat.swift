import ArgumentParser
import Memory

/// The forms in which the live memory can be printed.
enum ViewFormat: String, CaseIterable, ExpressibleByArgument {
  /// A JSON array of the values, one a line.
  case json

  static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// - Parameter indices: what ``EntryTable/view(of:)`` returned.
  func render(_ table: EntryTable, _ indices: [Int]) -> [UInt8] {
    switch self {
    case .json:
      if indices.isEmpty { return Array("[]\n".utf8) }
      var output: [UInt8] = [0x5B, 0x0A]
      for (position, index) in indices.enumerated() {
        if position > 0 { output += [0x2C, 0x0A] }
        output += table.entry(index).content
      }
      return output + [0x0A, 0x5D, 0x0A]
    }
  }
}
