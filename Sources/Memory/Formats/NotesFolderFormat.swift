/// Stands for a folder of notes among the formats. No single file is one: see ``NotesFolder``.
enum NotesFolderFormat: FormatCodec {
  static let summary = "a folder of Markdown notes"
  static let isLineBased = false

  static func verdict(on probe: FormatProbe) -> FormatVerdict? { nil }

  static func items(of bytes: RawSpan) throws(ScanFailure) -> [MemoryDocument.Item] {
    throw ScanFailure(0, "a file, where a folder of Markdown notes was expected", code: .unknownFormat)
  }

  static func layout(of bytes: RawSpan) throws(ScanFailure) -> FileLayout {
    throw ScanFailure(0, "a folder has no layout", code: .unknownFormat)
  }

  static func canHold(_ entry: Entry) -> Bool { entry.metadata.kind == nil && NotesFolder.note(of: entry) != nil }

  static func isReadable(_ entry: Entry) -> Bool { true }

  /// For people, where one file is asked for: the notes as an array.
  static func render(_ records: [[UInt8]]) -> [UInt8] { JSONArrayFormat.render(records) }
}
