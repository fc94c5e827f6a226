import CRDT

/// One id with more than one value that nobody has decided between.
public struct Conflict: Hashable, Sendable {
  public var id: ByteString
  /// What the view shows.
  public var shown: Entry
  /// The others: live under another unique_id, or lost to a writer that had not seen them. Greatest first.
  public var others: [Entry]

  /// All of them as a person counts them, from 1: the one shown first.
  public var values: [Entry] { [shown] + others }

  /// The memory it is in; see ``Metadata/source``.
  public var source: ByteString? { shown.metadata.source }
}

extension EntryTable {
  /// The conflicts of the view: for each id, the other live unique_ids, and every value still in some file that lost
  /// without having been seen by the winner. Values equal to the one shown are no conflict.
  ///
  /// The table has to hold the host files, not the unified state: losers are only in those.
  /// - Complexity: O(n) expected, n all entries of all files.
  public func conflicts() -> [Conflict] {
    let winners = join()
    let candidates = undecided(winners)
    var conflicts: [Conflict] = []
    for shownIndex in view(of: winners) {
      let shown = entry(shownIndex)
      let shownContent = shown.content
      var seenContents: Set<[UInt8]> = [shownContent]
      let others = (candidates[entryKey(shownIndex)] ?? []).subtracting([shownIndex]).map(entry)
        .sorted { Entry.isBelow($1, $0) }
        .filter { seenContents.insert($0.content).inserted }
      if !others.isEmpty { conflicts.append(Conflict(id: shown.id, shown: shown, others: others)) }
    }
    return conflicts
  }

  /// The unique_ids of an id in a source that have a value nobody has decided about: a live one, or one that lost unseen. The one
  /// shown is among them.
  /// - Complexity: O(n) expected.
  public func undecidedUniqueIDs(of key: EntryKey) -> Set<ByteString> {
    Set((undecided(join())[key] ?? []).map(uniqueID))
  }

  /// By id and source: every live winner, and every live value that lost without having been seen by its winner.
  private func undecided(_ winners: [Int]) -> [EntryKey: Set<Int>] {
    var winnerOf: [ByteString: Int] = [:]
    for index in winners { winnerOf[uniqueID(index)] = index }
    var candidates: [EntryKey: Set<Int>] = [:]
    for index in winners where !isDeleted(index) && isVisible(index) {
      candidates[entryKey(index), default: []].insert(index)
    }
    for index in records.indices where !isDeleted(index) && isVisible(index) {
      guard let winner = winnerOf[uniqueID(index)], winner != index else { continue }
      let winning = entry(winner)
      if !winning.metadata.hasSeen(stamp(index)) { candidates[entryKey(index), default: []].insert(index) }
    }
    return candidates
  }
}
