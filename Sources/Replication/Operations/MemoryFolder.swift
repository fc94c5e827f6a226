import CRDT
import Durability
import Memory

/// A folder of notes as one run read it. Nothing outside of it is ever read or written: symbolic links in it are neither
/// followed nor replaced.
struct MemoryFolder {
  struct Note {
    var file: NoteFile
    var information: FileInformation
  }

  /// By path.
  var notes: [Note] = []

  /// Equal as long as no note was touched.
  var status: String {
    let lines = notes.map { "\($0.file.path) \($0.information.statusText)\n" }
    return "folder:" + EntryIdentity.hexDigest(of: lines.flatMap { Array($0.utf8) })
  }

  /// Of all paths and bytes.
  var digest: String { MemoryFolder.digest(of: notes.map(\.file)) }

  static func digest(of files: [NoteFile]) -> String {
    let lines = files.sorted { $0.path < $1.path }.map {
      "\(EntryIdentity.hexDigest(of: $0.path.bytes)) \(EntryIdentity.hexDigest(of: $0.bytes))\n"
    }
    return EntryIdentity.hexDigest(of: lines.flatMap { Array($0.utf8) })
  }

  /// Reads the notes in a folder and the folders in it; names that start with a dot, and what is not called like a note,
  /// are none.
  ///
  /// Throws `.badData` for what is called like a note and cannot be one, by its name: to pass over it would look like its
  /// deletion.
  /// - Parameter isStatusOnly: the notes' bytes are left out.
  static func read(_ root: String, effects: Effects, isStatusOnly: Bool = false) throws(ReplicationError)
    -> MemoryFolder
  {
    var folder = MemoryFolder()
    do throws(StorageError) {
      try folder.add(root, below: "", effects.fileSystem, depth: 0, isStatusOnly: isStatusOnly)
    } catch {
      throw ReplicationError(error)
    }
    for note in folder.notes where note.information.sizeBytes > NotesFolder.maximumFileBytes {
      throw ReplicationError(
        .badData, "\(root)/\(note.file.path): larger than 1 MiB",
        remedy: "Nothing was changed. Move it out of the folder of notes")
    }
    folder.notes.sort { $0.file.path < $1.file.path }
    return folder
  }

  private mutating func add(
    _ root: String, below prefix: String, _ files: any FileSystem, depth: Int, isStatusOnly: Bool
  ) throws(StorageError) {
    for name in try files.list(root) where name.utf8.first != 0x2E {
      let path = "\(root)/\(name)"
      guard let file = try files.information(path, followingLinks: false) else { continue }
      switch file.kind {
      case .folder:
        guard depth < 64 else { continue }
        try add(path, below: "\(prefix)\(name)/", files, depth: depth + 1, isStatusOnly: isStatusOnly)
      case .file where NotesFolder.isNoteName(ByteString(name)):
        var bytes: [UInt8] = []
        if !isStatusOnly, file.sizeBytes <= NotesFolder.maximumFileBytes {
          guard let read = try files.read(path, limitBytes: NotesFolder.maximumFileBytes) else { continue }
          bytes = read
        }
        notes.append(Note(file: NoteFile(path: ByteString(prefix + name), bytes: bytes), information: file))
      default: continue
      }
    }
  }

  /// The notes behind some changes.
  func applying(_ changes: [NoteChange]) -> [NoteFile] {
    var files = Dictionary(uniqueKeysWithValues: notes.map { ($0.file.path, $0.file) })
    for change in changes {
      switch change {
      case .write(let file): files[file.path] = file
      case .delete(let path): files[path] = nil
      case .skip: break
      }
    }
    return files.values.sorted { $0.path < $1.path }
  }

  /// Why a note is not written where somebody put a symbolic link, or something else, in its way; `nil` when nothing is.
  static func obstacle(to path: ByteString, in root: String, _ files: any FileSystem) throws(StorageError) -> String? {
    var current = root
    let parts = path.description.split(separator: "/")
    for (index, part) in parts.enumerated() {
      current += "/\(part)"
      guard let there = try files.information(current, followingLinks: false) else { return nil }
      if there.kind != (index == parts.count - 1 ? .file : .folder) { return "\(current) is in its way" }
    }
    return nil
  }

  /// Makes the changes, each only where the note is still what was read. Returns false where one was not: then some may be
  /// made, and all of them are the view's, so that the next ingest knows them.
  func make(_ changes: [NoteChange], in root: String, _ files: any FileSystem) throws(StorageError) -> Bool {
    let known = Dictionary(uniqueKeysWithValues: notes.map { ($0.file.path, $0.information) })
    for change in changes {
      switch change {
      case .skip: continue
      case .delete(let path):
        let place = "\(root)/\(path)"
        guard let before = known[path], try files.information(place, followingLinks: false) == before else {
          return false
        }
        _ = try files.remove(place)
      case .write(let file):
        let place = "\(root)/\(file.path)"
        let before = known[file.path]
        guard try files.information(place, followingLinks: false) == before else { return false }
        if before == nil, let slash = place.lastIndex(of: "/") { try files.createFolder(String(place[..<slash])) }
        do throws(StorageError) {
          try files.replace(place, with: file.bytes, mode: .keep(orElse: 0o600), ifStill: before)
        } catch {
          if error.code == .changed { return false }
          throw error
        }
      }
    }
    return true
  }
}
