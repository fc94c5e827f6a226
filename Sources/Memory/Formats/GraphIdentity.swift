import CRDT

/// Which entries belong together under one name that a person gives.
public enum GraphIdentity {
  /// The ids that `name` stands for among `known` ones: itself; where nothing has it as an id, the entity of that name; and
  /// with an entity its observations. Just `name` when nothing is known of it.
  /// - Complexity: O(n) over the known ids.
  public static func related(to name: ByteString, among known: Set<ByteString>) -> Set<ByteString> {
    let prefix = Array("entity:".utf8)
    var entity: [UInt8]?
    var ids: Set<ByteString> = [name]
    if name.bytes.starts(with: prefix) {
      entity = Array(name.bytes.dropFirst(prefix.count))
    } else if !known.contains(name), known.contains(GraphRecord.entityID(name.bytes)) {
      entity = name.bytes
      ids = [GraphRecord.entityID(name.bytes)]
    }
    guard let entity else { return ids }
    let observations = GraphRecord.observationPrefix(of: entity)
    ids.formUnion(known.filter { $0.bytes.starts(with: observations) })
    return ids
  }
}

extension GraphRecord {
  /// What the ids of all observations of an entity begin with.
  static func observationPrefix(of name: [UInt8]) -> [UInt8] {
    var prefix = observationID(of: name, compact: []).bytes
    prefix.removeLast(32)
    return prefix
  }
}
