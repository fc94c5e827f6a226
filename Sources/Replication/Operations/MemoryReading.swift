import CRDT
import Durability
import Memory

/// A memory as one run read it: the one seam between a memory that is a file and one that is a folder of notes.
struct MemoryReading {
  enum Content {
    case file([UInt8])
    case folder(MemoryFolder)
  }

  var content: Content
  /// What `stat` said of it; `nil`: there is nothing.
  var information: FileInformation?
  /// Of all that was read.
  var digest: String

  /// A file's bytes; `nil` for a folder.
  var bytes: [UInt8]? {
    if case .file(let bytes) = content { bytes } else { nil }
  }

  /// Nothing in it, or no such file.
  var isBlank: Bool {
    switch content {
    case .file(let bytes): bytes.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
    case .folder(let folder): folder.notes.isEmpty
    }
  }

  /// What it says. Throws `.badData` with the place.
  func document(_ path: String, format: MemoryFormat?) throws(ReplicationError) -> MemoryDocument {
    if case .folder = content, let format, !format.isFolder {
      throw ReplicationError(
        .badData, "\(path): a folder, which is no \(format.rawValue)",
        remedy: "Nothing was changed. Give a file, or --format markdown")
    }
    if case .file = content, let format, format.isFolder {
      throw ReplicationError(
        .badData, "\(path): a file, and --format \(format.rawValue) is a folder of notes",
        remedy: "Nothing was changed. Give a folder, or another --format")
    }
    do throws(MemoryError) {
      switch content {
      case .file(let bytes): return try MemoryDocument.parse(bytes, source: path, format: format)
      case .folder(let folder): return try NotesFolder.document(of: folder.notes.map(\.file))
      }
    } catch {
      throw ReplicationError(error)
    }
  }
}

extension Store {
  /// The largest memory file that is read.
  static let maximumMemoryBytes = 1 << 30

  /// A memory, whole: read again when it changed while being read, a few times.
  static func readMemory(_ path: String, effects: Effects) throws(ReplicationError) -> MemoryReading {
    let files = effects.fileSystem
    for _ in 0..<10 {
      let before = try storing { () throws(StorageError) in try files.information(path) }
      guard let before else { throw missing(path) }
      if before.kind == .folder {
        let folder = try MemoryFolder.read(path, in: files)
        guard try folder.status == MemoryFolder.read(path, in: files, isStatusOnly: true).status else {
          effects.sleepMilliseconds(20)
          continue
        }
        return MemoryReading(content: .folder(folder), information: before, digest: folder.digest)
      }
      guard before.kind == .file else {
        throw ReplicationError(
          .noInput, "\(path): the memory file is neither a regular file nor a folder",
          remedy: "Nothing was changed. Give another --memory")
      }
      let bytes = try storing { () throws(StorageError) in
        try files.read(path, limitBytes: Store.maximumMemoryBytes)
      }
      guard let bytes else { throw missing(path) }
      let after = try storing { () throws(StorageError) in try files.information(path) }
      if before == after, bytes.count == Int(before.sizeBytes) {
        return MemoryReading(
          content: .file(bytes), information: before, digest: EntryIdentity.hexDigest(of: bytes))
      }
      effects.sleepMilliseconds(20)
    }
    throw ReplicationError(
      .notOnRemote, "\(path): the memory file keeps changing while it is read",
      remedy: "Nothing was changed; run again when its writer rests", isRetryable: true)
  }

  /// What tells that a memory was not touched since: device, inode, size, and both its times, for a folder of each note.
  /// `nil` where there is no such file, or where it was changed so recently that another change could leave the same
  /// times (git's "racy" rule).
  func fileStatus(_ path: String) throws(ReplicationError) -> String? {
    let file = try storing { () throws(StorageError) in try effects.fileSystem.information(path) }
    guard let file else { return nil }
    if file.kind == .folder {
      let folder = try MemoryFolder.read(path, in: effects.fileSystem, isStatusOnly: true)
      return folder.notes.allSatisfy { isSettled($0.information) } ? folder.status : nil
    }
    return file.kind == .file && isSettled(file) ? file.statusText : nil
  }

  /// Whether a file was not changed so recently that another change could leave the same times (git's "racy" rule).
  func isSettled(_ file: FileInformation) -> Bool {
    for nanoseconds in [file.modifiedNanoseconds, file.changedNanoseconds] {
      guard nanoseconds >= 0 else { return false }
      let instant = Instant(unixSeconds: nanoseconds / 1_000_000_000, nanoseconds: nanoseconds % 1_000_000_000)
      guard wall.seconds(since: instant) >= 2 else { return false }
    }
    return true
  }

  /// Reads and parses a memory without a store.
  public static func readDocument(_ path: String, format: MemoryFormat?, effects: Effects) throws(ReplicationError)
    -> MemoryDocument
  {
    try readMemory(path, effects: effects).document(path, format: format)
  }

  /// Reads a memory that is about to be set, so that what cannot be one is refused before anything is changed.
  /// - Parameter mayBeCreated: a file that is not there or empty will be created; then the result is `nil`.
  @discardableResult
  public static func checkMemory(_ path: String, format: MemoryFormat?, mayBeCreated: Bool, effects: Effects)
    throws(ReplicationError) -> MemoryDocument?
  {
    if mayBeCreated {
      let file = try storing { () throws(StorageError) in try effects.fileSystem.information(path) }
      if file == nil { return nil }
      if try readMemory(path, effects: effects).isBlank { return nil }
    }
    return try readDocument(path, format: format, effects: effects)
  }

  private static func missing(_ path: String) -> ReplicationError {
    ReplicationError(
      .noInput, "\(path): the memory file is not there",
      remedy: "A missing file never means that everything was deleted: nothing was changed. Give another with --memory")
  }
}

extension FileInformation {
  /// What tells one state of a file from another.
  var statusText: String { "\(device):\(inode):\(sizeBytes):\(modifiedNanoseconds):\(changedNanoseconds)" }
}
