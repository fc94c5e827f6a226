import CRDT

/// The entities of a graph in a file that is rewritten: each observation in its array is an item of its own.
struct LayoutEntities {
  /// A record's list and its place there.
  struct Place {
    var list: Int
    var index: Int
  }

  /// An entity as it stands in the file.
  struct Record {
    var place: Place
    /// The entity's own item; a placeholder has none.
    var item: Int?
    /// The items of its observations, one an element.
    var observed: [Int]
    /// The array of its observations.
    var list: Range<Int>
  }

  static let observationsName = ByteString("observations")

  private var records: [ByteString: [Record]] = [:]
  private var names: [ByteString] = []
  /// Observations that are to be shown and stand nowhere yet, compact, by their entity.
  private var added: [ByteString: [[UInt8]]] = [:]
  private(set) var addedNames: [ByteString] = []
  /// Entities whose record in the file is none yet.
  private var promoted: [ByteString: [UInt8]] = [:]
  /// Plain records under an entity's id that become the entity.
  private var converted: [ByteString: (place: Place, content: [UInt8])] = [:]

  mutating func append(_ record: Record, name: ByteString) {
    if records[name] == nil { names.append(name) }
    records[name, default: []].append(record)
  }

  /// Takes note of an observation that is not in the file.
  mutating func add(_ value: [UInt8], of name: ByteString) {
    if added[name] == nil { addedNames.append(name) }
    added[name, default: []].append(value)
  }

  /// Lets a placeholder become the entity. False where the file has no record of this name.
  mutating func promote(_ name: ByteString, to content: [UInt8]) -> Bool {
    guard records[name] != nil else { return false }
    promoted[name] = content
    return true
  }

  /// Lets a plain record become the entity, and the one that holds its observations.
  mutating func convert(_ place: Place, _ name: ByteString, to content: [UInt8]) { converted[name] = (place, content) }

  /// The observations of a name that went nowhere yet.
  mutating func takeAdded(_ name: ByteString) -> [[UInt8]] { added.removeValue(forKey: name) ?? [] }

  /// Puts values into the observations of a compact entity.
  static func splice(_ values: [[UInt8]], into content: [UInt8]) -> [UInt8] {
    if values.isEmpty { return content }
    let span = content.span.bytes
    let members = (try? JSONObject.members(at: 0, span).members) ?? []
    guard case .entity(_, let observations) = GraphRecord(members, span) else { return content }
    return RecordAssembly.splice(values, into: content, at: observations.value)
  }

  // MARK: Rewriting

  /// Rewrites every entity of the file, with the observations that were added.
  mutating func rewrite(_ rewriter: inout LayoutRewriter) {
    for name in names {
      var all = records[name] ?? []
      all.removeAll { leave($0, name, &rewriter) }
      let home = converted[name] == nil ? LayoutEntities.home(among: all, rewriter) : -1
      // What lives in a second record of this name goes into the first.
      for (position, record) in all.enumerated() where position != home {
        for item in record.observed {
          guard case .stands(let content) = rewriter.fates[item] else { continue }
          addObservation(content)
        }
      }
      for (position, record) in all.enumerated() {
        let isHome = position == home
        rewriter.slots[record.place.list][record.place.index] = slot(
          of: record, name: name, isHome: isHome, adding: isHome ? takeAdded(name) : [], rewriter)
      }
    }
    for (name, (place, content)) in converted {
      let content = LayoutEntities.splice(takeAdded(name), into: content)
      rewriter.slots[place.list][place.index] = rewriter.changed(place, to: content)
    }
  }

  /// Rewrites a record that stands for something under the entity's id that is no entity: its observations go
  /// elsewhere. False where that is not so.
  private mutating func leave(_ record: Record, _ name: ByteString, _ rewriter: inout LayoutRewriter) -> Bool {
    guard let item = record.item, case .stands(let content) = rewriter.fates[item],
      LayoutEntities.name(ofEntity: content, in: rewriter.codec) != name
    else { return false }
    for item in record.observed {
      if case .removed = rewriter.fates[item] { continue }
      if case .stands(let content) = rewriter.fates[item] {
        addObservation(content)
      } else {
        addObservation(rewriter.items[item].content)
      }
    }
    rewriter.slots[record.place.list][record.place.index] = rewriter.changed(record.place, to: content)
    return true
  }

  private mutating func addObservation(_ content: [UInt8]) {
    guard let observation = Observation(content: content) else { return }
    add(observation.value, of: ByteString(bytes: observation.entity))
  }

  /// The name of a compact entity; `nil` for what goes by an id of its own.
  static func name(ofEntity content: [UInt8], in codec: any FormatCodec.Type) -> ByteString? {
    let span = content.span.bytes
    let members = (try? JSONObject.members(at: 0, span).members) ?? []
    if codec.identity == .idMember, EntryIdentity.idMember(in: members, span) != nil { return nil }
    guard case .entity(let name, _) = GraphRecord(members, span) else { return nil }
    return ByteString(bytes: name)
  }

  private static func home(among records: [Record], _ rewriter: LayoutRewriter) -> Int {
    func has(_ test: (LayoutRewriter.Fate) -> Bool) -> Int? {
      records.firstIndex { $0.item.map { test(rewriter.fates[$0]) } ?? false }
    }
    return has { if case .stands = $0 { true } else { false } }
      ?? has { if case .kept = $0 { true } else { false } } ?? 0
  }

  private func slot(
    of record: Record, name: ByteString, isHome: Bool, adding values: [[UInt8]], _ rewriter: LayoutRewriter
  ) -> LayoutSlot? {
    let observations = observations(of: record, isHome: isHome, adding: values, rewriter)
    let content: [UInt8]
    switch record.item.map({ rewriter.fates[$0] }) {
    case .stands(let standing)?:
      if let item = record.item, rewriter.items[item].content == standing {
        return asItIs(record, observations, rewriter)
      }
      content = standing
    case .kept?: return asItIs(record, observations, rewriter)
    case .removed?:
      if observations.count == 0 { return nil }
      content = RecordAssembly.placeholder(name.bytes, [])
    case nil:
      if isHome, let entity = promoted[name] {
        content = entity
      } else if observations.count == 0, !record.observed.isEmpty {
        return nil
      } else {
        return asItIs(record, observations, rewriter)
      }
    }
    let text = observations.text ?? rewriter.source.slice(record.list)
    return rewriter.changed(record.place, to: content, observations: text)
  }

  /// The record with other observations and nothing else.
  private func asItIs(_ record: Record, _ observations: (text: [UInt8]?, count: Int), _ rewriter: LayoutRewriter)
    -> LayoutSlot
  {
    guard let text = observations.text else { return .kept(record.place.index) }
    let whole = rewriter.layout.lists[record.place.list].records[record.place.index]
    let source = rewriter.source
    return .changed(
      record.place.index,
      source.slice(whole.range.lowerBound..<record.list.lowerBound) + text
        + source.slice(record.list.upperBound..<whole.range.upperBound))
  }

  /// The text of the array, `nil` when it stays as it is, and how many are in it.
  private func observations(of record: Record, isHome: Bool, adding values: [[UInt8]], _ rewriter: LayoutRewriter)
    -> (text: [UInt8]?, count: Int)
  {
    let source = rewriter.source
    let elements = source.elements(record.list)
    let depth = rewriter.layout.lists[record.place.list].depth + 2
    let sequence = LayoutSequence(
      kind: .array, depth: depth, interior: record.list.lowerBound + 1..<record.list.upperBound - 1,
      elements: elements)
    var slots: [LayoutSlot] = []
    var isChanged = !values.isEmpty
    for (index, item) in record.observed.enumerated() where index < elements.count {
      switch rewriter.fates[item] {
      case .kept: slots.append(.kept(index))
      case .stands(let content) where isHome:
        if content == rewriter.items[item].content {
          slots.append(.kept(index))
        } else {
          let value = Observation(content: content)?.value ?? source.compact(elements[index])
          slots.append(.changed(index, source.edited(elements[index], to: value, depth: depth + 1)))
          isChanged = true
        }
      case .stands, .removed: isChanged = true
      }
    }
    if !values.isEmpty {
      let indentation = sequence.indentation(in: source)
      slots += values.map { .new(source.style.text(of: $0, depth: depth + 1, indentation: indentation)) }
    }
    guard isChanged else { return (nil, slots.count) }
    return ([0x5B] + sequence.text(slots, in: source) + [0x5D], slots.count)
  }
}
