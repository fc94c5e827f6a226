import CRDT
import Memory

/// What a memory says of one id.
public struct MemoryValue: Hashable, Sendable {
  public var id: ByteString
  public var content: [UInt8]
  public var kind: ByteString?

  public init(_ item: MemoryDocument.Item) {
    id = item.id
    content = item.content
    kind = item.kind
  }

  /// As the entry of some host, the `position`-th it made.
  public func entry(_ position: Int) -> Entry {
    let host = EntryIdentity.hostName(folding: "user")
    let stamp = Stamp(instant: Instant(unixSeconds: Int64(position)), host: host.bytes)
    let uniqueID = UniqueID(host: host, id: id, created: stamp.instant).text
    return Entry(content: content, metadata: Metadata(stamp: stamp, version: 1, uniqueID: uniqueID, kind: kind))
  }
}

/// A memory of any format, read and changed as its user does.
extension TwoWayHost {
  /// The bytes of a file or of all notes.
  public var snapshot: [String: [UInt8]] {
    if format?.isFolder == true { return noteFiles }
    return store.files.get(path).map { ["": $0] } ?? [:]
  }

  /// The files of a folder of notes that its readers see: none whose path has a part that starts with a dot.
  private var noteFiles: [String: [UInt8]] {
    store.files.all(below: path).filter { !$0.key.hasPrefix(".") && !$0.key.contains("/.") }
  }

  /// What the memory says, in its order.
  public var values: [MemoryValue] {
    get throws {
      if format?.isFolder == true { return try NotesFolder.document(of: notes).items.map(MemoryValue.init) }
      return try Self.values(in: store.files.get(path) ?? [], format: format)
    }
  }

  /// A new memory with nothing in it; a folder, or a file of lines, is just not there.
  public func makeEmptyMemory() {
    let text: String? =
      switch format {
      case .jsonArray, .strings, nil: "[]\n"
      case .map, .nestedMap: "{}\n"
      case .graphObject: "{\n  \"entities\": [],\n  \"relations\": []\n}\n"
      case .envelope: "{\n  \"count\": 2,\n  \"memories\": [],\n  \"next\": null\n}\n"
      case .jsonLines, .graph, .markdown: nil
      }
    if let text { self.text = text }
  }

  /// Takes ids out, and puts values in, in place of what there is of their ids.
  /// - Returns: false where what would be left is no memory of the format, such as an empty one of lines: then it stays
  ///   as it is.
  @discardableResult
  public func change(removing ids: Set<ByteString>, setting values: [MemoryValue]) throws -> Bool {
    guard format?.isFolder == true else {
      let old = store.files.get(path)
      let new = try Self.changed(old ?? [], format: format, removing: ids, setting: values)
      guard let new else { return false }
      if new != old ?? [] { store.files.put(path, new) }
      return true
    }
    let entries = Self.applied(try self.values, removing: ids, setting: values)
    if entries.isEmpty, !notes.isEmpty { return false }
    for change in try NotesFolder.changes(from: notes, toHold: entries) {
      switch change {
      case .write(let note): store.files.put("\(path)/\(note.path)", note.bytes)
      case .delete(let note): try store.files.remove("\(path)/\(note)")
      case .skip: continue
      }
    }
    return true
  }

  private var notes: [NoteFile] {
    noteFiles.map { NoteFile(path: ByteString($0.key), bytes: $0.value) }
  }

  /// What a file says.
  public static func values(in bytes: [UInt8], format: MemoryFormat?) throws -> [MemoryValue] {
    if bytes.allSatisfy({ $0 <= 0x20 }) { return [] }
    return try MemoryDocument.parse(bytes, source: "memory", format: format).items.map(MemoryValue.init)
  }

  /// A file with some ids taken out and some values put in; `nil` where that would be no memory of the format.
  public static func changed(
    _ bytes: [UInt8], format: MemoryFormat?, removing ids: Set<ByteString>, setting values: [MemoryValue]
  ) throws -> [UInt8]? {
    let entries = applied(try self.values(in: bytes, format: format), removing: ids, setting: values)
    let isBlank = bytes.allSatisfy { $0 <= 0x20 }
    let new =
      isBlank
      ? (format ?? .jsonArray).render(entries)
      : try MemoryDocument.parse(bytes, source: "memory", format: format).rewritten(bytes, toHold: entries)
    if new.isEmpty, !bytes.isEmpty { return nil }
    return (try? self.values(in: new, format: format)) == nil ? nil : new
  }

  private static func applied(_ old: [MemoryValue], removing ids: Set<ByteString>, setting values: [MemoryValue])
    -> [Entry]
  {
    var new = old.filter { !ids.contains($0.id) }
    for value in values {
      if let there = new.firstIndex(where: { $0.id == value.id }) { new[there] = value } else { new.append(value) }
    }
    return new.enumerated().map { $1.entry($0) }
  }
}
