import CRDT
import Durability
import Memory

/// A folder of notes as one run read it. Nothing outside of it is ever read or written: symbolic links in it are neither
/// followed nor replaced.
struct MemoryFolder {
  /// It may hold as many names of any kind.
  static let maximumNameCount = 100_000

  struct Note {
    var file: NoteFile
    var information: FileInformation
  }

  /// By path.
  var notes: [Note] = []
  /// Symbolic links, and what is called like a note and is no file: passed over. By path.
  var passedOver: [ByteString] = []

  /// Equal as long as no note was touched, and nothing else is passed over.
  var status: String {
    let lines = notes.map { "\($0.file.path) \($0.information.statusText)\n" } + passedOver.map { "\($0)\n" }
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
  /// Throws `.badData`, by its name, for a note that is too large, for too many of them and for too deep a folder: to pass
  /// over one would look like its deletion. For the same reason see ``firstHidden(of:)``.
  /// - Parameters:
  ///   - root: its path; it may be a link itself.
  ///   - isStatusOnly: the notes' bytes are left out.
  static func read(_ root: String, in files: any FileSystem, isStatusOnly: Bool = false) throws(ReplicationError)
    -> MemoryFolder
  {
    var walk = Walk(root: root, files: files, isStatusOnly: isStatusOnly)
    try walk.add(below: "", depth: 0)
    walk.folder.notes.sort { $0.file.path < $1.file.path }
    walk.folder.passedOver.sort()
    return walk.folder
  }

  private struct Walk {
    let root: String
    let files: any FileSystem
    let isStatusOnly: Bool
    var folder = MemoryFolder()
    var nameCount = 0
    var byteCount: Int64 = 0

    mutating func add(below prefix: String, depth: Int) throws(ReplicationError) {
      let place = prefix.isEmpty ? root : "\(root)/\(prefix.dropLast())"
      let names = try storing { () throws(StorageError) in try files.list(place) }
      nameCount += names.count
      if nameCount > MemoryFolder.maximumNameCount {
        throw refusal("", "more than \(MemoryFolder.maximumNameCount) files")
      }
      for name in names where name.utf8.first != 0x2E {
        let path = prefix + name
        let isNote = NotesFolder.isNoteName(ByteString(name))
        let found = try storing { () throws(StorageError) in
          try files.information("\(root)/\(path)", followingLinks: false)
        }
        switch found?.kind {
        case .folder:
          guard depth < NotesFolder.maximumDepth else {
            throw refusal(path, "a folder more than \(NotesFolder.maximumDepth) deep")
          }
          try add(below: path + "/", depth: depth + 1)
        case .file where isNote:
          if let found { try add(path, found) }
        case .symbolicLink: folder.passedOver.append(ByteString(path))
        case .other where isNote: folder.passedOver.append(ByteString(path))
        default: continue
        }
      }
    }

    private mutating func add(_ path: String, _ found: FileInformation) throws(ReplicationError) {
      guard found.sizeBytes <= NotesFolder.maximumFileBytes else { throw refusal(path, "larger than 1 MiB") }
      byteCount += found.sizeBytes
      guard folder.notes.count < NotesFolder.maximumFileCount, byteCount <= Store.maximumMemoryBytes else {
        throw refusal("", "more than \(NotesFolder.maximumFileCount) notes, or 1 GiB of them")
      }
      var bytes: [UInt8] = []
      if !isStatusOnly {
        let read = try storing { () throws(StorageError) in
          try files.read("\(root)/\(path)", limitBytes: NotesFolder.maximumFileBytes)
        }
        // Gone meanwhile: the folder is read again.
        guard let read else { return }
        bytes = read
      }
      folder.notes.append(Note(file: NoteFile(path: ByteString(path), bytes: bytes), information: found))
    }

    private func refusal(_ path: String, _ reason: String) -> ReplicationError {
      path.isEmpty
        ? ReplicationError(
          .badData, "\(root): \(reason) in one folder of notes",
          remedy: "Nothing was changed. Give a smaller folder, or several with `crdt-backup source add`")
        : ReplicationError(
          .badData, "\(root)/\(path): \(reason)", remedy: "Nothing was changed. Move it out of the folder of notes")
    }
  }

  /// The first of these notes that cannot be seen because something that is passed over took its place, or that of a
  /// folder it was in. That is no deletion.
  func firstHidden(of notes: some Sequence<ByteString>) -> ByteString? {
    if passedOver.isEmpty { return nil }
    return notes.first { note in
      passedOver.contains { note == $0 || note.bytes.starts(with: $0.bytes + [0x2F]) }
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

  /// Puts the new bytes of each note beside its place.
  func stage(_ notes: [PreparedNotes.Note], _ changes: [NoteChange], in root: String, _ files: any FileSystem)
    throws(StorageError)
  {
    let known = information
    var staged = notes[...]
    for change in changes {
      guard case .write(let file) = change, let note = staged.popFirst() else { continue }
      if let slash = note.staged.lastIndex(of: "/") { try files.createFolder(String(note.staged[..<slash])) }
      // What an earlier run left, or what somebody put there: never written through.
      try files.remove(note.staged)
      try files.replace(note.staged, with: file.bytes, mode: .exact(known[file.path]?.mode ?? 0o600))
    }
  }

  /// Makes the changes, each only where the note is still what was read. Returns false where one was not: then some may be
  /// made, and ``PrivateState/settleNotes()`` tells which.
  /// - Parameter notes: where the new bytes lie, in the order of the changes that write.
  func make(_ changes: [NoteChange], from notes: [PreparedNotes.Note], in root: String, _ files: any FileSystem)
    throws(StorageError) -> Bool
  {
    let known = information
    var staged = notes[...]
    for change in changes {
      switch change {
      case .skip: continue
      case .delete(let path):
        let place = "\(root)/\(path)"
        guard let before = known[path], try files.information(place, followingLinks: false) == before else {
          return false
        }
        try files.remove(place)
      case .write(let file):
        guard let note = staged.popFirst() else { return false }
        let place = "\(root)/\(file.path)"
        guard try files.information(place, followingLinks: false) == known[file.path] else { return false }
        try files.rename(note.staged, to: place)
      }
    }
    return true
  }

  private var information: [ByteString: FileInformation] {
    Dictionary(uniqueKeysWithValues: notes.map { ($0.file.path, $0.information) })
  }
}

extension PreparedNotes {
  /// The notes that some changes write, each with a place for its new bytes in its own folder, which readers pass over.
  init(_ changes: [NoteChange], in root: String, base: IngestBase) {
    var notes: [Note] = []
    for change in changes {
      guard case .write(let file) = change else { continue }
      let folder =
        file.path.bytes.lastIndex(of: 0x2F).map { "/" + ByteString(file.path.bytes[..<$0]).description } ?? ""
      notes.append(Note(id: file.path, staged: "\(root)\(folder)/.crdt-backup-\(notes.count)"))
    }
    self.init(isStaged: false, notes: notes, base: base)
  }
}
