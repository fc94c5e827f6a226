import CRDT
import Memory
import TestKit
import Testing

/// Memory files of every format, rewritten to hold something else: what was to be in them is, and the rest stays.
struct RewriteLawsTests {
  @Test(arguments: MemoryFormat.files)
  func nothingChangesWhereNothingDoes(format: MemoryFormat) {
    checkProperty("an unchanged view leaves \(format.rawValue) as it is", cases: 1_250, MemoryFiles.file(format)) {
      text in
      let bytes = Array(text.utf8)
      let document = try MemoryDocument.parse(bytes, source: "generated", format: format)
      for entry in MemoryFiles.entries(of: document.items) {
        try demand(format.canHold(entry), "what was read cannot be held: \(entry.id)")
        // What is no part of a graph stays where somebody put it, and gets into no other graph object.
        try demandEqual(format.canGain(entry), format != .graphObject || RewriteScene.isPartOfGraph(entry))
      }
      try assume(Set(document.items.map(\.id)).count == document.items.count)
      let entries = MemoryFiles.entries(of: document.items)
      try assume(format.heldTogether(entries).count == entries.count)
      try demandEqual(document.rewritten(bytes, toHold: entries), bytes)
    }
  }

  @Test(arguments: MemoryFormat.files)
  func aRewrittenFileHoldsTheViewAndNothingElse(format: MemoryFormat) {
    checkProperty(
      "what is read from a rewritten \(format.rawValue) is the view", cases: 1_250, RewriteScene.scene(format)
    ) { scene in
      let bytes = Array(scene.file.utf8)
      let document = try MemoryDocument.parse(bytes, source: "generated", format: format)
      let entries = try scene.entries(document, format)
      let rewritten = document.rewritten(bytes, toHold: entries, keeping: scene.isKept)
      let again = try MemoryDocument.parse(rewritten, source: "rewritten", format: format)
      let expected = scene.expected(document, entries, format)
      try demandEqual(
        again.items.map(RewriteScene.shown).sorted(), expected.sorted(), String(decoding: rewritten, as: UTF8.self))
      try demandEqual(
        again.rewritten(rewritten, toHold: entries, keeping: scene.isKept), rewritten, "rewriting is not stable")
      try demandEqual(
        scene.untouched(document, bytes, expected).subtracting(RewriteScene.texts(again, rewritten)), [],
        "an item that stays has other bytes")
    }
  }
}

/// A file, and what is to be in it: some of its items, some of them edited, and items of another file.
struct RewriteScene: CustomStringConvertible {
  var file: String
  var other: String
  /// The other file's: what this one cannot hold is left out.
  var otherFormat: MemoryFormat
  /// Decides about the items in turn.
  var dice: [Int]

  var description: String {
    "file \(file.debugDescription), other \(otherFormat) \(other.debugDescription), dice \(dice)"
  }

  static func scene(_ format: MemoryFormat) -> Gen<RewriteScene> {
    let damaged = Gen<String>.element(of: [
      "", "", " <<<<<<< HEAD\t", "null", "{\"id\":\"x", "{}{}\r", "{\"id\":\r", "{\"id\":\"é\"},",
    ])
    let others = Gen<MemoryFormat>.oneOf(.constant(format), .element(of: MemoryFormat.files)).flatMap { format in
      MemoryFiles.file(format).map { (format, $0) }
    }
    return zip(
      MemoryFiles.file(format), others, Gen<Int>.int(in: 0...9).array(count: 3...5),
      zip(damaged, damaged)
    ).map { file, other, dice, damaged in
      var file = file
      if isLineBased(format) {
        // One behind the first line, one at the end, without a line end of its own.
        if !damaged.0.isEmpty, let end = file.utf8.firstIndex(of: 0x0A) {
          file.insert(contentsOf: "\n" + damaged.0, at: end)
        }
        if !damaged.1.isEmpty { file += (file.utf8.last == 0x0A ? "" : "\n") + damaged.1 }
      }
      return RewriteScene(file: file, other: other.1, otherFormat: other.0, dice: dice)
    }
  }

  private static func isLineBased(_ format: MemoryFormat) -> Bool { [.jsonLines, .graph].contains(format) }

  /// One entry an id: of the file's items about half, of the other's too.
  func entries(_ document: MemoryDocument, _ format: MemoryFormat) throws -> [Entry] {
    let others = try MemoryDocument.parse(Array(other.utf8), source: "other", format: otherFormat).items
    var ids: Set<ByteString> = []
    var chosen: [MemoryDocument.Item] = []
    for (index, item) in (document.items + others).enumerated() {
      let roll = dice[index % dice.count]
      let isFirst = index == 0 && RewriteScene.isLineBased(format)
      guard roll < 7 || isFirst, item.kind != Quarantine.kind, ids.insert(item.id).inserted else { continue }
      var item = item
      // An edit: another value of the same id, from the other file or by a member more.
      if roll == 1, let value = others.first(where: { $0.id == item.id && $0.kind == item.kind }) { item = value }
      if roll > 4, item.kind == nil {
        let isEmpty = item.content.count == 2
        let more = roll == 5 ? #""more":[1.0,{"x":"é"}]}"# : #""more":0}"#
        item.content = item.content.dropLast() + (isEmpty ? [] : [0x2C]) + Array(more.utf8)
      }
      chosen.append(item)
    }
    return MemoryFiles.entries(of: chosen)
  }

  /// What looks like a secret: by its content, as the scanner decides.
  @Sendable func isKept(_ item: MemoryDocument.Item) -> Bool {
    dice[0] > 6 && item.content.reduce(0) { $0 &+ Int($1) } % 5 == 0
  }

  func expected(_ document: MemoryDocument, _ entries: [Entry], _ format: MemoryFormat) -> [Shown] {
    let kept = document.items.filter { $0.kind == Quarantine.kind || isKept($0) }
    let free = document.items.filter { $0.kind != Quarantine.kind && !isKept($0) }
    let keptIDs = Set(kept.map(\.id))
    let freeIDs = Set(free.map(\.id))
    let freeItems = Set(free.map(RewriteScene.shown))
    var held = entries.filter { entry in
      let isThere = freeItems.contains(RewriteScene.shown(entry))
      if isThere { return true }
      return freeIDs.contains(entry.id)
        ? format.canHold(entry) : !keptIDs.contains(entry.id) && format.canGain(entry)
    }
    if format == .nestedMap {
      // No path is a value and a category.
      func isUnder(_ id: ByteString, _ other: ByteString) -> Bool { id.bytes.starts(with: other.bytes + [0x2F]) }
      let ids = held.map(\.id) + keptIDs
      held.removeAll { entry in
        ids.contains { isUnder($0, entry.id) } || keptIDs.contains { isUnder(entry.id, $0) }
      }
    }
    // What the file says in another spelling stays as it is there; the first that says it, else the first, stands for it.
    let byID = Dictionary(grouping: free, by: \.id)
    let shown = held.map { entry in
      let same = byID[entry.id]?.first { EntryIdentity.isSameMeaning($0.content, entry.content) }
      return same.map(RewriteScene.shown) ?? RewriteScene.shown(entry)
    }
    return kept.map(RewriteScene.shown) + shown
  }

  static func isPartOfGraph(_ entry: Entry) -> Bool {
    ["entity:", "relation:", "observation:"].contains { entry.id.bytes.starts(with: Array($0.utf8)) }
  }

  /// The texts of plain items that say what their entry says.
  func untouched(_ document: MemoryDocument, _ bytes: [UInt8], _ expected: [Shown]) -> Set<ByteString> {
    let wanted = Set(expected)
    var ids: Set<ByteString> = []
    let items = document.items.filter { item in
      let isFirst = ids.insert(item.id).inserted
      return item.kind == nil && !item.id.bytes.starts(with: Array("entity:".utf8))
        && (isKept(item) || (isFirst && wanted.contains(RewriteScene.shown(item))))
    }
    return Set(items.map { ByteString(bytes: Array(bytes[$0.range])) })
  }

  static func texts(_ document: MemoryDocument, _ bytes: [UInt8]) -> Set<ByteString> {
    Set(document.items.map { ByteString(bytes: Array(bytes[$0.range])) })
  }

  struct Shown: Hashable, Comparable {
    var id: ByteString
    var content: ByteString

    static func < (left: Shown, right: Shown) -> Bool { (left.id, left.content) < (right.id, right.content) }
  }

  static func shown(_ item: MemoryDocument.Item) -> Shown {
    Shown(id: item.id, content: ByteString(bytes: item.content))
  }

  static func shown(_ entry: Entry) -> Shown { Shown(id: entry.id, content: ByteString(bytes: entry.content)) }
}
