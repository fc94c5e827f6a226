import CRDT
import Git
import Memory

/// All values that are in a store's history: what makes a lost value retrievable.
///
/// Looks only at state files that a commit changed against its parents, and parses only those that mention what is
/// asked for.
/// - Complexity: one tree read a commit; one parse a distinct file that mentions the id.
final class ValueHistory {
  let repository: any Repository
  /// Files of the history that cannot be read, whose values are not among what was found: one line each.
  private(set) var warnings: [String] = []

  /// One value and the oldest commit that holds it.
  struct Version {
    var entry: Entry
    var commit: ObjectID
    var path: String
  }

  init(repository: any Repository) { self.repository = repository }

  /// Every distinct value of the given ids below `tips`, newest commit first.
  func versions(of ids: Set<ByteString>, below tips: [ObjectID]) throws(ReplicationError) -> [Version] {
    var found: [Entry: Version] = [:]
    var order: [Entry] = []
    var parsed: Set<ObjectID> = []
    let needles = ids.map { JSONText.quoted($0.bytes).dropFirst().dropLast() }.map(Array.init)
    let commits = try replicating { () throws(GitError) in try repository.walk(from: tips, hiding: []) }
    // Oldest first, so that the commit kept with a value is the one that brought it.
    for commit in commits.reversed() {
      let tree = try replicating { () throws(GitError) in try StoreTree.read(commit: commit, from: repository) }
      for (path, id) in tree.stateFiles where parsed.insert(id).inserted {
        guard let table = try table(path, id, mentioning: needles, of: commit) else { continue }
        for index in 0..<table.count where ids.contains(table.entryID(index)) {
          let entry = table.entry(index)
          if found[entry] == nil {
            found[entry] = Version(entry: entry, commit: commit, path: path)
            order.append(entry)
          }
        }
      }
    }
    return order.reversed().compactMap { found[$0] }
  }

  /// The file, where it mentions one of the ids; `nil` where it does not, or is damaged.
  private func table(_ path: String, _ id: ObjectID, mentioning needles: [[UInt8]], of commit: ObjectID)
    throws(ReplicationError) -> EntryTable?
  {
    let bytes: [UInt8]
    do { bytes = try repository.readBlob(id) } catch {
      guard error.code == .corrupt || error.code == .notFound else { throw ReplicationError(error) }
      warnings.append("\(path) in commit \(commit.short) is damaged, and what it said is not shown: \(error)")
      return nil
    }
    guard needles.contains(where: { Self.mentions(bytes, $0) }) else { return nil }
    do { return try EntryTable([Source(name: path, bytes: bytes)]) } catch {
      warnings.append("\(path) in commit \(commit.short) cannot be read, and what it said is not shown: \(error)")
      return nil
    }
  }

  /// Every value these ids ever had, as ingest compares them.
  func values(of ids: Set<ByteString>, below tips: [ObjectID]) throws(ReplicationError) -> [KnownValue] {
    try versions(of: ids, below: tips).map { KnownValue($0.entry) }
  }

  /// Whether the id stands in the file, at least in the spelling this product writes. Other spellings (escapes another
  /// tool chose) are found too: a backslash anywhere makes the file worth parsing; so do ids made from the content.
  private static func mentions(_ bytes: [UInt8], _ needle: [UInt8]) -> Bool {
    if needle.isEmpty || needle.starts(with: Array("sha256-".utf8)) || bytes.contains(0x5C) { return true }
    guard bytes.count >= needle.count else { return false }
    return bytes.withUnsafeBufferPointer { hay in
      needle.withUnsafeBufferPointer { needle in
        var start = 0
        let last = hay.count - needle.count
        while start <= last {
          guard let hit = hay[start...last].firstIndex(of: needle[0]) else { return false }
          if hay[hit..<hit + needle.count].elementsEqual(needle) { return true }
          start = hit + 1
        }
        return false
      }
    }
  }
}
