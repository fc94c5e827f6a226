import CRDT
import Durability
import Memory

extension Store {
  /// Writes a memory as it is to be, and its base. Returns false when it is no longer `reading`.
  ///
  /// A folder cannot be replaced as a whole: see ``PreparedNotes``.
  func write(
    _ made: Rendering, over reading: MemoryReading, at path: String, base: IngestBase, state: PrivateState
  ) throws(ReplicationError) -> Bool {
    switch made.output {
    case .file(let bytes): return try replace(path, with: bytes, of: reading, base: base, state: state)
    case .folder(let folder, let changes):
      var write = PreparedNotes(changes, in: path, base: base)
      try storing { () throws(StorageError) in try effects.fileSystem.createFolder(path) }
      do throws(ReplicationError) {
        if !write.notes.isEmpty { try state.prepare(write) }
        try storing { () throws(StorageError) in
          try folder.stage(write.notes, changes, in: path, effects.fileSystem)
        }
        write.isStaged = true
        if !write.notes.isEmpty { try state.prepare(write) }
        let isMade = try storing { () throws(StorageError) in
          try folder.make(changes, from: write.notes, in: path, effects.fileSystem)
        }
        guard isMade else {
          _ = try state.settleNotes()
          return false
        }
      } catch {
        // Where even that fails, the next run settles it.
        _ = try? state.settleNotes()
        throw error
      }
      try state.write(base)
      try state.dropPreparedWrite()
      return true
    }
  }

  /// Puts new bytes in the place of a memory file. Returns false, with nothing replaced, when it is no longer `reading`.
  private func replace(
    _ path: String, with bytes: [UInt8], of reading: MemoryReading, base: IngestBase, state: PrivateState
  ) throws(ReplicationError) -> Bool {
    let files = effects.fileSystem
    let target = try storing { () throws(StorageError) in try files.target(of: path) }
    let slash = target.lastIndex(of: "/") ?? target.startIndex
    let staged = target[..<slash] + "/." + target[slash...].dropFirst() + ".crdt-backup"
    let before = reading.information
    func isStill() throws(ReplicationError) -> Bool {
      try storing { () throws(StorageError) in try files.information(target) } == before
    }
    guard try isStill() else { return false }
    try storing { () throws(StorageError) in
      if before == nil { try files.createFolder(String(target[..<slash])) }
      // What an earlier run left, or what somebody put there: never written through.
      _ = try files.remove(String(staged))
      try removeLeftovers(of: String(staged[slash...].dropFirst()), in: String(target[..<slash]))
      try files.replace(String(staged), with: bytes, mode: .exact(before?.mode ?? 0o600))
    }
    do throws(ReplicationError) {
      try state.prepare(PreparedWrite(target: target, staged: String(staged), before: before, base: base))
      guard try isStill() else {
        try abandon(String(staged), state: state)
        return false
      }
      try storing { () throws(StorageError) in try files.rename(String(staged), to: target) }
    } catch {
      try? abandon(String(staged), state: state)
      throw error
    }
    try state.write(base)
    try state.dropPreparedWrite()
    return true
  }

  /// Temporary files of a run that was killed while it put new bytes beside a memory file.
  private func removeLeftovers(of name: String, in folder: String) throws(StorageError) {
    let files = effects.fileSystem
    for leftover in try files.list(folder.isEmpty ? "/" : folder)
    where leftover.hasPrefix(".\(name).") && isTemporaryName(leftover) {
      _ = try files.remove(folder + "/" + leftover)
    }
  }

  /// In this order: bytes that are gone say that they were renamed.
  private func abandon(_ staged: String, state: PrivateState) throws(ReplicationError) {
    try state.dropPreparedWrite()
    try storing { () throws(StorageError) in _ = try effects.fileSystem.remove(staged) }
  }
}
