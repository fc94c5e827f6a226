import CRDT

extension MemoryDocument {
  /// The file `bytes`, from which this document was parsed, changed so that it holds these entries and nothing else.
  ///
  /// What does not change keeps its bytes: an item that says what its entry says, white space outside strings aside;
  /// the members of a changed one that are the same; and everything between. What is changed or added looks like what
  /// is around it. New entries stand behind the last item in the order of their creation (in a graph entities behind
  /// the last entity, plain records in front), or in the place of the one nameless record that is gone and of their form;
  /// one that is gone takes its separator along. Of several items of one id
  /// the first that equals the entry, else the first, stands for it, and the others go. What
  /// ``MemoryFormat/canHold(_:)`` denies is left out, and so is what is not in the file yet and
  /// ``MemoryFormat/canGain(_:)`` denies. Parsed again the file holds just what it was to hold, so that
  /// doing this again changes nothing.
  ///
  /// A line-based file may be left with no line that is an object, and then with no bytes, which no parser takes.
  /// - Parameters:
  ///   - entries: live entries, one an id, as the view of an ``EntryTable`` gives them.
  ///   - isKept: items that stay where and as they are, and stand for their id, as lines in quarantine always do.
  /// - Returns: `bytes` itself where nothing changed, or where it is not what this document was parsed from.
  /// - Complexity: O(n log n)
  public func rewritten(_ bytes: [UInt8], toHold entries: [Entry], keeping isKept: (Item) -> Bool = { _ in false })
    -> [UInt8]
  {
    let codec = format.codec
    let kept = items.filter { $0.kind == Quarantine.kind || isKept($0) }.map(\.id)
    let entries = codec.heldTogether(entries, besides: kept)
    let fates = LayoutFates(items, toHold: entries, in: codec, keeping: isKept)
    if fates.isUnchanged { return bytes }
    if bytes.allSatisfy({ $0 <= 0x20 }), !codec.isLineBased { return format.render(fates.missing.map(\.entry)) }
    if let rewritten = codec.rewritten(bytes, items, fates) { return rewritten }
    let bytes =
      fates.missing.isEmpty
      ? bytes : codec.completed(LayoutSource(bytes, isLineBased: codec.isLineBased), for: fates.missing.map(\.content))
    guard let layout = try? codec.layout(of: bytes.span.bytes) else { return bytes }
    var rewriter = LayoutRewriter(bytes, layout, items, fates, codec)
    return rewriter.rewrite()
  }
}

/// Rewrites a file record by record; see ``MemoryDocument/rewritten(_:toHold:keeping:)``.
struct LayoutRewriter {
  typealias Fate = LayoutFates.Fate

  let source: LayoutSource
  let codec: any FormatCodec.Type
  let layout: FileLayout
  let items: [MemoryDocument.Item]
  let fates: [Fate]
  private let missing: [(entry: Entry, content: [UInt8])]

  /// What stands where: for each list and record its slot, `nil` for what goes.
  var slots: [[LayoutSlot?]]
  private var roles: [[FileLayout.Role]]
  /// What the line of a new record begins with, by list.
  private var indentations: [Int: [UInt8]] = [:]
  /// Where new records go, by list and role.
  private var anchors: [[FileLayout.Role: Int]]
  /// Lines that are no object.
  private var damaged: Set<Int> = []
  /// New records of a list behind an old one.
  private var additions: [[Int: [[UInt8]]]]

  init(
    _ bytes: [UInt8], _ layout: FileLayout, _ items: [MemoryDocument.Item], _ fates: LayoutFates,
    _ codec: any FormatCodec.Type
  ) {
    source = LayoutSource(bytes, isLineBased: codec.isLineBased)
    self.codec = codec
    self.layout = layout
    self.items = items
    self.fates = fates.fates
    missing = fates.missing
    slots = layout.lists.map { $0.records.indices.map { .kept($0) } }
    roles = layout.lists.map { $0.records.map { _ in .plain } }
    additions = layout.lists.map { _ in [:] }
    anchors = layout.lists.map { _ in [:] }
  }

  mutating func rewrite() -> [UInt8] {
    var entities = LayoutEntities()
    rewriteRecords(&entities)
    addMissing(&entities)
    let output = text(of: layout.lists.indices.map(allSlots))
    guard codec.isLineBased, !damaged.isEmpty, (try? codec.items(of: output.span.bytes)) == nil else { return output }
    // Damaged lines at the top tell nobody what the file is made of: a line that does goes in front of them.
    var lines = allSlots(of: 0)
    guard let first = lines.firstIndex(where: { $0.old.map { !damaged.contains($0) } ?? true }) else { return output }
    lines.insert(lines.remove(at: first), at: 0)
    return text(of: [lines])
  }

  private func text(of lists: [[LayoutSlot]]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(source.bytes.count)
    var end = 0
    for (list, slots) in zip(layout.lists, lists) {
      output += source.bytes[end..<list.interior.lowerBound]
      output += list.sequence.text(slots, in: source)
      end = list.interior.upperBound
    }
    return output + source.bytes[end...]
  }

  private func allSlots(of list: Int) -> [LayoutSlot] {
    var all = (additions[list][-1] ?? []).map(LayoutSlot.new)
    for (index, slot) in slots[list].enumerated() {
      if let slot { all.append(slot) }
      all += (additions[list][index] ?? []).map(LayoutSlot.new)
    }
    return all
  }

  // MARK: Records that are there

  private mutating func rewriteRecords(_ entities: inout LayoutEntities) {
    var next = 0
    for (number, list) in layout.lists.enumerated() {
      while next < items.count, items[next].range.lowerBound < list.interior.lowerBound { next += 1 }
      for (index, record) in list.records.enumerated() {
        let first = next
        while next < items.count, items[next].range.lowerBound < record.range.upperBound { next += 1 }
        let place = LayoutEntities.Place(list: number, index: index)
        rewriteRecord(record, at: place, items: first..<next, &entities)
      }
    }
  }

  private mutating func rewriteRecord(
    _ record: FileLayout.Record, at place: LayoutEntities.Place, items own: Range<Int>,
    _ entities: inout LayoutEntities
  ) {
    if let item = own.first, items[item].kind == Quarantine.kind {
      damaged.insert(place.index)
      return
    }
    if source.kind(record.value) == .string { roles[place.list][place.index] = .string }
    if source.kind(record.value) == .object {
      let members = source.members(record.value)
      switch codec.graphRecord(members, source.bytes.span.bytes, list: place.list) {
      case .entity(let name, let observations):
        let id = GraphIdentity.entity(ByteString(bytes: name))
        if own.allSatisfy({ items[$0].kind == Observation.kind || items[$0].id == id }) {
          roles[place.list][place.index] = .entity
          let observed = own.filter { items[$0].kind == Observation.kind }
          let entity = LayoutEntities.Record(
            place: place, item: own.first { items[$0].kind == nil }, observed: observed, list: observations.value)
          entities.append(entity, name: ByteString(bytes: name))
          return
        }
      case .relation: roles[place.list][place.index] = .relation
      case nil: break
      }
    }
    guard let item = own.first else { return }
    switch fates[item] {
    case .kept: break
    case .removed: slots[place.list][place.index] = nil
    case .stands(let content):
      if content == items[item].content { break }
      if let name = LayoutEntities.name(ofEntity: content, in: codec),
        GraphIdentity.entity(name) == items[item].id
      {
        entities.convert(place, name, to: content)
      } else {
        slots[place.list][place.index] = changed(place, to: content)
      }
    }
  }

  /// The record at `place` changed to say `content`.
  /// - Parameter observations: the text of an entity's observations.
  func changed(_ place: LayoutEntities.Place, to content: [UInt8], observations: [UInt8]? = nil) -> LayoutSlot {
    let list = layout.lists[place.list]
    let record = list.records[place.index]
    let element = codec.element(for: content, replacing: record, like: nil, in: source)
    let value: [UInt8]
    if source.kind(record.value) == .object, element.value.first == 0x7B {
      var members = LayoutMember.all(of: element.value)
      if let observations {
        for index in members.indices where members[index].decodedName == LayoutEntities.observationsName {
          members[index].value = .text(observations)
        }
      }
      value = source.editedObject(record.value, to: members, depth: list.depth + 1, keepsMetadata: true)
    } else {
      value = source.edited(record.value, to: element.value, depth: list.depth + 1)
    }
    return .changed(place.index, around(record, key: element.key, value))
  }

  /// The text of a record with another value, and another key where it has one.
  func around(_ record: FileLayout.Record, key: [UInt8]? = nil, _ value: [UInt8]) -> [UInt8] {
    var text: [UInt8]
    if let old = record.key, let key {
      text = key + source.slice(old.upperBound..<record.value.lowerBound)
    } else {
      text = source.slice(record.range.lowerBound..<record.value.lowerBound)
    }
    text += value
    text += source.slice(record.value.upperBound..<record.range.upperBound)
    return text
  }

  // MARK: Records that are not

  private mutating func addMissing(_ entities: inout LayoutEntities) {
    var records: [(content: [UInt8], role: FileLayout.Role, name: ByteString?)] = []
    for (entry, content) in missing {
      if entry.metadata.kind == Observation.kind, let observation = Observation(content: content) {
        entities.add(observation.value, of: ByteString(bytes: observation.entity))
        continue
      }
      let span = content.span.bytes
      let members = (try? JSONObject.members(at: 0, span).members) ?? []
      let graph = GraphRecord(members, span)
      switch graph {
      case .entity(let name, _) where graph?.id == entry.id:
        let name = ByteString(bytes: name)
        if entities.promote(name, to: content) { continue }
        records.append((content, .entity, name))
      case .relation where graph?.id == entry.id: records.append((content, .relation, nil))
      default: records.append((content, .plain, nil))
      }
    }
    entities.rewrite(&self)
    for (content, role, name) in records {
      let values = name.map { entities.takeAdded($0) } ?? []
      add(LayoutEntities.splice(values, into: content), role)
    }
    for name in entities.addedNames {
      let values = entities.takeAdded(name)
      if !values.isEmpty { add(RecordAssembly.placeholder(name.bytes, values), .entity) }
    }
  }

  private mutating func add(_ content: [UInt8], _ role: FileLayout.Role) {
    let number = layout.lists.firstIndex { $0.isOfRelations == (role == .relation) } ?? 0
    let list = layout.lists[number]
    let element = codec.element(for: content, replacing: nil, like: list.records.first, in: source)
    let actual = element.value.first == 0x22 ? FileLayout.Role.string : role
    let anchor =
      anchors[number][actual] ?? FileLayout.List.anchor(for: actual, in: codec.order, among: roles[number])
    anchors[number][actual] = anchor
    let indentation = indentations[number] ?? list.sequence.indentation(in: source)
    indentations[number] = indentation
    let value = source.style.text(of: element.value, depth: list.depth + 1, indentation: indentation)
    let key = element.key.map { $0 + source.style.colon } ?? []
    additions[number][anchor, default: []].append(key + value)
  }
}
