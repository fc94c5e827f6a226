import Git

/// One object of a simulated repository.
enum SimulatedObject: Hashable, Sendable {
  case blob([UInt8])
  case tree([TreeEntry])
  case commit(Commit)
}

/// Objects by id, with git's own ids, and the questions about history. A value: copying it is cloning.
struct SimulatedObjects: Sendable {
  var objects: [ObjectID: SimulatedObject] = [:]

  static func id(_ type: String, _ body: [UInt8]) -> ObjectID {
    ObjectID(bytes: sha1(Array("\(type) \(body.count)\0".utf8) + body))!
  }

  mutating func addTree(_ entries: [TreeEntry]) -> ObjectID {
    // git sorts a folder's name as if it ended with a slash.
    func key(_ entry: TreeEntry) -> [UInt8] { Array(entry.name.utf8) + (entry.mode == .folder ? [0x2F] : []) }
    let sorted = entries.sorted { key($0).lexicographicallyPrecedes(key($1)) }
    let body = sorted.flatMap {
      Array("\(String($0.mode.rawValue, radix: 8)) \($0.name)\0".utf8) + $0.id.bytes
    }
    let id = Self.id("tree", body)
    objects[id] = .tree(sorted)
    return id
  }

  mutating func addCommit(tree: ObjectID, parents: [ObjectID], signature: Signature, message: String)
    -> ObjectID
  {
    let person = "\(signature.name) <\(signature.email)> \(signature.timeSeconds) +0000"
    let text =
      "tree \(tree)\n" + parents.map { "parent \($0)\n" }.joined()
      + "author \(person)\ncommitter \(person)\n\n\(message)"
    let id = Self.id("commit", Array(text.utf8))
    objects[id] = .commit(
      Commit(id: id, tree: tree, parents: parents, author: signature, message: message))
    return id
  }

  func commit(_ id: ObjectID) -> Commit? {
    if case .commit(let commit) = objects[id] { commit } else { nil }
  }

  /// All commits reachable from `tips`, themselves included; missing ones end the way.
  func history(_ tips: [ObjectID]) -> Set<ObjectID> {
    var seen: Set<ObjectID> = []
    var open = tips
    while let next = open.popLast() {
      guard let commit = commit(next), seen.insert(next).inserted else { continue }
      open += commit.parents
    }
    return seen
  }

  /// Everything reachable from a commit.
  func closure(_ tip: ObjectID) -> [ObjectID: SimulatedObject] {
    var found: [ObjectID: SimulatedObject] = [:]
    var open = [tip]
    while let next = open.popLast() {
      guard found[next] == nil, let object = objects[next] else { continue }
      found[next] = object
      switch object {
      case .blob: break
      case .tree(let entries): open += entries.map(\.id)
      case .commit(let commit): open += [commit.tree] + commit.parents
      }
    }
    return found
  }

  /// Children before parents; among those that are free, the latest time first.
  func topological(_ commits: Set<ObjectID>) -> [ObjectID] {
    var children: [ObjectID: Int] = [:]
    for id in commits {
      for parent in Set(commit(id)?.parents ?? []) where commits.contains(parent) {
        children[parent, default: 0] += 1
      }
    }
    var free = commits.filter { children[$0] == nil }
    var sorted: [ObjectID] = []
    while let next = free.max(by: { (time($0), $1) < (time($1), $0) }) {
      free.remove(next)
      sorted.append(next)
      for parent in Set(commit(next)?.parents ?? []) where commits.contains(parent) {
        children[parent]! -= 1
        if children[parent] == 0 { free.insert(parent) }
      }
    }
    return sorted
  }

  private func time(_ id: ObjectID) -> Int64 { commit(id)?.author.timeSeconds ?? 0 }

  /// Three-way merge by whole files: a file changed on both sides in different ways is a conflict (the real one
  /// merges lines).
  mutating func merge(
    base: ObjectID?, ours: ObjectID, theirs: ObjectID, path: String, conflicts: inout [String]
  )
    -> ObjectID
  {
    func entries(_ id: ObjectID?) -> [String: TreeEntry] {
      guard let id, case .tree(let list) = objects[id] else { return [:] }
      return Dictionary(uniqueKeysWithValues: list.map { ($0.name, $0) })
    }
    let (old, left, right) = (entries(base), entries(ours), entries(theirs))
    var merged: [TreeEntry] = []
    for name in Set(old.keys).union(left.keys).union(right.keys).sorted() {
      let (was, mine, yours) = (old[name], left[name], right[name])
      if mine == yours || yours == was {
        if let mine { merged.append(mine) }
      } else if mine == was {
        if let yours { merged.append(yours) }
      } else if let mine, let yours, mine.mode == .folder, yours.mode == .folder {
        let folderBase = was?.mode == .folder ? was?.id : nil
        let id = merge(
          base: folderBase, ours: mine.id, theirs: yours.id, path: path + name + "/", conflicts: &conflicts)
        merged.append(TreeEntry(name: name, mode: .folder, id: id))
      } else {
        conflicts.append(path + name)
      }
    }
    return addTree(merged)
  }
}
