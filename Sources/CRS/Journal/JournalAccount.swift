import CRDT
import Durability

/// What is told of the journal in files beside it, so that no part of it is lost without a word.
///
/// - `journal.position`, a ``JournalExtent``: written when a writer begins to append, and when it closes.
/// - `journal.acknowledged`, a ``JournalAcknowledgement``: written over after each append.
/// - `journal.mark`: what the journal's file looked like when its last writer closed it; away while a writer appends.
///
/// The first two are there before the mark is taken away: who misses more than the mark knows that something was lost.
struct JournalAccount {
  /// How far each session went, at least.
  private(set) var position: JournalPosition = [:]
  /// Sessions that the journal lacks, and whose records are in the state that was put into it since.
  private(set) var settled: JournalPosition = [:]
  /// Whether the journal is as its last writer left it.
  let isUntouched: Bool
  /// Whether nothing that was acknowledged can be missing from both the journal and ``position``.
  private(set) var isWhole = false

  /// Whether only the log tells that nothing is missing: to be settled before the log is folded into the journal.
  private(set) var isOfOlderVersion = false

  private let folder: ProjectFolder
  private let context: CRSContext

  /// Reads what is told. To be called before the journal is opened, which may change it, and may find more then.
  init(_ folder: ProjectFolder, _ context: CRSContext) throws(CRSError) {
    self.folder = folder
    self.context = context
    isUntouched = JournalFile.isUntouched(folder, context)
    // A writer that begins meanwhile makes one file before it takes another away.
    for _ in 0..<4 where !isWhole { try read() }
  }

  private mutating func read() throws(CRSError) {
    let acknowledgement = try acknowledgement()
    let isMarked = try storing { () throws(StorageError) in
      try context.fileSystem.information(folder.journalMark) != nil
    }
    let extent = try JournalExtent.read(folder, context)
    isWhole = isUntouched || (extent != nil && (isMarked || acknowledgement != nil))
    if !isWhole, !isMarked, acknowledgement == nil {
      isOfOlderVersion = try isOfKilledOlderVersion(extent)
      isWhole = isOfOlderVersion
    }
    settled = extent?.settled ?? [:]
    position = (extent?.position ?? [:]).merging(acknowledgement?.position ?? [:], uniquingKeysWith: max)
  }

  /// A writer of an older version told nothing while it appended; its log is there.
  private func isOfKilledOlderVersion(_ extent: JournalExtent?) throws(CRSError) -> Bool {
    if let extent, !extent.isOfOlderVersion { return false }
    func sizeBytes(_ path: String) throws(CRSError) -> Int64? {
      try storing { () throws(StorageError) in try context.fileSystem.information(path)?.sizeBytes }
    }
    let positionBytes = try sizeBytes(folder.journalPosition)
    let acknowledgementBytes = try sizeBytes(folder.journalAcknowledgement)
    let logBytes = try sizeBytes(folder.journal + "-wal") ?? 0
    return (extent != nil || positionBytes == nil) && acknowledgementBytes == nil && logBytes > 0
  }

  private func acknowledgement() throws(CRSError) -> JournalAcknowledgement? {
    let bytes: [UInt8]?
    do throws(StorageError) {
      bytes = try context.fileSystem.read(folder.journalAcknowledgement, limitBytes: 1 << 16)
    } catch {
      // A writer is at work: what it acknowledges is in the journal that is opened after this.
      if error.code == .changed { return JournalAcknowledgement.none }
      throw CRSError(error)
    }
    return bytes.flatMap { JournalAcknowledgement($0) }
  }

  /// Before a session's first append: from here on ``acknowledge(_:_:)`` tells how far it goes.
  /// - Throws: where the files cannot be written; nothing may be appended then.
  mutating func begin(_ session: Journal.Session, in journal: Journal) throws(CRSError) {
    let there = try journal.position()
    position.merge(there, uniquingKeysWith: max)
    try JournalExtent(position, settled: settled).write(folder, context)
    let start = JournalAcknowledgement(session: session.id, sequence: there[session.id] ?? 0)
    try write(start)
    _ = try storing { () throws(StorageError) in try context.fileSystem.remove(folder.journalMark) }
  }

  /// After an append, before it is acknowledged.
  mutating func acknowledge(_ session: Journal.Session, _ sequence: UInt64) {
    position[session.id] = sequence
    // The record is on stable storage: it is acknowledged whether or not a later loss of it will be noticed.
    try? write(JournalAcknowledgement(session: session.id, sequence: sequence))
  }

  /// In place where that is one write, without waiting for the disk.
  private func write(_ acknowledgement: JournalAcknowledgement) throws(CRSError) {
    let (path, bytes) = (folder.journalAcknowledgement, acknowledgement.bytes)
    try storing { () throws(StorageError) in
      if let there = try context.fileSystem.information(path), there.sizeBytes == bytes.count, bytes.count <= 4_096 {
        try context.fileSystem.overwrite(path, with: bytes)
      } else {
        try context.fileSystem.replace(path, with: bytes)
      }
    }
  }

  /// When the journal was closed that went as far as `end`: marks it as it is now. What it lacked is told on.
  func close(_ end: JournalPosition) {
    let extent = JournalExtent(position.merging(end, uniquingKeysWith: max), settled: settled)
    // Without the mark the next writer takes a new session and looks at every page, and nothing else. Before the journal
    // is marked as whole, what it holds is told.
    guard let mark = JournalFile.mark(of: folder, context), (try? extent.write(folder, context)) != nil else { return }
    _ = try? context.fileSystem.replaceIfChanged(folder.journalMark, with: mark)
  }

  /// Takes the journal for what there is, also where a backup of before goes further: what it lacks is told elsewhere
  /// from here on.
  mutating func settle(_ journal: Journal, lacking shortfall: JournalPosition) throws(CRSError) {
    settled.merge(shortfall, uniquingKeysWith: max)
    position = try journal.position()
    try context.replace(folder.journalAcknowledgement, with: JournalAcknowledgement.none.bytes)
    try JournalExtent(position, settled: settled).write(folder, context)
    isWhole = true
    isOfOlderVersion = false
  }
}
