import CLibgit2
import Glibc

extension LibGit2Repository {
  public func readBlob(_ id: ObjectID) throws(GitError) -> [UInt8] {
    try readObject(id, type: GIT_OBJECT_BLOB, "read blob \(id.short)")
  }

  public func blobID(of bytes: [UInt8]) throws(GitError) -> ObjectID {
    try hash(bytes, type: GIT_OBJECT_BLOB)
  }

  public func writeBlob(_ bytes: [UInt8]) throws(GitError) -> ObjectID {
    try writeObject(bytes, type: GIT_OBJECT_BLOB, "write blob")
  }

  public func readTree(_ id: ObjectID) throws(GitError) -> [TreeEntry] {
    let operation = "read tree \(id.short)"
    var oid = id.oid
    let tree = try Handle(operation, free: git_tree_free) { git_tree_lookup(&$0, pointer, &oid) }
    var entries: [TreeEntry] = []
    let count = git_tree_entrycount(tree.pointer)
    entries.reserveCapacity(count)
    for index in 0..<count {
      guard let entry = git_tree_entry_byindex(tree.pointer, index),
        let name = git_tree_entry_name(entry), let entryID = git_tree_entry_id(entry)
      else { continue }
      let bits = UInt32(git_tree_entry_filemode(entry).rawValue)
      guard let mode = EntryMode(rawValue: bits) else {
        throw GitError(
          .corrupt, operation: operation, message: "entry with mode \(String(bits, radix: 8))",
          isRetryable: false)
      }
      entries.append(TreeEntry(name: String(cString: name), mode: mode, id: ObjectID(entryID.pointee)))
    }
    return entries
  }

  public func writeTree(_ entries: [TreeEntry]) throws(GitError) -> ObjectID {
    let operation = "write tree"
    var names: Set<[UInt8]> = []
    let builder = try Handle(operation, free: git_treebuilder_free) {
      git_treebuilder_new(&$0, pointer, nil)
    }
    for entry in entries {
      guard names.insert(Array(entry.name.utf8)).inserted else {
        throw GitError(
          .invalid, operation: operation, message: "two entries named \(entry.name)", isRetryable: false)
      }
      var oid = entry.id.oid
      try LibGit2.check(
        git_treebuilder_insert(
          nil, builder.pointer, entry.name, &oid, git_filemode_t(rawValue: entry.mode.rawValue)),
        "\(operation) entry \(entry.name)")
    }
    var oid = git_oid()
    func write() throws(GitError) {
      try LibGit2.writingLoose { () throws(GitError) in
        try LibGit2.check(git_treebuilder_write(&oid, builder.pointer), operation)
      }
    }
    try write()
    let id = ObjectID(oid)
    if try dropUnreadable(id) { try write() }
    return id
  }

  public func readCommit(_ id: ObjectID) throws(GitError) -> Commit {
    let operation = "read commit \(id.short)"
    var oid = id.oid
    let commit = try Handle(operation, free: git_commit_free) { git_commit_lookup(&$0, pointer, &oid) }
    var parents: [ObjectID] = []
    for index in 0..<git_commit_parentcount(commit.pointer) {
      if let parent = git_commit_parent_id(commit.pointer, index) { parents.append(ObjectID(parent.pointee)) }
    }
    guard let tree = git_commit_tree_id(commit.pointer), let author = git_commit_author(commit.pointer) else {
      throw GitError(.corrupt, operation: operation, message: "no tree or no author", isRetryable: false)
    }
    let message = git_commit_message_raw(commit.pointer).map { String(cString: $0) } ?? ""
    return Commit(
      id: id, tree: ObjectID(tree.pointee), parents: parents,
      author: Signature(
        name: author.pointee.name.map { String(cString: $0) } ?? "",
        email: author.pointee.email.map { String(cString: $0) } ?? "",
        timeSeconds: Int64(author.pointee.when.time)),
      message: message)
  }

  public func writeCommit(tree: ObjectID, parents: [ObjectID], signature: Signature, message: String)
    throws(GitError) -> ObjectID
  {
    let operation = "write commit"
    // Written from its published form: libgit2's own call wants every parent loaded. What it refers to is checked.
    for name in [signature.name, signature.email]
    where name.utf8.contains(where: { $0 < 0x20 || $0 == 0x3C || $0 == 0x3E }) {
      throw GitError(.invalid, operation: operation, message: "unusable name \(name)", isRetryable: false)
    }
    guard !signature.name.isEmpty, !message.utf8.contains(0) else {
      throw GitError(
        .invalid, operation: operation, message: "no name, or NUL in message", isRetryable: false)
    }
    try require(tree, GIT_OBJECT_TREE, operation)
    for parent in parents { try require(parent, GIT_OBJECT_COMMIT, operation) }
    let person = "\(signature.name) <\(signature.email)> \(signature.timeSeconds) +0000"
    var text = "tree \(tree)\n"
    for parent in parents { text += "parent \(parent)\n" }
    text += "author \(person)\ncommitter \(person)\n\n\(message)"
    return try writeObject(Array(text.utf8), type: GIT_OBJECT_COMMIT, operation)
  }

  // MARK: Any object

  private func require(_ id: ObjectID, _ type: git_object_t, _ operation: String) throws(GitError) {
    let odb = try objectDatabase(operation)
    var size = 0
    var found = GIT_OBJECT_INVALID
    var oid = id.oid
    try LibGit2.check(git_odb_read_header(&size, &found, odb.pointer, &oid), operation)
    guard found == type else {
      throw GitError(
        .invalid, operation: operation, message: "\(id.short) is of another type", isRetryable: false)
    }
  }

  func objectDatabase(_ operation: String) throws(GitError) -> Handle {
    try Handle(operation, free: git_odb_free) { git_repository_odb(&$0, pointer) }
  }

  private func hash(_ bytes: [UInt8], type: git_object_t) throws(GitError) -> ObjectID {
    try LibGit2.start()
    var oid = git_oid()
    let code = bytes.withUnsafeBytes { git_odb_hash(&oid, $0.baseAddress, $0.count, type) }
    try LibGit2.check(code, "hash object")
    return ObjectID(oid)
  }

  func readObject(_ id: ObjectID, type: git_object_t, _ operation: String) throws(GitError) -> [UInt8] {
    let odb = try objectDatabase(operation)
    var oid = id.oid
    let object = try Handle(operation, free: git_odb_object_free) { git_odb_read(&$0, odb.pointer, &oid) }
    guard git_odb_object_type(object.pointer) == type else {
      throw GitError(.notFound, operation: operation, message: "it is of another type", isRetryable: false)
    }
    let bytes = UnsafeRawBufferPointer(
      start: git_odb_object_data(object.pointer), count: git_odb_object_size(object.pointer))
    return Array(bytes)
  }

  private func writeObject(_ bytes: [UInt8], type: git_object_t, _ operation: String) throws(GitError)
    -> ObjectID
  {
    let id = try hash(bytes, type: type)
    // libgit2 writes nothing when a file of that name is there, even an empty one that a power cut left.
    let odb = try objectDatabase(operation)
    var oid = id.oid
    if git_odb_exists(odb.pointer, &oid) == 1 {
      guard try dropUnreadable(id) else { return id }
    }
    try LibGit2.writingLoose { () throws(GitError) in
      let code = bytes.withUnsafeBytes { git_odb_write(&oid, odb.pointer, $0.baseAddress, $0.count, type) }
      try LibGit2.check(code, operation)
    }
    return id
  }

  /// Removes the loose file of an object that cannot be read, so that it can be written again. Returns whether it
  /// did. Only called with the object's true content at hand.
  private func dropUnreadable(_ id: ObjectID) throws(GitError) -> Bool {
    let odb = try objectDatabase("check object \(id.short)")
    var oid = id.oid
    do throws(GitError) {
      _ = try Handle("check object \(id.short)", free: git_odb_object_free) {
        git_odb_read(&$0, odb.pointer, &oid)
      }
      return false
    } catch {
      let hex = id.description
      let path = gitFolder + "objects/" + hex.prefix(2) + "/" + hex.dropFirst(2)
      guard unlink(path) == 0 else { throw error }
      try LibGit2.check(git_odb_refresh(odb.pointer), "check object \(id.short)")
      return true
    }
  }
}
