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
        // The first that says what the entry says, else the first.
        if let first = chosen[key] {
          if !EntryIdentity.isSameMeaning(items[first].content, entry.content),
            EntryIdentity.isSameMeaning(item.content, entry.content)
          {
            chosen[key] = index
          }
        } else {
          chosen[key] = index
        }
      }
    }
    for (key, index) in chosen {
      guard let (entry, content) = wanted[key] else { continue }
      if EntryIdentity.isSameMeaning(items[index].content, content) {
        // In the spelling of whoever wrote the file: else two programs would rewrite it in turn.
        fates[index] = .stands(items[index].content)
      } else if codec.canHold(entry), codec.isReadable(entry) {
        fates[index] = .stands(content)
        isUnchanged = false
      }
    }
    let absent = wanted.filter {
      chosen[$0.key] == nil && !keptKeys.contains($0.key) && codec.canGain($0.value.entry)
        && codec.isReadable($0.value.entry)
    }
    if !absent.isEmpty {
      missing = RecordAssembly.inOrderOfCreation(absent.map(\.value.entry)).map { ($0, $0.content) }
      placeEdits(items)
    }
    isUnchanged =
      isUnchanged && missing.isEmpty
      && fates.allSatisfy { if case .removed = $0 { false } else { true } }
  }

  /// What has no name of its own goes by its content, so an edit of it is one that goes and one that comes. Where there
  /// is one of each, of the same form, the new one takes the place of the old one.
  private mutating func placeEdits(_ items: [MemoryDocument.Item]) {
    var going: [Form: [Int]] = [:]
    for (index, item) in items.enumerated() {
      guard case .removed = fates[index], let form = Form(item.id, item.content, item.kind) else { continue }
      going[form, default: []].append(index)
    }
    if going.isEmpty { return }
    var coming: [Form: [Int]] = [:]
    for (index, new) in missing.enumerated() {
      guard let form = Form(new.entry.id, new.content, new.entry.metadata.kind) else { continue }
      coming[form, default: []].append(index)
    }
    var placed: Set<Int> = []
    for (form, old) in going where old.count == 1 {
      guard let new = coming[form], new.count == 1 else { continue }
      fates[old[0]] = .stands(missing[new[0]].content)
      placed.insert(new[0])
    }
    if placed.isEmpty { return }
    missing = missing.indices.filter { !placed.contains($0) }.map { missing[$0] }
    isUnchanged = false
  }

  /// What edits of a nameless record leave as it is: the entity of an observation, else the names and kinds of its members.
  private enum Form: Hashable {
    case observation(of: [UInt8])
    case record([[UInt8]])

    /// `nil` for what has a name.
    init?(_ id: ByteString, _ content: [UInt8], _ kind: ByteString?) {
      if kind == Observation.kind {
        guard let observation = Observation(content: content) else { return nil }
        self = .observation(of: observation.entity)
        return
      }
      let span = content.span.bytes
      guard kind == nil, id == EntryIdentity.contentID(of: content),
        let members = try? JSONObject.members(at: 0, span).members
      else { return nil }
      self = .record(
        members.map { member in
          let isString = JSONObject.kind(at: member.value.lowerBound, span) == .string
          return JSONText.decode(member.name, span) + [0, isString ? 1 : 0]
        })
    }
  }
}
