import CRDT

/// A record of a knowledge graph, told by its shape.
///
/// Only what fits wholly is one: an entity has a name and an array of observations, a relation its three strings. A
/// member that is there twice, or of another kind, makes the record a plain object that is kept as it is.
enum GraphRecord {
  case entity(name: [UInt8], observations: JSONMember)
  case relation(from: [UInt8], type: [UInt8], to: [UInt8])

  /// - Parameter impliedType: the type of a record that has none.
  init?(_ members: [JSONMember], _ bytes: RawSpan, impliedType: [UInt8]? = nil) {
    guard let type = GraphRecord.type(of: members, bytes) ?? impliedType else { return nil }
    func text(_ name: StaticString) -> [UInt8]? {
      members.only(name, bytes).flatMap { JSONObject.string($0.value, bytes) }
    }
    if type == Array("entity".utf8) {
      guard let name = text("name"), let observations = members.only("observations", bytes),
        JSONObject.kind(at: observations.value.lowerBound, bytes) == .array
      else { return nil }
      self = .entity(name: name, observations: observations)
    } else if type == Array("relation".utf8) {
      guard let from = text("from"), let to = text("to"), let type = text("relationType") else { return nil }
      self = .relation(from: from, type: type, to: to)
    } else {
      return nil
    }
  }

  /// The record's `type`, where it is one string.
  static func type(of members: [JSONMember], _ bytes: RawSpan) -> [UInt8]? {
    members.only("type", bytes).flatMap { JSONObject.string($0.value, bytes) }
  }

  /// The id this record has as an entry.
  var id: ByteString {
    switch self {
    case .entity(let name, _): GraphIdentity.entity(ByteString(bytes: name))
    case .relation(let from, let type, let to):
      GraphIdentity.relation(from: ByteString(bytes: from), type: ByteString(bytes: type), to: ByteString(bytes: to))
    }
  }
}

/// The entry that one observation is: `{"entity":"Ada","content":"likes tea"}`.
struct Observation {
  static let kind: ByteString = "observation"

  /// The name of its entity, decoded.
  var entity: [UInt8]
  /// The observation as written, compact: mostly a string.
  var value: [UInt8]

  init(entity: [UInt8], value: [UInt8]) {
    self.entity = entity
    self.value = value
  }

  /// The entity's name is spelled canonically: respelling it in the entity is no edit of its observations.
  var content: [UInt8] {
    Array(#"{"entity":"#.utf8) + JSONText.quoted(entity) + Array(#","content":"#.utf8) + value + [0x7D]
  }

  /// Reads an entry's content back; `nil` when it is no such thing.
  init?(content: [UInt8]) {
    let bytes = content.span.bytes
    guard let members = try? JSONObject.members(at: 0, bytes).members, members.count == 2,
      let entity = members.only("entity", bytes).flatMap({ JSONObject.string($0.value, bytes) }),
      let value = members.only("content", bytes)
    else { return nil }
    self.init(entity: entity, value: JSONText.slice(bytes, value.value))
  }
}

extension [JSONMember] {
  /// The one member of this name; `nil` when there is none, or more than one.
  func only(_ name: StaticString, _ bytes: RawSpan) -> JSONMember? {
    var found: JSONMember?
    for member in self where member.isNamed(name, bytes) {
      guard found == nil else { return nil }
      found = member
    }
    return found
  }
}

extension JSONMember {
  /// Whether the decoded name is this ASCII text.
  func isNamed(_ text: StaticString, _ bytes: RawSpan) -> Bool {
    if name.hasEscapes {
      return JSONText.decode(name, bytes).elementsEqual(text.description.utf8)
    }
    guard name.range.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount
    where JSONScanner.byte(bytes, name.range.lowerBound + index) != text.utf8Start[index] { return false }
    return true
  }
}
