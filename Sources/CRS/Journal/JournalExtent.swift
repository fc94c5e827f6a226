import CRDT
import Durability

/// How far each session of the journal went when a writer began, or closed it, in a file beside it: a journal that was
/// removed, cut off or put back to an older state is told by having less, and what it lacks has a name.
struct JournalExtent: Hashable, Sendable {
  var position: JournalPosition
  /// Sessions that the journal lacks, and whose records are in the state that was put into it since.
  var settled: JournalPosition = [:]
  /// Whether a version wrote it that told nothing while it appended.
  private(set) var isOfOlderVersion = false

  private static let heading = "crs-journal-position 2"
  private static let olderHeading = "crs-journal-position 1"

  private static let settledWord = "settled "

  init(_ position: JournalPosition, settled: JournalPosition = [:]) {
    self.position = position
    self.settled = settled
  }

  var bytes: [UInt8] {
    let lines =
      position.map { "\($0.value) \($0.key)" }.sorted()
      + settled.map { "\(Self.settledWord)\($0.value) \($0.key)" }.sorted()
    let body = Array((([Self.heading] + lines).joined(separator: "\n") + "\n").utf8)
    return body + Self.ending(body)
  }

  /// The last line: the CRC-32 of those before.
  private static func ending(_ body: some Sequence<UInt8>) -> [UInt8] {
    Array("end \(Checksum.crc32(Array(body)))\n".utf8)
  }

  /// `nil` for a file that is damaged, or of another version.
  init?(_ bytes: [UInt8]) {
    let lines = bytes.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
    guard let heading = lines.first, let last = lines.last else { return nil }
    isOfOlderVersion = heading.elementsEqual(Self.olderHeading.utf8)
    let body = bytes.prefix(last.startIndex)
    let ending = isOfOlderVersion ? Array("end\n".utf8) : Self.ending(body)
    guard isOfOlderVersion || heading.elementsEqual(Self.heading.utf8), bytes.elementsEqual(body + ending) else {
      return nil
    }
    position = [:]
    for line in lines.dropFirst().dropLast() {
      let isSettled = line.starts(with: Self.settledWord.utf8)
      let text = String(decoding: line.dropFirst(isSettled ? Self.settledWord.utf8.count : 0), as: UTF8.self)
      let parts = text.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, let sequence = UInt64(parts[0]) else { return nil }
      if isSettled { settled[String(parts[1])] = sequence } else { position[String(parts[1])] = sequence }
    }
  }

  /// `nil` where no writer of this version had the journal yet, or the file is damaged.
  static func read(_ folder: ProjectFolder, _ context: CRSContext) throws(CRSError) -> JournalExtent? {
    try context.read(folder.journalPosition).flatMap { JournalExtent($0) }
  }

  func write(_ folder: ProjectFolder, _ context: CRSContext) throws(CRSError) {
    try context.replace(folder.journalPosition, with: bytes)
  }

  /// What this has and a journal with `there` has not, of what is not in a state of `covered`.
  func runs(missingIn there: JournalPosition, and covered: JournalPosition) -> [RecordLosses.Run] {
    position.compactMap { session, sequence in
      let last = max(there[session] ?? 0, covered[session] ?? 0)
      return sequence > last ? RecordLosses.Run(session: session, sequences: (last + 1)...sequence) : nil
    }
  }
}
