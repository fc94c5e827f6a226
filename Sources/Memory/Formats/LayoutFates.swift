import CRDT

/// What becomes of a file's items, and which entries are not among them yet.
struct LayoutFates {
  enum Fate {
    /// Stays as it is, whatever the view says.
    case kept
    /// Stands for an entry of this content.
    case stands([UInt8])
    case removed
  }

  private(set) var fates: [Fate]
  /// In the order of creation.
  private(set) var missing: [(entry: Entry, content: [UInt8])] = []
  /// Whether the file holds just these entries as it is.
  private(set) var isUnchanged = true

  /// An observation and a record may be called alike, and are still two things.
  private struct Key: Hashable {
    var id: ByteString
    var isObservation: Bool
  }

  init(
    _ items: [MemoryDocument.Item], toHold entries: [Entry], in codec: any FormatCodec.Type,
    keeping isKept: (MemoryDocument.Item) -> Bool
  ) {
    var wanted: [Key: (entry: Entry, content: [UInt8])] = [:]
    for entry in entries where entry.metadata.kind != Quarantine.kind {
      wanted[Key(id: entry.id, isObservation: entry.metadata.kind == Observation.kind)] = (entry, entry.content)
    }

    fates = Array(repeating: .removed, count: items.count)
    var chosen: [Key: Int] = [:]
    var keptKeys: Set<Key> = []
    for (index, item) in items.enumerated() {
      let key = Key(id: item.id, isObservation: item.kind == Observation.kind)
      if item.kind == Quarantine.kind || isKept(item) {
        fates[index] = .kept
        keptKeys.insert(key)
      } else if let entry = wanted[key] {
        // The first that equals the entry, else the first.
        if let first = chosen[key] {
          if items[first].content != entry.content, item.content == entry.content { chosen[key] = index }
        } else {
          chosen[key] = index
        }
      }
    }
    for (key, index) in chosen {
      guard let (entry, content) = wanted[key] else { continue }
      if items[index].content == content {
        fates[index] = .stands(content)
      } else if codec.canHold(entry) {
        fates[index] = .stands(content)
        isUnchanged = false
      }
    }
    let absent = wanted.filter { chosen[$0.key] == nil && !keptKeys.contains($0.key) && codec.canHold($0.value.entry) }
    if !absent.isEmpty {
      missing = RecordAssembly.inOrderOfCreation(absent.map(\.value.entry)).map { ($0, $0.content) }
    }
    isUnchanged =
      isUnchanged && missing.isEmpty
      && fates.allSatisfy { if case .removed = $0 { false } else { true } }
  }
}
