import CLibgit2

extension LibGit2Repository {
  public func isAncestor(_ ancestor: ObjectID, of descendant: ObjectID) throws(GitError) -> Bool {
    if ancestor == descendant { return true }
    var old = ancestor.oid
    var new = descendant.oid
    let code = git_graph_descendant_of(pointer, &new, &old)
    try checkWhole(code, "compare \(ancestor.short) with \(descendant.short)")
    return code == 1
  }

  public func mergeBase(_ left: ObjectID, _ right: ObjectID) throws(GitError) -> ObjectID? {
    let operation = "find the merge base of \(left.short) and \(right.short)"
    // "Not found" has two meanings; a missing commit must not read as unrelated histories.
    _ = try readCommit(left)
    _ = try readCommit(right)
    var base = git_oid()
    var one = left.oid
    var two = right.oid
    let code = git_merge_base(&base, pointer, &one, &two)
    if code == GIT_ENOTFOUND.rawValue && !isShallow { return nil }
    try checkWhole(code, operation)
    return ObjectID(base)
  }

  /// In a shallow repository "not found" means that history was cut off.
  private func checkWhole(_ code: Int32, _ operation: String) throws(GitError) {
    if code >= 0 { return }
    let error = LibGit2.error(code, operation)
    // Some calls of libgit2 pass the message on and not the code.
    guard isShallow, error.code == .notFound || error.message.hasPrefix("object not found") else { throw error }
    throw GitError(
      .unsupportedRepository, operation: operation,
      message: "this repository is shallow; run: git fetch --unshallow", isRetryable: false)
  }

  public func walk(from tips: [ObjectID], hiding hidden: [ObjectID]) throws(GitError) -> [ObjectID] {
    let operation = "walk history"
    let walk = try Handle(operation, free: git_revwalk_free) { git_revwalk_new(&$0, pointer) }
    try LibGit2.check(
      git_revwalk_sorting(walk.pointer, GIT_SORT_TOPOLOGICAL.rawValue | GIT_SORT_TIME.rawValue), operation)
    for tip in tips {
      var oid = tip.oid
      try checkWhole(git_revwalk_push(walk.pointer, &oid), operation)
    }
    for commit in hidden {
      var oid = commit.oid
      try LibGit2.check(git_revwalk_hide(walk.pointer, &oid), operation)
    }
    var found: [ObjectID] = []
    while true {
      var oid = git_oid()
      let code = git_revwalk_next(&oid, walk.pointer)
      if code == GIT_ITEROVER.rawValue { return found }
      try checkWhole(code, operation)
      found.append(ObjectID(oid))
    }
  }

  public func mergeTrees(base: ObjectID?, ours: ObjectID, theirs: ObjectID) throws(GitError) -> TreeMerge {
    let operation = "merge trees"
    let ourTree = try tree(ours, operation)
    let theirTree = try tree(theirs, operation)
    var options = git_merge_options()
    try LibGit2.check(
      git_merge_options_init(&options, UInt32(GIT_MERGE_OPTIONS_VERSION)), operation)
    let index: Handle
    if let base {
      let baseTree = try tree(base, operation)
      index = try Handle(operation, free: git_index_free) {
        git_merge_trees(&$0, pointer, baseTree.pointer, ourTree.pointer, theirTree.pointer, &options)
      }
    } else {
      index = try Handle(operation, free: git_index_free) {
        git_merge_trees(&$0, pointer, nil, ourTree.pointer, theirTree.pointer, &options)
      }
    }
    if git_index_has_conflicts(index.pointer) == 1 {
      return .conflicts(try conflicts(index, operation))
    }
    var oid = git_oid()
    try LibGit2.check(git_index_write_tree_to(&oid, index.pointer, pointer), operation)
    return .clean(ObjectID(oid))
  }

  private func tree(_ id: ObjectID, _ operation: String) throws(GitError) -> Handle {
    var oid = id.oid
    return try Handle(operation, free: git_tree_free) { git_tree_lookup(&$0, pointer, &oid) }
  }

  private func conflicts(_ index: borrowing Handle, _ operation: String) throws(GitError) -> [String] {
    let iterator = try Handle(operation, free: git_index_conflict_iterator_free) {
      git_index_conflict_iterator_new(&$0, index.pointer)
    }
    var paths: Set<String> = []
    while true {
      var ancestor: UnsafePointer<git_index_entry>?
      var ours: UnsafePointer<git_index_entry>?
      var theirs: UnsafePointer<git_index_entry>?
      let code = git_index_conflict_next(&ancestor, &ours, &theirs, iterator.pointer)
      if code == GIT_ITEROVER.rawValue { break }
      try LibGit2.check(code, operation)
      for entry in [ancestor, ours, theirs] {
        if let path = entry?.pointee.path { paths.insert(String(cString: path)) }
      }
    }
    return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
