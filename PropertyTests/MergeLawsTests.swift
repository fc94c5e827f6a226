import CRDT
import Memory
import TestKit
import Testing

/// The merge of files is a join semilattice with one written form.
struct MergeLawsTests {
  @Test func `the merge depends on nothing but what is merged`() {
    let files = zip(MergeGenerators.file, MergeGenerators.file, MergeGenerators.file)
    checkProperty("merge of files", files) { first, second, third in
      let a = source("memory-hosta.json", first)
      let b = source("memory-hostb.json", second)
      let c = source("memory-hostc.json", third)
      let all = try merged([a, b, c])
      let (ab, bc) = (try merged([a, b]), try merged([b, c]))
      try demandSame(try merged([c, a, b]), all, "the order of files changes the result")
      try demandSame(try merged([b, a]), ab, "not commutative")
      try demandSame(try merged([ab, c]), all, "not associative")
      try demandSame(try merged([a, bc]), all, "not associative")
      try demandSame(try merged([ab, ab]), ab, "not idempotent")
      try demandSame(try merged([all]), all, "the output is no fixpoint")
      try demandSame(try merged([all, b]), all, "a file merged again changes the result")
    }
  }

  @Test func `the bulk merge agrees with a naive one`() {
    checkProperty("bulk merge and model", MergeGenerators.entries.array(count: 0...4)) { files in
      let sources = files.enumerated().map { source("memory-\($0).json", $1.map(\.spaced)) }
      let expected = model(files.flatMap { $0 })
      try demandSame(
        try merged(sources), source("model.json", expected.map(\.compact)), "not the model's state")
    }
  }

  @Test func `white space between tokens changes nothing`() {
    checkProperty("white space", MergeGenerators.entries) { entries in
      let spaced = try merged([source("memory-a.json", entries.map(\.spaced))])
      let compact = try merged([source("memory-a.json", entries.map(\.compact))])
      try demandSame(spaced, compact, "white space is part of a value")
    }
  }

  @Test func `what is shown is live, one an id, and the greatest`() {
    checkProperty("view", MergeGenerators.entries.array(count: 0...3)) { files in
      let table = try EntryTable(files.enumerated().map { source("memory-\($0).json", $1.map(\.spaced)) })
      let winners = table.join()
      let shown = table.view(of: winners)
      try demand(Set(shown).isSubset(of: winners), "the view shows a value that lost")
      let ids = shown.map { table.entryID($0) }
      try demandEqual(Set(ids).count, ids.count, "an id is shown twice")
      try demandEqual(
        Set(ids), Set(winners.filter { !table.isDeleted($0) }.map { table.entryID($0) }), "ids are missing")
      for index in winners where !table.isDeleted(index) {
        let of = table.entryID(index)
        let best = shown.first { table.entryID($0) == of }.map { table.stamp($0) }
        try demand(best.map { table.stamp(index) <= $0 } ?? false, "a greater value is not shown")
      }
      for conflict in table.conflicts() {
        try demand(conflict.others.allSatisfy { $0.isLive && $0.content != conflict.shown.content }, "no conflict")
      }
    }
  }

  @Test func `single entries read from the merge are the entries merged`() {
    checkProperty("entries come back", MergeGenerators.entry) { generated in
      let table = try EntryTable([source("memory-a.json", [generated.spaced])])
      let entry = table.entry(0)
      try demandEqual(entry.bytes, Array(generated.compact.utf8), "other bytes")
      try demandEqual(entry.metadata.uniqueID.bytes, generated.key, "another key")
      try demandEqual(entry.metadata.stamp.host.bytes, generated.host, "another host")
      try demandEqual(entry.metadata.version, generated.version, "another version")
      let rewritten = Entry(content: entry.content, metadata: entry.metadata)
      let again = try EntryTable([source("m.json", [String(decoding: rewritten.bytes, as: UTF8.self)])])
      try demandEqual(again.write(again.join()), again.write([0]), "written and read, it is another")
      try demandEqual(again.entry(0).content, entry.content, "the content changed")
      try demandEqual(again.entry(0).bytes, rewritten.bytes, "written and read, the bytes changed")
    }
  }

  // MARK: The naive merge, from the words of the design

  private func model(_ entries: [GeneratedEntry]) -> [GeneratedEntry] {
    var state: [[UInt8]: GeneratedEntry] = [:]
    for entry in entries {
      if let other = state[entry.key], !isLess(other, entry) { continue }
      state[entry.key] = entry
    }
    return state.values.sorted { left, right in
      if (left.second, left.fraction) != (right.second, right.fraction) {
        return (left.second, left.fraction) < (right.second, right.fraction)
      }
      return left.key.lexicographicallyPrecedes(right.key)
    }
  }

  private func isLess(_ left: GeneratedEntry, _ right: GeneratedEntry) -> Bool {
    if left.second != right.second { return left.second < right.second }
    if left.fraction != right.fraction { return left.fraction < right.fraction }
    if left.host != right.host { return left.host.lexicographicallyPrecedes(right.host) }
    if left.version != right.version { return left.version < right.version }
    return Array(left.compact.utf8).lexicographicallyPrecedes(Array(right.compact.utf8))
  }
}

private func text(_ entries: [String]) -> String {
  entries.isEmpty ? "[]\n" : "[\n" + entries.joined(separator: ",\n") + "\n]\n"
}

private func source(_ name: String, _ entries: [String]) -> Source {
  Source(name: name, bytes: Array(text(entries).utf8))
}

private func merged(_ sources: [Source]) throws -> Source {
  let table = try EntryTable(sources)
  return Source(name: "unified-memory.json", bytes: table.write(table.join()))
}

private func demandSame(_ actual: Source, _ expected: Source, _ message: String, line: UInt = #line) throws {
  // Bytes, not text: as text, NFC and NFD would be equal.
  try demand(
    actual.bytes == expected.bytes, "\(message)\n    actual:   \(actual.text)\n    expected: \(expected.text)",
    line: line)
}

extension Source {
  fileprivate var text: String { String(decoding: bytes, as: UTF8.self) }
}
