import CRDT

/// Makes items of one object of a memory file: who it is, and what it says.
///
/// Identity, in every format alike, so that a store may be fed from files of different forms:
/// 1. an object with an `id` goes by that;
/// 2. a record of a graph goes by its name or triple (in the graph format before its `id`);
/// 3. anything else goes by the digest of its content.
enum RecordReader {
  enum Identity {
    /// An `id` comes before what a graph record is called.
    case idMember
    /// A graph record goes by its name even where it has an `id`.
    case graph
  }

  /// What stands as the type of an entity that is shown only because an observation outlived it: see
  /// ``RecordAssembly``.
  static let removedEntityType = Array("(removed)".utf8)

  /// What an object goes by, in every format but the graph's.
  /// - Parameter content: the compact object without metadata.
  static func identity(of members: [JSONMember], content: [UInt8], _ bytes: RawSpan) -> ByteString {
    EntryIdentity.idMember(in: members, bytes) ?? GraphRecord(members, bytes)?.id
      ?? EntryIdentity.contentID(of: content)
  }

  /// Appends the items of one object.
  /// - Parameter shift: what to add to offsets in `bytes` to get those in the file.
  /// - Returns: whether the object has a name of its own.
  @discardableResult
  static func append(
    members: [JSONMember], range: Range<Int>, in bytes: RawSpan, line: Int, shift: Int = 0, identity: Identity,
    to items: inout [MemoryDocument.Item]
  ) -> Bool {
    let inFile = range.lowerBound + shift..<range.upperBound + shift
    let own = EntryIdentity.idMember(in: members, bytes)
    let record = own == nil || identity == .graph ? GraphRecord(members, bytes) : nil
    switch record {
    case .entity(let name, let observations):
      appendEntity(name, observations, members, in: bytes, line: line, shift: shift, range: inFile, to: &items)
    case .relation:
      items.append(
        MemoryDocument.Item(
          id: record?.id ?? "", content: content(of: members, range, bytes), line: line, range: inFile))
    case nil:
      let content = content(of: members, range, bytes)
      items.append(
        MemoryDocument.Item(
          id: own ?? EntryIdentity.contentID(of: content), content: content, line: line, range: inFile))
    }
    return own != nil || record != nil
  }

  /// The entity with its observations taken out in place, then each of them.
  private static func appendEntity(
    _ name: [UInt8], _ observations: JSONMember, _ members: [JSONMember], in bytes: RawSpan, line: Int, shift: Int,
    range: Range<Int>, to items: inout [MemoryDocument.Item]
  ) {
    // The members were scanned before, so this cannot fail.
    let elements = (try? JSONObject.elements(at: observations.value.lowerBound, bytes, depth: 2).elements) ?? []
    if !isPlaceholder(members, bytes) {
      var content: [UInt8] = [0x7B]
      for member in members where !EntryTable.isMetadataName(member.name, bytes) {
        if content.count > 1 { content.append(0x2C) }
        if member == observations {
          content += JSONText.slice(bytes, member.whole.lowerBound..<member.name.range.upperBound + 1)
          content += [0x3A, 0x5B, 0x5D]
        } else {
          JSONText.appendCompact(bytes, member.whole, to: &content)
        }
      }
      content.append(0x7D)
      items.append(
        MemoryDocument.Item(
          id: GraphIdentity.entity(ByteString(bytes: name)), content: content, line: line, range: range))
    }
    for element in elements {
      var value: [UInt8] = []
      JSONText.appendCompact(bytes, element, to: &value)
      items.append(
        MemoryDocument.Item(
          id: GraphIdentity.observation(of: ByteString(bytes: name), value: value),
          content: Observation(entity: name, value: value).content, kind: Observation.kind, line: line,
          range: element.lowerBound + shift..<element.upperBound + shift))
    }
  }

  /// Whether an entity is exactly what ``RecordAssembly`` writes for observations without one.
  private static func isPlaceholder(_ members: [JSONMember], _ bytes: RawSpan) -> Bool {
    guard members.count == 4, members[0].isNamed("type", bytes), members[1].isNamed("name", bytes),
      members[2].isNamed("entityType", bytes), members[3].isNamed("observations", bytes)
    else { return false }
    return JSONObject.string(members[2].value, bytes) == removedEntityType
  }

  /// The object compact and without metadata that somebody copied in from a state.
  static func content(of members: [JSONMember], _ range: Range<Int>, _ bytes: RawSpan) -> [UInt8] {
    var content: [UInt8] = []
    content.reserveCapacity(range.count)
    if members.contains(where: { EntryTable.isMetadataName($0.name, bytes) }) {
      content.append(0x7B)
      for member in members where !EntryTable.isMetadataName(member.name, bytes) {
        if content.count > 1 { content.append(0x2C) }
        JSONText.appendCompact(bytes, member.whole, to: &content)
      }
      content.append(0x7D)
    } else {
      JSONText.appendCompact(bytes, range, to: &content)
    }
    return content
  }
}
