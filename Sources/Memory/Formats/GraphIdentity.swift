import CRDT

/// The ids that the parts of a knowledge graph have as entries.
///
/// `entity:<name>`, `relation:<from>|<type>|<to>` and `observation:<name>|<digest>`; within the latter two `%` and `|`
/// of a part are written `%25` and `%7C`, so that no two records share an id.
public enum GraphIdentity {
  private static let entityPrefix = Array("entity:".utf8)
  private static let relationPrefix = Array("relation:".utf8)
  private static let observationPrefix = Array("observation:".utf8)

  /// The id of an entity.
  public static func entity(_ name: ByteString) -> ByteString { ByteString(bytes: entityPrefix + name.bytes) }

  /// The id of a relation.
  public static func relation(from: ByteString, type: ByteString, to: ByteString) -> ByteString {
    ByteString(bytes: relationPrefix + [from, type, to].map(escaped).joined(separator: [0x7C]))
  }

  /// The id of an observation: its entity, and the digest of what it says. A string goes by its text, so that another
  /// spelling of its escapes is no other observation.
  /// - Parameter value: one JSON value without white space outside strings.
  public static func observation(of entity: ByteString, value: [UInt8]) -> ByteString {
    let canonical = JSONObject.string(0..<value.count, value.span.bytes).map(JSONText.quoted) ?? value
    let digest = EntryIdentity.hexDigest(of: canonical).prefix(32)
    return ByteString(bytes: observations(of: entity) + Array(digest.utf8))
  }

  /// What a person means by an id: the id itself; for an entity (with or without `entity:`) its observations too.
  ///
  /// A plain entry of that very name comes before an entity, and then stands alone. Relations are not included.
  /// - Parameter known: the ids there are.
  /// - Complexity: O(n) over `known`.
  public static func related(to id: ByteString, among known: Set<ByteString>) -> Set<ByteString> {
    let name: ByteString
    if id.bytes.starts(with: entityPrefix) {
      name = ByteString(id.bytes.dropFirst(entityPrefix.count))
    } else {
      if known.contains(id) { return [id] }
      name = id
    }
    let prefix = observations(of: name)
    var related = known.filter { $0.bytes.starts(with: prefix) }
    // Known or not: it may be in history only.
    if related.isEmpty, !known.contains(entity(name)) { related.insert(id) }
    related.insert(entity(name))
    return related
  }

  private static func observations(of entity: ByteString) -> [UInt8] { observationPrefix + escaped(entity) + [0x7C] }

  private static func escaped(_ text: ByteString) -> [UInt8] {
    guard text.bytes.contains(where: { $0 == 0x25 || $0 == 0x7C }) else { return text.bytes }
    return text.bytes.flatMap { byte -> [UInt8] in
      switch byte {
      case 0x25: [0x25, 0x32, 0x35]
      case 0x7C: [0x25, 0x37, 0x43]
      default: [byte]
      }
    }
  }
}
