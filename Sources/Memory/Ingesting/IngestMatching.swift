import CRDT

/// Which item of the file is which value: the part of an ingest that decides and stamps nothing.
struct IngestMatching {
  enum Outcome {
    /// As it was in the base.
    case unchanged(IngestBase.Item)
    /// A value that is known: from another host's file, or from history. `previous` is what the item was before.
    case recognised(KnownValue, previous: IngestBase.Item?)
    /// An edit of what the base item is.
    case edited(IngestBase.Item, winner: KnownValue?)
    case added
    /// An old value beside the one that replaced it.
    case copy

    /// Whether a new value comes of it.
    var isWritten: Bool {
      switch self {
      case .unchanged, .recognised, .copy: false
      case .edited, .added: true
      }
    }
  }

  /// The items of one id that are not as they were.
  private struct Group {
    var items: [Int] = []
    /// Base items of the id that no item equals, present ones first.
    var bases: [IngestBase.Item] = []
    /// unique_ids that an item stands for.
    var claimed: Set<ByteString> = []
    /// What is written of a unique_id, and what it will have seen.
    var edits: [ByteString: (digest: ContentDigest, known: KnownStamps)] = [:]
    var isUndecided = false
  }

  private(set) var outcomes: [Outcome?]
  let digests: [ContentDigest]
  /// Base items that nothing in the file stands for any more.
  private(set) var gone: [IngestBase.Item] = []
  /// What is known of the ids of open and gone items.
  private(set) var values: [ByteString: KnownValues] = [:]

  private let items: [MemoryDocument.Item]
  private let hasBase: Bool
  private let ownHost: ByteString
  /// Nothing known does not mean that there never was anything.
  private let isCollected: Bool
  private var groups: [ByteString: Group] = [:]
  private var openIDs: [ByteString] = []
  /// Live values that this host has written, the oldest last, of the ids that were asked for.
  private var ownValues: [ByteString: [KnownValue]] = [:]
  /// Open items that only history can tell, with the base item they may be an edit of.
  private var undecided: [(item: Int, base: IngestBase.Item?)] = []

  init(
    document: MemoryDocument, base: IngestBase?, known: KnownState, host: HostName, looksUpGone: Bool,
    isCollected: Bool
  ) {
    self.isCollected = isCollected
    items = document.items
    hasBase = base != nil
    ownHost = host.bytes
    digests = items.map { ContentDigest(of: $0.content) }
    outcomes = Array(repeating: nil, count: items.count)
    matchUnchanged(base)
    pairWithBases(known, looksUpGone: looksUpGone)
  }

  /// Ids whose history has to be asked for: something is known of them, but not what the file says.
  var idsToAskFor: Set<ByteString> { Set(undecided.map { items[$0.item].id }) }

  /// Decides what was left open.
  /// - Parameter past: values of ``idsToAskFor`` from history.
  mutating func decide(past: [KnownValue]) {
    let pastByID = Dictionary(grouping: past, by: \.id).compactMapValues(KnownValues.init)
    for (item, base) in undecided {
      let id = items[item].id
      if let value = recognisable(item, base: base, among: pastByID[id]) {
        recognise(item, as: value, previous: base)
      } else if base == nil, isCopy(item, among: values[id]) || isCopy(item, among: pastByID[id]) {
        outcomes[item] = .copy
      } else {
        decideWithoutRecognition(item, base: base)
      }
    }
    undecided = []
  }

  /// Whether a base item is a damaged line.
  func isQuarantine(_ item: IngestBase.Item) -> Bool {
    Quarantine.mayBe(item.id) && winner(of: item.uniqueID, item.id)?.metadata.kind == Quarantine.kind
  }

  /// Whether anything that a base item stands for is live. Only for ids that were looked up.
  func isLive(_ item: IngestBase.Item) -> Bool {
    isLive(item.uniqueID, item.id) || item.others.keys.contains { isLive($0, item.id) }
  }

  /// Whether a line is damaged that was not when the file was last ingested.
  var isNewlyDamaged: Bool {
    zip(items, outcomes).contains { item, outcome in
      guard item.kind == Quarantine.kind else { return false }
      if case .unchanged = outcome { return false }
      return true
    }
  }

  // MARK: Unchanged

  private struct Key: Hashable {
    var id: ByteString
    var digest: ContentDigest
  }

  private mutating func matchUnchanged(_ base: IngestBase?) {
    let baseItems = base.map { $0.items.filter { !$0.isVanished } + $0.items.filter(\.isVanished) } ?? []
    var byKey: [Key: [Int]] = [:]
    for index in baseItems.indices.reversed() {
      byKey[Key(id: baseItems[index].id, digest: baseItems[index].contentDigest), default: []].append(index)
    }
    var isMatched = Array(repeating: false, count: baseItems.count)
    for index in items.indices {
      guard let matched = byKey[Key(id: items[index].id, digest: digests[index])]?.popLast() else {
        if groups[items[index].id] == nil { openIDs.append(items[index].id) }
        groups[items[index].id, default: Group()].items.append(index)
        continue
      }
      isMatched[matched] = true
      var item = baseItems[matched]
      item.isVanished = false
      outcomes[index] = .unchanged(item)
    }
    for index in baseItems.indices {
      let id = baseItems[index].id
      if isMatched[index] {
        groups[id]?.claimed.insert(baseItems[index].uniqueID)
      } else if groups[id] != nil {
        groups[id]?.bases.append(baseItems[index])
      } else {
        gone.append(baseItems[index])
      }
    }
  }

  // MARK: Changed or new

  private mutating func pairWithBases(_ known: KnownState, looksUpGone: Bool) {
    func isAskedFor(_ id: ByteString) -> Bool { looksUpGone || Quarantine.mayBe(id) }
    values = known.values(of: Set(openIDs + gone.map(\.id).filter(isAskedFor)))
    for id in openIDs { pairGroup(id) }
    // Fewer items than base items of one id: those that are left over.
    let missing = Set(gone.map(\.id).filter(isAskedFor)).subtracting(values.keys)
    values.merge(known.values(of: missing)) { current, _ in current }
  }

  private mutating func pairGroup(_ id: ByteString) {
    guard let group = groups[id] else { return }
    let current = values[id]
    var open = group.items
    // No unique_id may stand for two items: those of the base are taken before anything is recognised.
    groups[id]?.claimed.formUnion(group.bases.map(\.uniqueID))

    // First those that took over the newer value of the very unique_id they were.
    var bases = Dictionary(group.bases.map { ($0.uniqueID, $0) }, uniquingKeysWith: { first, _ in first })
    open.removeAll { item in
      for value in current?.saying(digests[item]) ?? [] {
        guard let base = bases[value.metadata.uniqueID], value.metadata.stamp > base.stamp,
          isLive(base.uniqueID, id)
        else { continue }
        bases[base.uniqueID] = nil
        outcomes[item] = .recognised(value, previous: base)
        return true
      }
      return false
    }
    // Then in order: the k-th that is left was the k-th of the base.
    var left = group.bases.filter { bases[$0.uniqueID] != nil }[...]
    for item in open {
      let base = left.popFirst()
      if let value = recognisable(item, base: base, among: current) {
        recognise(item, as: value, previous: base)
      } else if base == nil, groups[id]?.isUndecided == false, isCopy(item, among: current) {
        outcomes[item] = .copy
      } else if isHistoryNeeded(base, current) {
        undecided.append((item, base))
        groups[id]?.isUndecided = true
      } else {
        decideWithoutRecognition(item, base: base)
      }
    }
    gone += left
    groups[id]?.bases = []
  }

  /// The value that an item is, when it is not the user's own edit.
  ///
  /// - With a base item, only a value *newer* than what the file showed: another program brought the file forward.
  ///   Going back to an older value is something a user does on purpose, and it has to win.
  /// - Without one, any value. But where the file had a base and the unique_id is deleted, the user has added it
  ///   again: that lives. Without any base (a new machine with an old copy of the file) what was deleted stays so.
  private func recognisable(_ item: Int, base: IngestBase.Item?, among candidates: KnownValues?) -> KnownValue? {
    guard let candidates else { return nil }
    let id = items[item].id
    let claimed = groups[id]?.claimed ?? []
    var deleted: KnownValue?
    for value in candidates.saying(digests[item]) {
      let uniqueID = value.metadata.uniqueID
      if claimed.contains(uniqueID), uniqueID != base?.uniqueID { continue }
      if let base, value.metadata.stamp <= base.stamp { continue }
      if isLive(uniqueID, id) { return value }
      if !hasBase, deleted == nil { deleted = value }
    }
    return deleted
  }

  /// Whether an item that no base item is left for says what was replaced in what another item of its id stands for:
  /// a copy that was left behind, or a line that is mended after its entry went on elsewhere. Stamping it would let
  /// stale data win. The base knows nothing of a copy: where the other item goes and it stays, somebody went back to it.
  private func isCopy(_ item: Int, among candidates: KnownValues?) -> Bool {
    guard let candidates, let group = groups[items[item].id] else { return false }
    return candidates.saying(digests[item]).contains { value in
      guard group.claimed.contains(value.metadata.uniqueID), isReplaced(value) else { return false }
      guard let edit = group.edits[value.metadata.uniqueID] else { return true }
      return edit.digest != value.contentDigest && edit.known.covers(value.metadata.stamp)
    }
  }

  /// Whether somebody who had seen the value wrote another one in its place.
  private func isReplaced(_ value: KnownValue) -> Bool {
    guard let winner = winner(of: value.metadata.uniqueID, value.id), !winner.metadata.isDeleted else { return false }
    return winner.contentDigest != value.contentDigest && winner.metadata.stamp > value.metadata.stamp
      && winner.metadata.hasSeen(value.metadata.stamp)
  }

  /// Whether a live value can be written above: not at the end of time.
  private func isEditable(_ uniqueID: ByteString, _ id: ByteString) -> Bool {
    winner(of: uniqueID, id).map { !$0.metadata.isDeleted && $0.metadata.stamp.instant < .latest } ?? false
  }

  private func isLive(_ uniqueID: ByteString, _ id: ByteString) -> Bool {
    winner(of: uniqueID, id).map { !$0.metadata.isDeleted } ?? false
  }

  private func winner(of uniqueID: ByteString, _ id: ByteString) -> KnownValue? {
    values[id]?.winner(of: uniqueID)
  }

  /// Whether history can hold a value that would be recognised: reading it is dear.
  private func isHistoryNeeded(_ base: IngestBase.Item?, _ current: KnownValues?) -> Bool {
    guard let base else { return current != nil || isCollected && !hasBase }
    return current.map { $0.greatest > base.stamp } ?? false
  }

  private mutating func decideWithoutRecognition(_ item: Int, base: IngestBase.Item?) {
    let id = items[item].id
    if let base {
      let winner = winner(of: base.uniqueID, id)
      // Above the end of time nothing can be written: the edit is an addition then, and a conflict.
      let isEditable = winner.map { $0.metadata.stamp.instant < .latest } ?? true
      outcomes[item] = isEditable ? .edited(base, winner: winner) : .added
      if isEditable { groups[id]?.edits[base.uniqueID] = (digests[item], base.known) }
    } else if let own = ownValue(id), let winner = winner(of: own.metadata.uniqueID, id) {
      // The base is lost, or this id left the file and came back: it is an edit of what this host wrote last.
      claim(own.metadata.uniqueID, of: id)
      let lost = IngestBase.Item(
        id: id, uniqueID: own.metadata.uniqueID, contentDigest: own.contentDigest, version: own.metadata.version,
        stamp: own.metadata.stamp, known: KnownStamps(of: own.metadata))
      outcomes[item] = .edited(lost, winner: winner)
      groups[id]?.edits[lost.uniqueID] = (digests[item], lost.known)
    } else {
      outcomes[item] = .added
    }
  }

  /// The oldest live unique_id of an id that this host has written and that no item stands for.
  private mutating func ownValue(_ id: ByteString) -> KnownValue? {
    var own =
      ownValues[id]
      ?? (values[id]?.all ?? [])
      .filter { $0.metadata.stamp.host == ownHost && !$0.metadata.isDeleted && isEditable($0.metadata.uniqueID, id) }
      .sorted { (IngestMatching.created($1), $0.metadata.stamp) < (IngestMatching.created($0), $1.metadata.stamp) }
    // Each is passed over once, so that an id of thousands of items costs no more than as many ids.
    while let oldest = own.last, groups[id]?.claimed.contains(oldest.metadata.uniqueID) == true { own.removeLast() }
    ownValues[id] = own
    return own.last
  }

  private static func created(_ value: KnownValue) -> Instant {
    UniqueID(value.metadata.uniqueID)?.created ?? value.metadata.stamp.instant
  }

  private mutating func recognise(_ item: Int, as value: KnownValue, previous: IngestBase.Item?) {
    let id = items[item].id
    outcomes[item] = .recognised(value, previous: previous)
    // What it was is nobody's now.
    if let previous { groups[id]?.claimed.remove(previous.uniqueID) }
    claim(value.metadata.uniqueID, of: id)
  }

  private mutating func claim(_ uniqueID: ByteString, of id: ByteString) { groups[id]?.claimed.insert(uniqueID) }
}
