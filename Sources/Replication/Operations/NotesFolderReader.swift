import CRDT
import Durability
import Memory

/// What is in a folder of Markdown notes.
public struct NotesFolderContents: Hashable, Sendable {
  /// The notes, in the order of their paths.
  public var files: [NoteFile]
  /// Links to elsewhere, which are not followed; by their path in the folder.
  public var skippedLinks: [ByteString]
}

/// Reads a folder of notes: all `.md` and `.markdown` files in it and its sub-folders.
///
/// Other files, and whatever starts with a dot, are not looked at. Nothing outside of the folder is ever read: no link
/// in it is followed.
public struct NotesFolderReader {
  /// Folders may be nested as deep.
  static let maximumDepth = 32
  /// A folder may hold as many files of any kind.
  static let maximumNames = 100_000
  private static let attempts = 4

  private let fileSystem: any FileSystem
  private let folder: String

  /// - Parameter folder: its path; it may be a link itself.
  public init(_ folder: String, in fileSystem: any FileSystem) {
    self.folder = folder
    self.fileSystem = fileSystem
  }

  /// Reads it until it did not change meanwhile, at most four times.
  ///
  /// Throws ``ReplicationError`` and reads nothing: `noInput` without such a folder; `badData`, naming the file, for a
  /// note that is a link or larger than ``NotesFolder/maximumFileBytes``, and for too many or too deep; `notOnRemote`,
  /// worth trying again, where it changes all the time. Whether the files are text is for
  /// ``NotesFolder/document(of:)`` to say.
  public func read() throws(ReplicationError) -> NotesFolderContents {
    var listing = try list()
    for _ in 0..<NotesFolderReader.attempts {
      var files: [NoteFile] = []
      for path in listing.notes.keys.sorted() {
        guard
          let bytes = try storage({ () throws(StorageError) in
            try fileSystem.read("\(folder)/\(path)", limitBytes: NotesFolder.maximumFileBytes)
          })
        else { break }
        files.append(NoteFile(path: path, bytes: bytes))
      }
      let now = try list()
      if now == listing, files.count == listing.notes.count {
        return NotesFolderContents(files: files, skippedLinks: listing.links)
      }
      listing = now
    }
    throw ReplicationError(
      .notOnRemote, "\(folder) is changed by another program while it is read",
      remedy: "Nothing was lost; it is read the next time", isRetryable: true)
  }

  private struct Listing: Equatable {
    var notes: [ByteString: FileInformation] = [:]
    var links: [ByteString] = []
  }

  private func list() throws(ReplicationError) -> Listing {
    let there = try storage { () throws(StorageError) in try fileSystem.information(folder) }
    guard there?.kind == .folder else {
      throw ReplicationError(.noInput, "\(folder) is no folder")
    }
    var listing = Listing()
    var names = 0
    try list("", depth: 1, &listing, &names)
    return listing
  }

  private func list(_ inner: String, depth: Int, _ listing: inout Listing, _ count: inout Int)
    throws(ReplicationError)
  {
    let names = try storage { () throws(StorageError) in try fileSystem.list("\(folder)/\(inner)".trimmingSlash) }
    count += names.count
    guard count <= NotesFolderReader.maximumNames else { throw refusal(".", "more than 100,000 files") }
    for name in names where !name.hasPrefix(".") {
      let path = inner + name
      let found = try storage { () throws(StorageError) in
        try fileSystem.information("\(folder)/\(path)", followingLinks: false)
      }
      let isNote = NotesFolder.isNoteName(ByteString(path))
      switch found?.kind {
      case .folder:
        guard depth < NotesFolderReader.maximumDepth else { throw refusal(path, "nested too deep") }
        try list(path + "/", depth: depth + 1, &listing, &count)
      case .file where isNote:
        guard let found else { continue }
        guard found.sizeBytes <= Int64(NotesFolder.maximumFileBytes) else {
          throw refusal(path, "larger than 1 MiB")
        }
        listing.notes[ByteString(path)] = found
        guard listing.notes.count <= NotesFolder.maximumFileCount else {
          throw refusal(".", "more than \(NotesFolder.maximumFileCount) notes")
        }
      // Passed over, a note that became one of these would look deleted.
      case .symbolicLink where isNote: throw refusal(path, "a link; notes have to be files")
      case .other where isNote: throw refusal(path, "no plain file")
      case .symbolicLink: listing.links.append(ByteString(path))
      default: continue
      }
    }
  }

  private func refusal(_ path: String, _ reason: String) -> ReplicationError {
    ReplicationError(
      .badData, "\(folder)/\(path): \(reason)", remedy: "Move it out of the folder of notes; nothing was changed")
  }

  private func storage<Result>(_ body: () throws(StorageError) -> Result) throws(ReplicationError) -> Result {
    do { return try body() } catch { throw ReplicationError(error) }
  }
}

extension String {
  fileprivate var trimmingSlash: String { count > 1 && hasSuffix("/") ? String(dropLast()) : self }
}
