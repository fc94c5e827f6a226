import CRDT

/// A file in a folder of notes.
public struct NoteFile: Hashable, Sendable {
  /// From the folder, its parts separated by `/`.
  public var path: ByteString
  public var bytes: [UInt8]

  public init(path: ByteString, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }
}

/// What has to be done in a folder so that it shows a view.
public enum NoteChange: Hashable, Sendable {
  case write(NoteFile)
  case delete(ByteString)
  /// A note that is not written, and why: one clause without a full stop.
  case skip(ByteString, reason: String)
}

/// A folder of Markdown notes: one entry a file, `{"path":"topics/git.md","text":"…"}`, under its path as the id.
///
/// The text is the file's bytes, so whatever it holds (front matter, line ends, no newline at the end) comes back. A
/// renamed file is a deleted one and a new one.
public enum NotesFolder {
  /// A file may be as large.
  public static let maximumFileBytes = 1 << 20
  /// A folder may hold as many notes.
  public static let maximumFileCount = 10_000
  /// A path may be as long, and each part of it 255 bytes.
  public static let maximumPathBytes = 1_024
  /// In so many folders, one in the other, a note may be.
  public static let maximumDepth = 32

  /// The entries that files are, in the order of their paths.
  ///
  /// Throws ``MemoryError``, naming the file, for a path that is not safe, bytes that are no text (a NUL, no UTF-8), a
  /// file that is too large, and too many of them: skipping one would look like its deletion.
  /// - Complexity: O(n log n)
  public static func document(of files: [NoteFile]) throws(MemoryError) -> MemoryDocument {
    guard files.count <= maximumFileCount else {
      throw MemoryError(.tooLarge, source: "the folder", reason: "more than \(maximumFileCount) notes")
    }
    var items: [MemoryDocument.Item] = []
    items.reserveCapacity(files.count)
    for file in files.sorted(by: { $0.path < $1.path }) {
      try refuse(file)
      items.append(
        MemoryDocument.Item(
          id: file.path, content: content(of: file), line: 1, range: 0..<file.bytes.count))
    }
    return MemoryDocument(format: .markdown, items: items)
  }

  private static func refuse(_ file: NoteFile) throws(MemoryError) {
    let name = file.path.description
    if let reason = reasonAgainst(file.path) {
      throw MemoryError(.unknownFormat, source: name, reason: reason)
    }
    guard file.bytes.count <= maximumFileBytes else {
      throw MemoryError(.tooLarge, source: name, reason: "larger than 1 MiB; move it out of the folder of notes")
    }
    if !isText(file.bytes) {
      throw MemoryError(.invalidJSON, source: name, reason: "no text in UTF-8; move it out of the folder of notes")
    }
  }

  private static func isText(_ bytes: [UInt8]) -> Bool {
    !bytes.contains(0) && String(validating: bytes, as: UTF8.self) != nil
  }

  // MARK: Paths

  /// Whether a file of this path stays in the folder and is read as a note again: relative, no part that is empty or
  /// starts with a dot (so neither `..` nor `.git`), no control characters, valid UTF-8, ending in `.md` or
  /// `.markdown`, of bounded length and depth.
  public static func isSafe(_ path: ByteString) -> Bool { reasonAgainst(path) == nil }

  /// Why a path is not safe; `nil` when it is.
  static func reasonAgainst(_ path: ByteString) -> String? {
    guard String(validating: path.bytes, as: UTF8.self) != nil else { return "its name is not valid UTF-8" }
    if path.bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return "a control character in its name" }
    let depth = path.bytes.count { $0 == 0x2F }
    if depth > maximumDepth { return "in more than \(maximumDepth) folders" }
    if path.count > maximumPathBytes { return "its path is longer than \(maximumPathBytes) bytes" }
    for part in path.bytes.split(separator: 0x2F, omittingEmptySubsequences: false) {
      if part.isEmpty { return "no plain relative path" }
      if part.first == 0x2E { return "a part of its path starts with a dot" }
      if part.count > 255 { return "a name longer than 255 bytes" }
    }
    return isNoteName(path) ? nil : "its name ends neither in .md nor in .markdown"
  }

  /// Whether a file is called like a note.
  public static func isNoteName(_ path: ByteString) -> Bool {
    let lower = path.bytes.suffix(9).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
    return lower.suffix(3).elementsEqual(".md".utf8) || lower.elementsEqual(".markdown".utf8)
  }

  // MARK: Entries

  private static func content(of file: NoteFile) -> [UInt8] {
    Array(#"{"path":"#.utf8) + JSONText.quoted(file.path.bytes) + Array(#","text":"#.utf8)
      + JSONText.quoted(file.bytes) + [0x7D]
  }

  /// The file that an entry is, safe or not; `nil` when it is no note.
  static func file(of entry: Entry) -> NoteFile? {
    let content = entry.content
    let span = content.span.bytes
    guard let members = try? JSONObject.members(at: 0, span).members, members.count == 2,
      members[0].isNamed("path", span), members[1].isNamed("text", span),
      let path = JSONObject.string(members[0].value, span), let text = JSONObject.string(members[1].value, span)
    else { return nil }
    let file = NoteFile(path: ByteString(bytes: path), bytes: text)
    // Spelled otherwise, it would not be read as this entry again.
    return file.path == entry.id && self.content(of: file) == content ? file : nil
  }

  /// The file that an entry is, where it can be one.
  static func note(of entry: Entry) -> NoteFile? {
    guard let file = file(of: entry), isSafe(file.path), isText(file.bytes), file.bytes.count <= maximumFileBytes else {
      return nil
    }
    return file
  }

  // MARK: Writing

  /// What to delete and write, in this order, so that the folder shows these entries, and notes that cannot be shown.
  ///
  /// Skipped are notes whose path is not safe, or meets another one: the same but for case or the spelling of
  /// accents, which many file systems take for one file, and a file where another note needs a folder. Files that
  /// are there go before new ones, and older entries before younger. Entries that are no notes are passed over.
  /// Throws as ``document(of:)`` does.
  /// - Parameters:
  ///   - files: what is in the folder.
  ///   - isKept: notes that stay as they are.
  /// - Complexity: O(n log n)
  public static func changes(
    from files: [NoteFile], toHold entries: [Entry],
    keeping isKept: (MemoryDocument.Item) -> Bool = { _ in false }
  ) throws(MemoryError) -> [NoteChange] {
    let document = try document(of: files)
    var changes: [NoteChange] = []
    var skipped: [NoteChange] = []
    var wanted: [ByteString: NoteFile] = [:]
    var order: [ByteString] = []
    for entry in RecordAssembly.inOrderOfCreation(entries) {
      guard let file = file(of: entry) else { continue }
      if note(of: entry) != nil {
        wanted[file.path] = file
        order.append(file.path)
      } else {
        skipped.append(.skip(file.path, reason: reasonAgainst(file.path) ?? "no text, or larger than 1 MiB"))
      }
    }
    var taken = TakenNames()
    var writes: [NoteChange] = []
    for item in document.items {
      let file = wanted.removeValue(forKey: item.id)
      if isKept(item) {
        taken.add(item.id)
      } else if let file {
        taken.add(item.id)
        if content(of: file) != item.content { writes.append(.write(file)) }
      } else {
        changes.append(.delete(item.id))
      }
    }
    for path in order {
      guard let file = wanted[path] else { continue }
      if let reason = taken.reasonAgainst(path) {
        skipped.append(.skip(path, reason: reason))
      } else if taken.fileCount >= maximumFileCount {
        skipped.append(.skip(path, reason: "the folder has \(maximumFileCount) notes, the most there can be"))
      } else {
        taken.add(path)
        writes.append(.write(file))
      }
    }
    return changes + writes + skipped
  }

  /// Names as file systems that ignore case and the spelling of accents see them.
  private struct TakenNames {
    /// Files by their folded path.
    private var files: [String: ByteString] = [:]
    /// Folders by their folded path.
    private var folders: [String: ByteString] = [:]

    var fileCount: Int { files.count }

    mutating func add(_ path: ByteString) {
      files[TakenNames.folded(path)] = path
      for folder in TakenNames.folders(of: path) { folders[TakenNames.folded(folder)] = folder }
    }

    func reasonAgainst(_ path: ByteString) -> String? {
      if let other = files[TakenNames.folded(path)] { return "\(other) is there, and differs only in case or accents" }
      if folders[TakenNames.folded(path)] != nil { return "a folder of this name is there" }
      for folder in TakenNames.folders(of: path) {
        let name = TakenNames.folded(folder)
        if let file = files[name] { return "\(file) is a file, and would have to be a folder" }
        if let other = folders[name], other != folder {
          return "the folder \(other) is there, and differs only in case or accents"
        }
      }
      return nil
    }

    private static func folders(of path: ByteString) -> [ByteString] {
      path.bytes.indices.filter { path.bytes[$0] == 0x2F }.map { ByteString(path.bytes[..<$0]) }
    }

    /// `String` compares by canonical equivalence, which is what such file systems do.
    private static func folded(_ path: ByteString) -> String { path.description.lowercased() }
  }
}
