import CRDT
import Memory
import TestKit

/// A kind of entry as memory files have them, and the values that programs of the model write.
enum EntryFamily: Int, CaseIterable {
  /// `{"id":"e0","content":"v7"}`, which JSON, JSON Lines, envelopes and maps hold.
  case record
  /// An entity of a knowledge graph.
  case entity
  /// An observation, with its entity or without.
  case observation
  /// A plain string.
  case text
  /// A value in a category.
  case path
  /// A Markdown note.
  case note

  /// Whether what it says is its id: then another value is another entry.
  var isItsContent: Bool { self == .observation || self == .text }

  /// The `number`-th value of the thing in a slot, as the family's own format reads it.
  func value(slot: Int, number: Int) throws -> MemoryValue {
    switch self {
    case .record: return try read(#"[{"id":"e\#(slot)","content":"v\#(number)"}]"#, .jsonArray)
    case .entity:
      return try read(#"{"type":"entity","name":"n\#(slot)","entityType":"v\#(number)","observations":[]}"#, .graph)
    case .observation:
      return try read(
        #"{"type":"entity","name":"n\#(slot)","entityType":"(removed)","observations":["v\#(number)"]}"#, .graph)
    case .text: return try read(#"["v\#(number) of \#(slot)"]"#, .strings)
    case .path: return try read(#"{"user":{"p\#(slot)":"v\#(number)"}}"#, .nestedMap)
    case .note:
      let note = NoteFile(path: ByteString("topics/n\(slot).md"), bytes: Array("v\(number)".utf8))
      return MemoryValue(try NotesFolder.document(of: [note]).items[0])
    }
  }

  private func read(_ text: String, _ format: MemoryFormat) throws -> MemoryValue {
    let values = try TwoWayHost.values(in: Array(text.utf8), format: format)
    guard values.count == 1 else { throw PropertyFailure("\(text) is \(values.count) entries") }
    return values[0]
  }

  /// The families that a format holds.
  static let heldBy: [MemoryFormat: [EntryFamily]] = {
    var held: [MemoryFormat: [EntryFamily]] = [:]
    for format in MemoryFormat.allCases {
      held[format] = allCases.filter { family in
        (try? family.value(slot: 0, number: 0)).map { format.canGain($0.entry(0)) } ?? false
      }
    }
    return held
  }()
}
