import CRDT
import Durability
import Memory

/// What is held back and what is allowed. Never a value: ids, rules and digests only.
extension PrivateState {
  func readHeld() throws(ReplicationError) -> [HeldBackEntry] {
    guard let list = try fields(heldPath, kind: Kind.held)?["entries"] else { return [] }
    return list.elements.compactMap { element in
      guard let id = element["id"]?.text, let rule = element["rule"]?.text, let member = element["member"]?.text,
        let digest = element["digest"]?.text.flatMap(ContentDigest.init(hex:))
      else { return nil }
      return HeldBackEntry(
        id: ByteString(bytes: id), rule: String(decoding: rule, as: UTF8.self),
        member: String(decoding: member, as: UTF8.self), contentDigest: digest)
    }
  }

  /// No file stands for nothing held back.
  func writeHeld(_ entries: [HeldBackEntry]) throws(ReplicationError) {
    if entries.isEmpty {
      try storing { () throws(StorageError) in
        if try fileSystem.information(heldPath) != nil { try fileSystem.remove(heldPath) }
      }
      return
    }
    try write(heldPath, kind: Kind.held) { object in
      object.array("entries") { array in
        for entry in entries {
          array.object { object in
            object.member("id", entry.id)
            object.member("rule", entry.rule)
            object.member("member", entry.member)
            object.member("digest", entry.contentDigest.description)
          }
        }
      }
    }
  }

  /// Ids and names of rules.
  func readAllowed() throws(ReplicationError) -> Set<ByteString> {
    guard let list = try fields(paths.allowed, kind: Kind.allowed)?["names"] else { return [] }
    return Set(list.elements.compactMap { $0.text.map { ByteString(bytes: $0) } })
  }

  func writeAllowed(_ names: Set<ByteString>) throws(ReplicationError) {
    try write(paths.allowed, kind: Kind.allowed) { object in
      object.array("names") { array in
        for name in names.sorted() { array.rawElement(JSONText.quoted(name.bytes)) }
      }
    }
  }
}
