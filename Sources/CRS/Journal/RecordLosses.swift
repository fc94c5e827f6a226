/// Which records of a project's journal are known to be missing from its state, and which ones were before they were
/// recovered. Kept in a file, so that a loss is told until it is made good, whatever is saved in between.
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
  /// Whether more may be lost than can be named, as with the only backup that told.
  public internal(set) var isUnbounded = false

  public init() {}

  public var isNone: Bool { lost.isEmpty && !isUnbounded }

  /// Records that are lost, as far as they can be named.
  public var count: UInt64 {
    lost.reduce(0) { count, run in
      // A damaged index may tell any number.
      let (sum, isTooMuch) = count.addingReportingOverflow(run.sequences.upperBound - run.sequences.lowerBound)
      return isTooMuch || sum == .max ? .max : sum + 1
    }
  }

  /// Whether a replay may go on without that record, since the loss of it is known.
  func contains(_ session: String, _ sequence: UInt64) -> Bool {
    func isIn(_ run: Run) -> Bool { run.session == session && run.sequences.contains(sequence) }
    return lost.contains(where: isIn) || recovered.contains(where: isIn)
  }

  /// Whether any of it lies behind a position.
  func isBehind(_ position: JournalPosition) -> Bool {
    lost.union(recovered).contains { $0.sequences.upperBound > position[$0.session] ?? 0 }
  }

  /// Takes up runs that are not known yet.
  mutating func add(_ runs: some Sequence<Run>) {
    for run in runs where !run.sequences.allSatisfy({ contains(run.session, $0) }) { lost.insert(run) }
  }

  /// All that either says is lost; what one of them recovered stays recovered.
  func union(_ other: RecordLosses?) -> RecordLosses {
    guard let other else { return self }
    var result = self
    result.recovered.formUnion(other.recovered)
    result.lost = lost.union(other.lost).subtracting(result.recovered)
    result.isUnbounded = isUnbounded || other.isUnbounded
    return result
  }

  /// What a complete state of that position holds is not lost any more.
  mutating func recover(through position: JournalPosition) {
    for run in lost where run.sequences.upperBound <= position[run.session] ?? 0 {
      lost.remove(run)
      recovered.insert(run)
    }
  }

  /// Whether a state of that position holds any of what is lost.
  func isRecoverable(through position: JournalPosition) -> Bool {
    lost.contains { $0.sequences.upperBound <= position[$0.session] ?? 0 }
  }

  private static let heading = "crs-losses 1"

  /// The file: a line for each run.
  var bytes: [UInt8] {
    func lines(_ word: String, _ runs: Set<Run>) -> [String] {
      runs.map { "\(word) \($0.sequences.lowerBound) \($0.sequences.upperBound) \($0.session)" }.sorted()
    }
    let all =
      [Self.heading] + lines("lost", lost) + lines("recovered", recovered) + (isUnbounded ? ["unbounded"] : []) + [
        "end"
      ]
    return Array((all.joined(separator: "\n") + "\n").utf8)
  }

  /// Reads the file. One that makes no sense tells of a loss that cannot be named.
  init(_ bytes: [UInt8]) {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    if lines.first != Self.heading[...] || lines.last != "end" { isUnbounded = true }
    for line in lines.dropFirst() where line != "end" {
      let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
      guard parts.count == 4, let first = UInt64(parts[1]), let last = UInt64(parts[2]), first <= last else {
        isUnbounded = true
        continue
      }
      let run = Run(session: String(parts[3]), sequences: first...last)
      if parts[0] == "recovered" { recovered.insert(run) } else { lost.insert(run) }
    }
  }

  /// `nil` where no loss was ever written down.
  static func read(_ folder: ProjectFolder, _ context: CRSContext) throws(CRSError) -> RecordLosses? {
    try context.read(folder.losses).map { RecordLosses($0) }
  }

  func write(_ folder: ProjectFolder, _ context: CRSContext) throws(CRSError) {
    try context.replace(folder.losses, with: bytes)
  }
}
