import Glibc

/// The lines of a `.gitattributes` that send memory files to the merge driver.
enum GitAttributes {
  static let driverSection = "merge.crdt-memory"

  /// The lines a store's own `.gitattributes` has: host files, their shards, and the state.
  ///
  /// The user-wide file names only what stands at the top of a repository, where a store has it; a repository that was
  /// asked for by name may keep its memory in any folder.
  static func lines(_ scope: Scope) -> [String] {
    let top = scope == .global ? "/" : ""
    return [
      "\(top)memory-*.json merge=crdt-memory",
      "memory-*/*.json merge=crdt-memory",
      "\(top)unified-memory.json merge=crdt-memory",
    ]
  }

  /// The file's bytes; none where there is no file.
  static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
    if access(path, F_OK) != 0, errno == ENOENT || errno == ENOTDIR { return [] }
    return try InputFiles.readFile(path)
  }

  /// The bytes with those of `lines` behind them that are not there yet; every other byte stays.
  static func adding(_ lines: [String], to bytes: [UInt8]) -> [UInt8] {
    let there = bytes.split(separator: 0x0A).map(trimmed)
    var output = bytes
    for line in lines where !there.contains(where: { $0.elementsEqual(line.utf8) }) {
      if let last = output.last, last != 0x0A { output.append(0x0A) }
      output += Array(line.utf8) + [0x0A]
    }
    return output
  }

  /// The bytes without `lines`; every other byte stays.
  static func removing(_ lines: [String], from bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x0A).map { $0 + 1 } ?? rest.endIndex
      let line = rest[..<end]
      if !lines.contains(where: { trimmed(line).elementsEqual($0.utf8) }) { output += line }
      rest = rest[end...]
    }
    return output
  }

  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let front = line.drop { $0 == 0x20 || $0 == 0x09 }
    let kept = front.lastIndex { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D && $0 != 0x0A }
    return kept.map { front[...$0] } ?? []
  }
}
