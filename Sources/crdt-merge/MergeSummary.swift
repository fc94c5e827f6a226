import CRDT
import Memory

/// What `--json` prints:
/// `{"schema":1,"output":"unified-memory.json","changed":true,"sources":10,"entries":100,"unique_ids":80,
/// "tombstones":2,"bytes":41000}`, with `--view` also `"shown"`.
struct MergeSummary {
  /// The file as the user named it.
  var output: String
  /// False when it held these bytes already and was left alone.
  var changed: Bool
  /// Files read.
  var sources: Int
  /// Entries read, all versions counted.
  var entries: Int
  /// Entries of the merged state, tombstones included.
  var uniqueIDs: Int
  var tombstones: Int
  /// Size of the output.
  var bytes: Int
  /// Values of the view.
  var shown: Int?

  var json: String {
    var text = #"{"schema":1,"output":\#(JSONString.quoted(output)),"changed":\#(changed),"sources":\#(sources)"#
    text += #","entries":\#(entries),"unique_ids":\#(uniqueIDs),"tombstones":\#(tombstones),"bytes":\#(bytes)"#
    if let shown { text += #","shown":\#(shown)"# }
    return text + "}"
  }
}

/// Text as a JSON string.
enum JSONString {
  static func quoted(_ text: String) -> String {
    String(decoding: JSONText.quoted(Array(text.utf8)), as: UTF8.self)
  }
}
