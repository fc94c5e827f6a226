import Durability
import Glibc
import Replication

/// The post-commit hook in one folder of hooks: what is there, putting ours in, taking it out.
///
/// The hook that was there keeps running. No step leaves a moment without it, and whatever was there comes back byte for
/// byte, with its mode, also when it was a link.
struct HookInstallation {
  /// The folder of hooks.
  let folder: String
  private let files = RealFileSystem()

  init(folder: String) { self.folder = folder }

  var path: String { folder + "/" + HookScript.hookName }

  /// What is there now.
  enum State: Equatable {
    case absent
    /// Somebody else's alone.
    case foreign
    /// Ours in a user's shell script.
    case inUserScript
    /// Ours, with nothing to run behind it.
    case alone
    /// Ours, which runs the one of that name.
    case before(String)

    var isInstalled: Bool { self != .absent && self != .foreign }
  }

  struct Inspection {
    var state: State
    var block: [UInt8]?
    /// Somebody changed our lines.
    var isEdited = false
    var isExecutable = false
    var bytes: [UInt8] = []
  }

  func inspect() throws(ReplicationError) -> Inspection {
    guard let there = try looking({ () throws(StorageError) in try files.information(path, followingLinks: false) })
    else {
      return Inspection(state: .absent)
    }
    guard there.kind != .folder else {
      throw ReplicationError(
        .configuration, "\(path) is a folder, and git expects a program there", remedy: "Move it away")
    }
    let isExecutable = access(path, X_OK) == 0
    // What a link names is not ours to look into, nor to change.
    guard there.kind == .file,
      let bytes = try looking({ () throws(StorageError) in try files.read(path, limitBytes: 64 << 20) }),
      let found = HookScript.find(in: bytes)
    else { return Inspection(state: .foreign, isExecutable: isExecutable) }
    let state: State =
      switch HookScript.owner(of: found.rest) {
      case .user: .inUserScript
      case .ours: .alone
      case .oursBefore(let name): .before(name)
      }
    return Inspection(
      state: state, block: found.block, isEdited: found.isEdited, isExecutable: isExecutable, bytes: bytes)
  }

  /// What an installation did.
  struct Change {
    /// Whether a file was written.
    var isChanged: Bool
    var state: State
    /// Where a copy of lines of ours that somebody had edited is.
    var editedCopy: String?
  }

  /// Makes `block` run after each commit. Repeating it changes nothing.
  func install(_ block: [UInt8]) throws(ReplicationError) -> Change {
    try prepareFolder()
    let now = try inspect()
    switch now.state {
    case .absent:
      // A hook of before without ours: somebody removed ours by hand, or a machine died between two steps.
      let before = existingBefore()
      try place(HookScript.script(block: block, before: before))
      return Change(isChanged: true, state: before.map { .before($0) } ?? .alone)
    case .foreign: return try join(block)
    case .alone, .before, .inUserScript:
      if now.block == block, now.isExecutable { return Change(isChanged: false, state: now.state) }
      let copy = now.isEdited ? try keepCopy(of: now.bytes) : nil
      switch now.state {
      case .before(let name): try place(HookScript.script(block: block, before: name))
      case .inUserScript:
        guard let found = HookScript.find(in: now.bytes), let bytes = HookScript.inserting(block, into: found.rest)
        else {
          throw ReplicationError(
            .configuration, "\(path) is no shell script any more", remedy: "Take our lines out of it by hand")
        }
        try storingHook { () throws(StorageError) in try files.replace(path, with: bytes, mode: .keep(orElse: 0o755)) }
      default: try place(HookScript.script(block: block, before: nil))
      }
      return Change(isChanged: true, state: now.state, editedCopy: copy)
    }
  }

  /// Beside the hook that is there: inside it where it is a shell script that runs, else before it.
  private func join(_ block: [UInt8]) throws(ReplicationError) -> Change {
    let there = try looking { () throws(StorageError) in try files.information(path, followingLinks: false) }
    if let there, there.kind == .file, there.sizeBytes < 4 << 20, access(path, X_OK) == 0,
      let bytes = try looking({ () throws(StorageError) in try files.read(path, limitBytes: 4 << 20) }),
      let joined = HookScript.inserting(block, into: bytes)
    {
      try storingHook { () throws(StorageError) in
        try files.replace(path, with: joined, mode: .keep(orElse: 0o755), ifStill: there)
      }
      return Change(isChanged: true, state: .inUserScript)
    }
    let name = try freeBeforeName()
    // A second name first, so that the hook is never gone. Where links cannot be had, it is for an instant.
    if link(path, folder + "/" + name) != 0 {
      try storingHook { () throws(StorageError) in try files.rename(path, to: folder + "/" + name) }
    }
    try place(HookScript.script(block: block, before: name))
    return Change(isChanged: true, state: .before(name))
  }

  /// Puts back what was there. Repeating it changes nothing.
  func uninstall() throws(ReplicationError) -> Change {
    let now = try inspect()
    let copy = now.isEdited ? try keepCopy(of: now.bytes) : nil
    switch now.state {
    case .foreign: return Change(isChanged: false, state: .foreign)
    case .absent:
      guard let before = existingBefore() else { return Change(isChanged: false, state: .absent) }
      try storingHook { () throws(StorageError) in try files.rename(folder + "/" + before, to: path) }
    case .alone: try storingHook { () throws(StorageError) in _ = try files.remove(path) }
    case .before(let name):
      try storingHook { () throws(StorageError) in
        if try files.information(folder + "/" + name, followingLinks: false) == nil {
          try files.remove(path)
        } else {
          try files.rename(folder + "/" + name, to: path)
        }
      }
    case .inUserScript:
      let rest = HookScript.find(in: now.bytes)?.rest ?? now.bytes
      try storingHook { () throws(StorageError) in try files.replace(path, with: rest, mode: .keep(orElse: 0o755)) }
    }
    return Change(isChanged: true, state: try inspect().state, editedCopy: copy)
  }

  // MARK: Files

  private func prepareFolder() throws(ReplicationError) {
    let there = try looking { () throws(StorageError) in try files.information(folder) }
    if let there {
      guard there.kind == .folder else {
        throw ReplicationError(
          .configuration, "git looks for hooks in \(folder), which is no folder, so it runs none",
          remedy: "Change core.hooksPath (`git config --show-origin core.hooksPath` tells where it is set)")
      }
      return
    }
    try storingHook { () throws(StorageError) in try files.createFolder(folder) }
    // As open as the folder it is in: hooks of a shared repository are for all who commit there.
    let parent = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
    if let mode = (try? files.information(parent))??.mode { chmod(folder, mode & 0o777) }
  }

  /// Writes ours under another name first: `rename` then replaces also a link, which a plain write would follow.
  private func place(_ script: [UInt8]) throws(ReplicationError) {
    let new = folder + "/." + HookScript.hookName + ".crdt-backup-new"
    try storingHook { () throws(StorageError) in
      try files.remove(new)
      try files.replace(new, with: script, mode: .exact(0o755))
      try files.rename(new, to: path)
    }
  }

  private func exists(_ name: String) -> Bool {
    (try? files.information(folder + "/" + name, followingLinks: false)) != .some(.none)
  }

  private func existingBefore() -> String? {
    HookScript.beforeNumbers.map(HookScript.beforeName).last { exists($0) }
  }

  private func freeBeforeName() throws(ReplicationError) -> String {
    for number in HookScript.beforeNumbers {
      let name = HookScript.beforeName(number)
      if !exists(name) { return name }
      // Died between the two names of one hook: go on from there.
      let second = (try? files.information(folder + "/" + name, followingLinks: false)) ?? nil
      let first = (try? files.information(path, followingLinks: false)) ?? nil
      if let first, let second, first.inode == second.inode, first.device == second.device {
        try storingHook { () throws(StorageError) in try files.remove(folder + "/" + name) }
        return name
      }
    }
    throw ReplicationError(
      .configuration, "too many old hooks in \(folder)", remedy: "Look at \(path).before-crdt-backup*")
  }

  private func keepCopy(of bytes: [UInt8]) throws(ReplicationError) -> String {
    var copy = path + ".edited-crdt-backup"
    var number = 1
    while exists(String(copy.dropFirst(folder.count + 1))) {
      number += 1
      copy = path + ".edited-crdt-backup-\(number)"
    }
    try storingHook { () throws(StorageError) in try files.replace(copy, with: bytes, mode: .exact(0o644)) }
    return copy
  }

  private func looking<Value>(_ body: () throws(StorageError) -> Value) throws(ReplicationError) -> Value {
    do { return try body() } catch { throw HookInstallation.refusal(error) }
  }

  private func storingHook(_ body: () throws(StorageError) -> Void) throws(ReplicationError) {
    do { try body() } catch { throw HookInstallation.refusal(error) }
  }

  private static func refusal(_ error: StorageError) -> ReplicationError {
    switch error.code {
    case .permission, .notOwned, .readOnly:
      ReplicationError(.permission, "\(error)", remedy: "Nothing was changed. Run as the owner of the repository")
    default: ReplicationError(.storage, "\(error)")
    }
  }
}
