import CRDT

/// All values of one id, looked up by what they say and by their unique_id, so that an id which thousands of items
/// share costs no more than as many ids.
struct KnownValues {
  /// Winners of their unique_id first, then the greatest first.
  let all: [KnownValue]
  /// The greatest stamp of all of them.
  let greatest: Stamp
  private let positions: [ContentDigest: [Int]]
  private let winners: [ByteString: Int]

  /// `nil` for no values.
  init?(_ values: [KnownValue]) {
    guard let greatest = values.map(\.metadata.stamp).max() else { return nil }
    self.greatest = greatest
    all = values.sorted(by: KnownValue.precedes)
    var positions: [ContentDigest: [Int]] = [:]
    var winners: [ByteString: Int] = [:]
    for (position, value) in all.enumerated() {
      if !value.metadata.isDeleted { positions[value.contentDigest, default: []].append(position) }
      if value.isWinner { winners[value.metadata.uniqueID] = position }
    }
    self.positions = positions
    self.winners = winners
  }

  /// Values of this content, in the order of ``all``; no tombstones.
  func saying(_ digest: ContentDigest) -> [KnownValue] {
    (positions[digest] ?? []).map { all[$0] }
  }

  /// The value that a unique_id has in the join.
  func winner(of uniqueID: ByteString) -> KnownValue? { winners[uniqueID].map { all[$0] } }
}
