import CommandSupport
import Glibc
import Replication

/// Lines of a file or of standard input, in groups: what can be read without waiting, up to a bound.
struct DeltaInput: ~Copyable {
  /// As the user named it.
  let name: String
  private let descriptor: Int32
  /// Standard input is not ours to close.
  private let isOwned: Bool
  private var rest: [UInt8] = []
  /// Bytes at the start of `rest` without a line's end: looked at once, however many pieces a long line comes in.
  private var scannedCount = 0
  private var number = 0
  private var isAtEnd = false

  /// Lines of a group: they share one transaction.
  private static let groupCount = 1_000
  private static let lineLimitBytes = 64 << 20

  init(_ file: String) throws(ReplicationError) {
    guard !file.isEmpty else { throw ReplicationError(.usage, "the name of the file is empty") }
    let isOwned = file != "-"
    let descriptor = isOwned ? try Self.opened(file) : STDIN_FILENO
    name = isOwned ? file : "stdin"
    self.isOwned = isOwned
    self.descriptor = descriptor
  }

  private static func opened(_ file: String) throws(ReplicationError) -> Int32 {
    let descriptor = open(Machine.absolute(file), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let failure = errno
      let code: ReplicationError.Code = failure == ENOENT ? .noInput : failure == EACCES ? .permission : .storage
      throw ReplicationError(code, "cannot read \(file): \(String(cString: strerror(failure)))")
    }
    return descriptor
  }

  deinit {
    // Nothing was written: there is nothing that closing could report.
    if isOwned { _ = close(descriptor) }
  }

  /// The next lines that are not blank; waits for one at most. `nil` at the end.
  mutating func next() throws(ReplicationError) -> [(number: Int, bytes: [UInt8])]? {
    while true {
      let lines = takeLines()
      if !lines.isEmpty { return lines }
      if isAtEnd { return nil }
      try fill()
    }
  }

  private mutating func takeLines() -> [(number: Int, bytes: [UInt8])] {
    var lines: [(number: Int, bytes: [UInt8])] = []
    var start = rest.startIndex
    var unscanned = scannedCount
    scannedCount = 0
    while lines.count < Self.groupCount, start < rest.endIndex {
      guard let end = rest[unscanned...].firstIndex(of: 0x0A) ?? (isAtEnd ? rest.endIndex : nil) else {
        scannedCount = rest.endIndex - start
        break
      }
      number += 1
      let line = rest[start..<end]
      if !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { lines.append((number, Array(line))) }
      start = min(end + 1, rest.endIndex)
      unscanned = start
    }
    rest.removeSubrange(..<start)
    return lines
  }

  private mutating func fill() throws(ReplicationError) {
    var failure: Int32 = 0
    let piece = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      var got: Int
      repeat { got = read(descriptor, buffer.baseAddress, buffer.count) } while got < 0 && errno == EINTR
      if got < 0 { failure = errno }
      count = max(0, got)
    }
    guard failure == 0 else {
      let code: ReplicationError.Code = failure == EISDIR ? .noInput : .storage
      throw ReplicationError(code, "cannot read \(name): \(String(cString: strerror(failure)))")
    }
    if piece.isEmpty { isAtEnd = true }
    rest += piece
    guard rest.count <= Self.lineLimitBytes else {
      throw ReplicationError(.badData, "line \(number + 1) of \(name) has more than \(Self.lineLimitBytes) bytes")
    }
  }
}
