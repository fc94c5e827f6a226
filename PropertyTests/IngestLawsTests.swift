import CRDT
import Memory
import TestKit
import Testing

/// Laws of ingest over random histories of a few hosts.
struct IngestLawsTests {
  @Test func everyIngestOfEveryHistoryKeepsTheLaws() {
    checkProperty("ingest laws", IngestPrograms.program) { program in
      var hosts = ["a", "b", "c"].map { SimulatedHost($0) }
      var fetched: [Int: [SimulatedHost]] = [:]
      for step in program {
        var host = hosts[step.host]
        let others = IngestPrograms.fetch(step, hosts, &fetched)
        if step.isBaseLost { host.base = nil }
        let before = host
        let result: IngestResult
        do {
          result = try host.ingest(
            step.document, knowing: others, at: Instant(unixSeconds: step.wallSeconds), vanished: step.policy)
        } catch is IngestError<Never> {
          continue
        }
        try checkStep(step.document, result, before: before, after: host, others: others)
        try checkRepetition(step, result, host, others: others)
        try checkUnrelatedAddition(step, host, others: others)
        hosts[step.host] = host
      }
    }
  }

  private func checkStep(
    _ document: MemoryDocument, _ result: IngestResult, before: SimulatedHost, after: SimulatedHost,
    others: [SimulatedHost]
  ) throws {
    // Each item is accounted for once.
    let counted = result.added.count + result.changed.count + result.recognised.count + result.unchangedCount
    try demandEqual(counted, document.items.count, "items are missing or counted twice")
    let live = result.entries.filter(\.isLive)
    try demandEqual(live.count, result.added.count + result.changed.count, "not what was new or edited was stamped")

    // What equals the base is not stamped, however often an id is there.
    var base = Dictionary(
      (before.base?.items ?? []).map { (Value($0.id, $0.contentDigest), 1) }, uniquingKeysWith: +)
    var unchanged = 0
    for item in document.items {
      let value = Value(item.id, ContentDigest(of: item.content))
      if let count = base[value], count > 0 {
        base[value] = count - 1
        unchanged += 1
      }
    }
    try demandEqual(result.unchangedCount, unchanged, "an unchanged item was stamped, or a changed one was not seen")

    // Every item is represented: in a host file, or, where it was recognised as old, in history.
    let all = ([after] + others).flatMap(\.history)
    let known = Set(all.filter(\.isLive).map { Value($0.id, ContentDigest(of: $0.content)) })
    for item in document.items {
      try demand(known.contains(Value(item.id, ContentDigest(of: item.content))), "an item is nowhere: \(item.id)")
    }

    // What was written is the winner of its unique_id, greater than all that was known of it, and has not seen more
    // than there was.
    let table = try SimulatedHost.table([after] + others)
    let winners = Set(table.entries(table.join()))
    for entry in result.entries {
      try demand(winners.contains(entry), "a written entry lost at once: \(entry.metadata.uniqueID)")
      for other in all where other.metadata.uniqueID == entry.metadata.uniqueID && other != entry {
        try demand(other.metadata.version < entry.metadata.version, "a version was used twice")
      }
    }
    try demandEqual(
      Set(after.history.map { [$0.metadata.uniqueID, ByteString($0.metadata.stamp.instant.written)] }).count,
      after.history.count, "a stamp was used twice")

    // Nothing that was live went away but what was deleted.
    let gone = Set(result.entries.filter { !$0.isLive }.map(\.metadata.uniqueID))
    let table2 = try SimulatedHost.table([before] + others)
    for entry in table2.entries(table2.join()) where entry.isLive && !gone.contains(entry.metadata.uniqueID) {
      try demand(winners.contains { $0.metadata.uniqueID == entry.metadata.uniqueID && $0.isLive }, "a value went away")
    }

    let uniqueIDs = result.base.items.map(\.uniqueID)
    try demandEqual(Set(uniqueIDs).count, uniqueIDs.count, "two items are one unique_id")
    try demandEqual(IngestBase.parse(result.base.serialized()), result.base, "the base does not come back")
  }

  private func checkRepetition(
    _ step: IngestPrograms.Step, _ result: IngestResult, _ host: SimulatedHost, others: [SimulatedHost]
  ) throws {
    var again = host
    let second = try again.ingest(
      step.document, knowing: others, at: Instant(unixSeconds: step.wallSeconds + 1), vanished: step.policy)
    try demand(second.entries.isEmpty, "a second run stamped \(second.entries.map(\.metadata.uniqueID))")
    try demandEqual(second.base, result.base, "a second run changed the base")
    try demandEqual(again.clock, host.clock, "a second run moved the clock")
  }

  private func checkUnrelatedAddition(
    _ step: IngestPrograms.Step, _ host: SimulatedHost, others: [SimulatedHost]
  ) throws {
    var again = host
    var document = step.document
    document.items.insert(
      MemoryDocument.Item(id: "unrelated", content: Array(#"{"id":"unrelated"}"#.utf8)),
      at: document.items.count / 2)
    let result = try again.ingest(
      document, knowing: others, at: Instant(unixSeconds: step.wallSeconds + 1), vanished: step.policy)
    try demandEqual(result.entries.map(\.id), ["unrelated"])
  }

  @Test func ingestIsIdempotentAndDeterministic() {
    let document = IngestPrograms.item.array(count: 0...5).map { MemoryDocument(format: .jsonArray, items: $0) }
    checkProperty("ingest is idempotent", zip(document, document, Gen<Int64>.int(in: 0...2_000))) {
      first, second, wall in
      var host = SimulatedHost("a")
      try host.ingest(first, at: Instant(unixSeconds: 1_000))
      var twin = host
      let result = try host.ingest(second, at: Instant(unixSeconds: wall))
      try demandEqual(try twin.ingest(second, at: Instant(unixSeconds: wall)).entries, result.entries, "not determined")
      let again = try host.ingest(second, at: Instant(unixSeconds: wall + 1))
      try demand(again.entries.isEmpty, "a second run stamped something")
      try demandEqual(again.base, result.base)
    }
  }

  @Test func afterWriteBackEveryHostRests() {
    checkProperty("write-back rests", IngestPrograms.program) { program in
      var hosts = ["a", "b", "c"].map { SimulatedHost($0) }
      var fetched: [Int: [SimulatedHost]] = [:]
      for step in program {
        let others = IngestPrograms.fetch(step, hosts, &fetched)
        _ = try? hosts[step.host].ingest(
          step.document, knowing: others, at: Instant(unixSeconds: step.wallSeconds), vanished: step.policy)
      }
      for index in hosts.indices {
        let others = hosts.indices.filter { $0 != index }.map { hosts[$0] }
        let document = try hosts[index].writeBack(.jsonArray, knowing: others)
        let result = try hosts[index].ingest(
          document, knowing: others, at: Instant(unixSeconds: 5_000), vanished: .tombstone(allowMass: false))
        try demand(result.entries.isEmpty, "written back, and something is new")
        try demandEqual(result.unchangedCount, document.items.count)
        // Without its base, too, nothing is stamped.
        var lost = hosts[index]
        lost.base = nil
        try demand(
          try lost.ingest(document, knowing: others, at: Instant(unixSeconds: 6_000)).entries.isEmpty,
          "the base was lost, and something is new")
      }
    }
  }

  private struct Value: Hashable {
    var id: ByteString
    var digest: ContentDigest

    init(_ id: ByteString, _ digest: ContentDigest) {
      self.id = id
      self.digest = digest
    }
  }
}

/// Random histories: who ingests what, when, and knowing whom.
enum IngestPrograms {
  struct Step: Sendable, CustomDebugStringConvertible {
    var host: Int
    var document: MemoryDocument
    var wallSeconds: Int64
    var isOffline: Bool
    var isBaseLost: Bool
    var policy: VanishedPolicy

    var debugDescription: String {
      let items = document.items.map { String(decoding: $0.content, as: UTF8.self) }.joined(separator: ",")
      let notes = (isOffline ? " offline" : "") + (isBaseLost ? " baseLost" : "")
      return "host \(host) at \(wallSeconds) \(policy)\(notes): \(items)"
    }
  }

  /// What a host knows of the others: what they have now, or, offline, what it fetched last. Nothing is forgotten.
  static func fetch(_ step: Step, _ hosts: [SimulatedHost], _ fetched: inout [Int: [SimulatedHost]])
    -> [SimulatedHost]
  {
    if !step.isOffline { fetched[step.host] = hosts.indices.filter { $0 != step.host }.map { hosts[$0] } }
    return fetched[step.host] ?? []
  }

  /// Few ids and values, so that hosts meet: equal values, duplicates, going back and forth.
  static let item = zip(Gen<String>.element(of: ["x", "y", "z"]), Gen<Int>.int(in: 0...3)).map { id, value in
    MemoryDocument.Item(id: ByteString(id), content: Array(#"{"id":"\#(id)","v":\#(value)}"#.utf8))
  }

  private static let step = Gen<Step> { choices in
    Step(
      host: try choices.draw(.int(in: 0...2)),
      document: MemoryDocument(format: .jsonArray, items: try choices.draw(item.array(count: 0...4))),
      // Clocks that are set back, and one far ahead.
      wallSeconds: try choices.draw(.frequency((8, .int(in: 0...1_000)), (1, .constant(9_000_000)))),
      isOffline: try choices.draw(.frequency((3, .constant(false)), (1, .constant(true)))),
      isBaseLost: try choices.draw(.frequency((7, .constant(false)), (1, .constant(true)))),
      policy: try choices.draw(.element(of: [.keep, .tombstone(allowMass: false), .tombstone(allowMass: true)])))
  }

  static let program = step.array(count: 1...6)
}
