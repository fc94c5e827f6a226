import CRDT

/// One value that some host wrote, now or in the past, as ingest compares it with what the memory file says.
public struct KnownValue: Hashable, Sendable {
  /// The id the value goes by.
  public var id: ByteString
  public var metadata: Metadata
  public var contentDigest: ContentDigest
  /// The value its unique_id has in the join.
  public var isWinner: Bool

  /// A value as a host file holds it, or held it in an older commit.
  public init(_ entry: Entry, isWinner: Bool = false) {
    self.id = entry.id
    self.metadata = entry.metadata
    self.contentDigest = ContentDigest(of: entry.content)
    self.isWinner = isWinner
  }

  /// Greater by the order of the join, winners of their unique_id first.
  static func precedes(_ left: KnownValue, _ right: KnownValue) -> Bool {
    if left.isWinner != right.isWinner { return left.isWinner }
    if left.metadata.stamp != right.metadata.stamp { return left.metadata.stamp > right.metadata.stamp }
    if left.metadata.version != right.metadata.version { return left.metadata.version > right.metadata.version }
    return left.metadata.uniqueID < right.metadata.uniqueID
  }
}

/// What all host files say, looked up by id.
public struct KnownState: Sendable {
  private let table: EntryTable
  private let winners: Set<Int>
  private let source: ByteString?

  /// - Parameters:
  ///   - table: the host files, losers included; the unified state would do, but knows no losers.
  ///   - winners: what ``EntryTable/join()`` gave.
  ///   - source: the one memory whose entries are looked up; those of others may have the same ids.
  public init(table: EntryTable, winners: [Int], source: ByteString? = nil) {
    self.source = source
    self.table = table
    self.winners = Set(winners)
  }

  /// Nothing is known.
  public init() { self.init(table: EntryTable(), winners: []) }

  /// All values of some ids, tombstones included.
  /// - Complexity: O(n) over all entries, and one digest a value found.
  func values(of ids: Set<ByteString>) -> [ByteString: KnownValues] {
    guard !ids.isEmpty else { return [:] }
    var found: [ByteString: [KnownValue]] = [:]
    for index in 0..<table.count {
      let id = table.entryID(index)
      guard ids.contains(id), table.entrySource(index) == source else { continue }
      found[id, default: []].append(KnownValue(table.entry(index), isWinner: winners.contains(index)))
    }
    return found.compactMapValues(KnownValues.init)
  }
}
