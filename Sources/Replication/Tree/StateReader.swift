import CRDT
import Git
import Memory

/// Reads state files out of commits, and stands in for damaged ones with their last good version in history.
final class StateReader {
  let repository: any Repository
  /// Asks another place for the bytes of an object that is damaged here; `nil` when it does not have them.
  var recover: ((ObjectID) -> [UInt8]?)?
  /// State files whose newest version cannot be read, and is not what this reader gives.
  private(set) var damagedPaths: Set<String> = []
  /// What was found damaged, once each, for people.
  private(set) var warnings: [String] = []
  /// Parsed good files and, for damaged ones, what stands in for them (`nil`: nothing in history is good).
  private var sources: [Key: Source?] = [:]
  private var named: Set<Key> = []

  private struct Key: Hashable {
    var path: String
    var id: ObjectID
  }

  init(repository: any Repository) { self.repository = repository }

  /// The file as merge input: validated, or its last good version below `tips`, or `nil` where there is none.
  /// Every stand-in is named in ``warnings``.
  func source(path: String, id: ObjectID, tips: [ObjectID]) throws(ReplicationError) -> Source? {
    let key = Key(path: path, id: id)
    if let known = sources[key] { return known }
    let found: Source?
    switch try read(path: path, id: id) {
    case .good(let source): found = source
    case .damaged(let reason):
      if let mended = try mended(path: path, id: id, reason: reason) {
        found = mended
      } else {
        damagedPaths.insert(path)
        found = try lastGood(path: path, damaged: id, reason: reason, tips: tips)
      }
    }
    sources[key] = .some(found)
    return found
  }

  private enum Reading {
    case good(Source)
    case damaged(String)
  }

  private func read(path: String, id: ObjectID) throws(ReplicationError) -> Reading {
    let bytes: [UInt8]
    do {
      bytes = try repository.readBlob(id)
    } catch {
      // An object that is damaged or gone is a damaged file; anything else (permission, a full disk) is our own trouble.
      guard error.code == .corrupt || error.code == .notFound else { throw ReplicationError(error) }
      return .damaged(error.description)
    }
    let source = Source(name: path, bytes: bytes)
    do {
      _ = try EntryTable([source])
      return .good(source)
    } catch {
      return .damaged(error.description)
    }
  }

  /// The file again as it was, where only the object here is damaged and another place still has it.
  private func mended(path: String, id: ObjectID, reason: String) throws(ReplicationError) -> Source? {
    guard let bytes = recover?(id) else { return nil }
    let written = try replicating { () throws(GitError) in try repository.writeBlob(bytes) }
    guard written == id, case .good(let source) = try read(path: path, id: id) else { return nil }
    warn("\(path): damaged in this store, and mended from the remote")
    return source
  }

  private func lastGood(path: String, damaged: ObjectID, reason: String, tips: [ObjectID]) throws(ReplicationError)
    -> Source?
  {
    var tried: Set<ObjectID> = [damaged]
    for commit in try replicating({ () throws(GitError) in try repository.walk(from: tips, hiding: []) }) {
      let tree = try replicating { () throws(GitError) in try StoreTree.read(commit: commit, from: repository) }
      guard let id = tree.stateFiles[path], tried.insert(id).inserted else { continue }
      if case .good(let source) = try read(path: path, id: id) {
        warn("\(reason): damaged in the store's history; its last good version (commit \(commit.short)) is used")
        return source
      }
    }
    warn("\(reason): damaged, and no good version is in the store's history; it is kept and left out of the merge")
    return nil
  }

  /// Adds a line to ``warnings``, once.
  func warn(_ text: String) {
    if !warnings.contains(text) { warnings.append(text) }
  }

  /// All of a tree's state files as one table, in the byte order of their paths.
  func table(of tree: StoreTree, tips: [ObjectID]) throws(ReplicationError) -> EntryTable {
    var table = EntryTable()
    for (path, id) in tree.stateFiles.sorted(by: { ByteString($0.key) < ByteString($1.key) }) {
      guard let source = try source(path: path, id: id, tips: tips) else { continue }
      do { try table.add(source) } catch { throw ReplicationError(error) }
    }
    return table
  }
}
