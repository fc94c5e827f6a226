/// Which records of a project's journal are known to be missing from its state, and which ones were before they were
/// recovered. Kept in a file, so that a loss is told until it is made good or given up, whatever is saved in between.
public struct RecordLosses: Hashable, Sendable {
  /// Records `first` to `last` of a session.
  public struct Run: Hashable, Sendable {
    public var session: String
    public var sequences: ClosedRange<UInt64>

    public init(session: String, sequences: ClosedRange<UInt64>) {
      self.session = session
      self.sequences = sequences
    }
  }

  /// Not in the state.
  public internal(set) var lost: Set<Run> = []
  /// Still not to be read from the journal, and in the state by another way.
  public internal(set) var recovered: Set<Run> = []
  /// Not in the state, and taken for gone: somebody who knew of the loss said that this is all there is.
  public internal(set) var givenUp: Set<Run> = []
  /// Whether records of the journal may be lost that nothing names. No backup proves that it holds them.
  public internal(set) var isJournalUncounted = false
  /// Whether what a damaged backup held may be lost: a good one that goes as far makes it good.
  public internal(set) var isBackupUncounted = false

  public init() {}

  /// Whether more may be lost than can be named.
  public var isUnbounded: Bool { isJournalUncounted || isBackupUncounted }

  /// All that the state does not have.
  var missing: Set<Run> { lost.union(givenUp) }

  public var isNone: Bool { lost.isEmpty && !isUnbounded }

  /// Records that are lost, as far as they can be named.
  public var count: UInt64 { Self.count(lost) }
  /// Records that were given up, as far as they could be named.
  public var givenUpCount: UInt64 { Self.count(givenUp) }

  private static func count(_ runs: Set<Run>) -> UInt64 {
    runs.reduce(0) { count, run in
      // A damaged index may tell any number.
      let (sum, isTooMuch) = count.addingReportingOverflow(run.sequences.upperBound - run.sequences.lowerBound)
      return isTooMuch || sum == .max ? .max : sum + 1
    }
  }

  /// Whether nobody counts on any record of a run any more.
  public func isGivenUp(_ run: Run) -> Bool { Self.pieces(of: run, without: [givenUp]).isEmpty }

  /// Of these, those that were given up: what a check of the journal may pass over.
  public var acknowledged: RecordLosses {
    var result = RecordLosses()
    result.givenUp = givenUp
    return result
  }

  /// Whether a replay may go on without that record, since the loss of it is known.
  func contains(_ session: String, _ sequence: UInt64) -> Bool {
    contains(Run(session: session, sequences: sequence...sequence))
  }

  /// The same for all records of a run, however many a damaged index tells of.
  func contains(_ run: Run) -> Bool { Self.pieces(of: run, without: [lost, recovered, givenUp]).isEmpty }

  /// What of a run lies in none of the others.
  private static func pieces(of run: Run, without known: [Set<Run>]) -> [Run] {
    var pieces: [Run] = []
    var first = run.sequences.lowerBound
    let others = known.flatMap { $0 }.filter { $0.session == run.session }.map(\.sequences)
    for other in others.sorted(by: { $0.lowerBound < $1.lowerBound }) where other.upperBound >= first {
      if other.lowerBound > run.sequences.upperBound { break }
      if other.lowerBound > first {
        pieces.append(Run(session: run.session, sequences: first...(other.lowerBound - 1)))
      }
      guard other.upperBound < run.sequences.upperBound else { return pieces }
      first = other.upperBound + 1
    }
    return pieces + [Run(session: run.session, sequences: first...run.sequences.upperBound)]
  }

  /// Whether any of it lies behind a position.
  func isBehind(_ position: JournalPosition) -> Bool {
    missing.union(recovered).contains { $0.sequences.upperBound > position[$0.session] ?? 0 }
  }

  /// Takes up what is not known yet.
  mutating func add(_ runs: some Sequence<Run>) {
    for run in runs { lost.formUnion(Self.pieces(of: run, without: [lost, recovered, givenUp])) }
  }

  /// All that either says is lost; what one of them recovered stays recovered.
  func union(_ other: RecordLosses?) -> RecordLosses {
    guard let other else { return self }
    var result = self
    result.recovered.formUnion(other.recovered)
    result.givenUp = givenUp.union(other.givenUp).subtracting(result.recovered)
    result.lost = lost.union(other.lost).subtracting(result.recovered).subtracting(result.givenUp)
    result.isJournalUncounted = isJournalUncounted || other.isJournalUncounted
    result.isBackupUncounted = isBackupUncounted || other.isBackupUncounted
    return result
  }

  /// A run whose records can be read from the journal again.
  mutating func comeBack(_ run: Run) {
    lost.remove(run)
    givenUp.remove(run)
  }

  /// Takes what is here for all there is.
  mutating func giveUp() {
    givenUp.formUnion(lost)
    lost = []
    isJournalUncounted = false
    isBackupUncounted = false
  }

  /// What a complete state of that position holds is not lost any more.
  mutating func recover(through position: JournalPosition) {
    for run in missing where run.sequences.upperBound <= position[run.session] ?? 0 {
      comeBack(run)
      recovered.insert(run)
    }
  }

  /// Whether a state of that position holds any of what is lost.
  func isRecoverable(through position: JournalPosition) -> Bool {
    lost.contains { $0.sequences.upperBound <= position[$0.session] ?? 0 }
  }

  private static let heading = "crs-losses 1"
  private static let backupLine = "unbounded-backup"

  /// The file: a line for each run.
  var bytes: [UInt8] {
    func lines(_ word: String, _ runs: Set<Run>) -> [String] {
      runs.map { "\(word) \($0.sequences.lowerBound) \($0.sequences.upperBound) \($0.session)" }.sorted()
    }
    let all =
      [Self.heading] + lines("lost", lost) + lines("recovered", recovered) + lines("given-up", givenUp)
      + (isJournalUncounted ? ["unbounded"] : []) + (isBackupUncounted ? [Self.backupLine] : []) + ["end"]
    return Array((all.joined(separator: "\n") + "\n").utf8)
  }

  /// Reads the file. One that makes no sense tells of a loss that cannot be named.
  init(_ bytes: [UInt8]) {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    if lines.first != Self.heading[...] || lines.last != "end" { isJournalUncounted = true }
    for line in lines.dropFirst() where line != "end" {
      if line == Self.backupLine[...] {
        isBackupUncounted = true
        continue
      }
      let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
      guard parts.count == 4, let first = UInt64(parts[1]), let last = UInt64(parts[2]), first <= last else {
        isJournalUncounted = true
        continue
      }
      let run = Run(session: String(parts[3]), sequences: first...last)
      switch parts[0] {
      case "recovered": recovered.insert(run)
      case "given-up": givenUp.insert(run)
      default: lost.insert(run)
      }
    }
  }

  /// `nil` where no loss was ever written down.
  static func read(_ folder: ProjectFolder, _ context: CRSContext) throws(CRSError) -> RecordLosses? {
    try context.read(folder.losses).map { RecordLosses($0) }
  }

  /// For a project's folder that was made again after it had gone: what was in it is lost, and nobody counts it.
  public static func noteLostFolder(_ folder: ProjectFolder, _ context: CRSContext) throws(CRSError) {
    var losses = RecordLosses()
    losses.isJournalUncounted = true
    try losses.write(folder, context)
  }

  func write(_ folder: ProjectFolder, _ context: CRSContext) throws(CRSError) {
    try context.replace(folder.losses, with: bytes)
  }
}
