import CRDT

/// What this host's memory file said when it was last ingested, and which values of the state that was.
///
/// The difference between the file and its base is what the user did. Private to an installation and never committed;
/// without it the next ingest recognises what it can by value and stamps only what nobody knows.
///
/// It has to be made durable *after* the entries of the same ``IngestResult``: a base that is ahead of the state
/// would call a value unchanged that no backup holds.
public struct IngestBase: Hashable, Sendable {
  /// One item of the file.
  public struct Item: Hashable, Sendable {
    /// The item's own name.
    public var id: ByteString
    /// The value in the state that the file's value is.
    public var uniqueID: ByteString
    /// The file's content.
    public var contentDigest: ContentDigest
    /// That value's version.
    public var version: UInt64
    /// That value's stamp, to the nanosecond, rounded up.
    public var stamp: Stamp
    /// What the file's value had seen of this unique_id, itself included. A newer value of another host that this file
    /// never showed is not in it, so that an edit here is concurrent to it and not its successor.
    public var known: KnownStamps
    /// Other unique_ids of the same id that the file has stood for: what it showed earlier, and what the view left out
    /// when it was written back. Deleting the item deletes these too, as far as they were known.
    public var others: [ByteString: KnownStamps]
    /// Gone from the file, kept in the state (one-way backup).
    public var isVanished: Bool

    public init(
      id: ByteString, uniqueID: ByteString, contentDigest: ContentDigest, version: UInt64, stamp: Stamp,
      known: KnownStamps, others: [ByteString: KnownStamps] = [:], isVanished: Bool = false
    ) {
      self.id = id
      self.uniqueID = uniqueID
      self.contentDigest = contentDigest
      self.version = version
      self.stamp = Stamp(instant: stamp.instant.roundedUpToNanoseconds, host: stamp.host)
      self.known = known
      self.others = others
      self.isVanished = isVanished
    }
  }

  /// The digest of the file's bytes, as the caller makes it: equal means there is nothing to ingest.
  public var fileDigest: String
  public var format: MemoryFormat
  /// In the file's order, vanished ones behind.
  public var items: [Item]

  public init(fileDigest: String, format: MemoryFormat, items: [Item]) {
    self.fileDigest = fileDigest
    self.format = format
    self.items = items
  }

  /// Items that are no longer in the memory file and kept.
  public var vanishedCount: Int { items.count { $0.isVanished } }

  /// Follows a host that took another name: its own unique_ids have new keys, and what it wrote of them new stamps.
  /// - Parameter uniqueIDs: old key → new key; items of other keys stay as they are.
  public mutating func rename(_ host: HostName, to name: HostName, uniqueIDs: [ByteString: ByteString]) {
    func renamed(_ stamps: KnownStamps) -> KnownStamps {
      var stamps = stamps
      stamps.rename(host.bytes, to: name.bytes)
      return stamps
    }
    for index in items.indices {
      let others = items[index].others.map { key, stamps in
        uniqueIDs[key].map { ($0, renamed(stamps)) } ?? (key, stamps)
      }
      items[index].others = Dictionary(others, uniquingKeysWith: { first, _ in first })
      guard let uniqueID = uniqueIDs[items[index].uniqueID] else { continue }
      items[index].uniqueID = uniqueID
      items[index].known = renamed(items[index].known)
      if items[index].stamp.host == host.bytes { items[index].stamp.host = name.bytes }
    }
  }

  /// The base of a file that was just written from the view: every item is the value shown, and has seen all there is.
  ///
  /// An item that is not in the view is left out, so that the next ingest takes it up as new.
  /// - Parameters:
  ///   - document: the bytes that were written, parsed.
  ///   - known: the state that the view was made of.
  ///   - previous: the base before: what it says of a kept item stands, so that it stays an edit of what it was.
  ///   - isKept: whether an item was left in the file as its user wrote it, whatever the view says.
  /// - Complexity: O(n)
  public static func ofWrittenView(
    _ document: MemoryDocument, fileDigest: String, known: KnownState, previous: IngestBase? = nil,
    keeping isKept: (MemoryDocument.Item) -> Bool = { _ in false }
  ) -> IngestBase {
    let values = known.values(of: Set(document.items.map(\.id)))
    var taken: Set<ByteString> = []
    var items: [Item] = []
    items.reserveCapacity(document.items.count)
    for item in document.items {
      let candidates = values[item.id]?.all ?? []
      let digest = ContentDigest(of: item.content)
      if isKept(item) {
        if let before = previous?.items.first(where: { $0.id == item.id && !taken.contains($0.uniqueID) }) {
          taken.insert(before.uniqueID)
          items.append(before)
        }
        continue
      }
      // What is no memory has ids of its own: a checkpoint may be called as an entry is.
      let live = candidates.filter {
        $0.isWinner && !$0.metadata.isDeleted
          && ($0.metadata.kind == item.kind || $0.metadata.kind.map(EntryTable.visibleKinds.contains) ?? true)
      }
      guard
        let shown = live.first(where: { $0.contentDigest == digest && !taken.contains($0.metadata.uniqueID) })
      else { continue }
      taken.insert(shown.metadata.uniqueID)
      var vectors: [ByteString: KnownStamps] = [:]
      let liveIDs = Set(live.map(\.metadata.uniqueID))
      for value in candidates where liveIDs.contains(value.metadata.uniqueID) {
        vectors[value.metadata.uniqueID, default: KnownStamps()].formUnion(KnownStamps(of: value.metadata))
      }
      let vector = vectors.removeValue(forKey: shown.metadata.uniqueID) ?? KnownStamps(of: shown.metadata)
      items.append(
        Item(
          id: item.id, uniqueID: shown.metadata.uniqueID, contentDigest: digest, version: shown.metadata.version,
          stamp: shown.metadata.stamp, known: vector, others: vectors))
    }
    return IngestBase(fileDigest: fileDigest, format: document.format, items: items)
  }
}
