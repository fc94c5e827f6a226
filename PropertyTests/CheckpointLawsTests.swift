import CRDT
import Checkpointing
import Memory
import Synchronization
import TestKit
import Testing

/// What holds of checkpoints for any state and any history.
struct CheckpointLawsTests {
  /// A state as an agent may give it: known members, and others of any JSON.
  private static let state = Gen<String> { choices in
    var members: [String] = []
    let names = try choices.draw(Gen<String>.identifier(count: 1...4).array(count: 0...4))
    for name in Set(names).sorted() {
      members.append("\"own-\(name)\":\(try choices.draw(Gen<String>.jsonValue(depth: 3).padded))")
    }
    let metrics = try choices.draw(Gen<String>.jsonNumber.array(count: 0...3))
    members.append(
      "\"metrics\":{\(metrics.enumerated().map { "\"m\($0.offset)\":\($0.element)" }.joined(separator: ","))}")
    let variables = try choices.draw(Gen<String>.jsonString().array(count: 0...3))
    members.append(
      "\"environment\" : {\(variables.enumerated().map { "\"V\($0.offset)\":\($0.element)" }.joined(separator: ","))}")
    let hypotheses = try choices.draw(Gen<String>.jsonString(count: 1...6).array(count: 0...4))
    members.append(
      "\"hypotheses\":["
        + hypotheses.enumerated().map { "{\"id\":\"\($0.offset)\",\"statement\":\($0.element)}" }.joined(separator: ",")
        + "]")
    return "{" + members.joined(separator: ",") + "}"
  }

  @Test func theChecksumOutlivesEveryReload() {
    checkProperty(
      "a checkpoint that is written and read again is the same, with the same checksum", cases: 2_000,
      zip(Self.state, Gen<String>.text(), Gen<String>.text(count: 1...6))
    ) { state, message, tag in
      let id = CheckpointID(random: [UInt8](repeating: 7, count: 16))
      let checkpoint = Checkpoint(
        header: CheckpointHeader(
          id: id, sequence: 1, stamp: Stamp(instant: .epoch, host: "a"), session: id, message: ByteString(message),
          tags: [ByteString(tag)]),
        state: try CheckpointState(json: Array(state.utf8)))
      let stored = try StoredCheckpoint(json: checkpoint.json)
      guard case .inline(let bytes) = stored.payload else { throw PropertyFailure("the state is elsewhere") }
      try demandEqual(stored.verdict(state: bytes).verdict, .valid)
      let again = try stored.checkpoint(state: bytes)
      try demandEqual(again, checkpoint)
      try demandEqual(again.checksum, checkpoint.checksum)
      try demandEqual(again.json, checkpoint.json)
    }
  }

  @Test func compactionKeepsWhatItMust() {
    let checkpoint = Gen<(session: Int, isTagged: Bool)> { choices in
      (try choices.draw(.int(in: 0...2)), try choices.flip(yesIn: 3))
    }
    checkProperty(
      "compaction keeps the newest, what has a tag, and the order", cases: 2_000,
      zip(checkpoint.array(count: 0...20), .int(in: 1...5))
    ) { checkpoints, count in
      let headers = checkpoints.enumerated().map { index, one in
        CheckpointHeader(
          id: CheckpointID(random: Array(repeating: UInt8(index), count: 16)), sequence: index + 1,
          stamp: Stamp(instant: .epoch, host: "a"),
          session: CheckpointID(random: Array(repeating: UInt8(200 + one.session), count: 16)),
          tags: one.isTagged ? ["t"] : [])
      }
      for strategy in [CompactionStrategy.keepRecent(count), .preserveTagged, .hybrid(count)] {
        let plan = CompactionPlan(strategy, of: headers)
        try demandEqual((plan.kept + plan.removed).sorted { $0.sequence < $1.sequence }, headers)
        try demandEqual(plan.kept, plan.kept.sorted { $0.sequence < $1.sequence })
        let (kept, newest) = (Set(plan.kept), Dictionary(grouping: headers, by: \.session))
        for (_, session) in newest {
          let recent =
            switch strategy {
            case .keepRecent, .hybrid: session.suffix(count)
            case .preserveTagged: session.suffix(1)
            }
          try demand(kept.isSuperset(of: recent), "a recent one is gone under \(strategy)")
          if strategy == .keepRecent(count) { try demandEqual(session.filter(kept.contains).count, recent.count) }
        }
        if strategy != .keepRecent(count) {
          try demand(kept.isSuperset(of: headers.filter { !$0.tags.isEmpty }), "a tagged one is gone under \(strategy)")
        }
      }
    }
  }

  @Test func aDamagedExportNeverBringsInAWrongState() throws {
    let (a, states) = (
      Host("a"), ["{}", #"{"metrics":{"m":1.50},"mine":[1,"x"]}"#, #"{"workingFolder":"/w","x":"y"}"#]
    )
    for state in states {
      _ = try a.service.create(
        CheckpointDraft(message: ByteString(state), tags: ["t"], state: try CheckpointState(json: Array(state.utf8))))
    }
    let export = try a.service.export()
    let checksums = Set(try a.service.list().map(\.checksum))
    let change = Gen<(place: Int, byte: UInt8, isGone: Bool)> { choices in
      (try choices.draw(.int(in: 0...export.count - 1)), try choices.draw(.int(in: 0...255)), try choices.flip())
    }
    checkProperty("what is taken from a damaged export is what was exported", cases: 3_000, change.array(count: 1...3))
    {
      changes in
      var damaged = export
      for change in changes where change.place < damaged.count {
        if change.isGone { damaged.remove(at: change.place) } else { damaged[change.place] = change.byte }
      }
      let host = Host("b")
      do throws(CheckpointError) { _ = try host.service.importing(damaged, source: "x", skipsInvalid: true) } catch {
        try demand(error.code == .badData || error.code == .tooLarge, "\(error)")
        try demand(try host.service.list().isEmpty, "something was imported all the same")
      }
      for stored in try host.service.list() where stored.checksum != nil {
        try demand(checksums.contains(stored.checksum), "a checkpoint nobody made")
        try demandEqual(try host.service.validate(stored.header.id).verdict, .valid)
      }
    }
  }

  private enum Step: CustomStringConvertible {
    case create(Int), delete(Int, UInt64), compact(Int), merge(from: Int, into: Int), setClock(Int, Int64)

    var description: String {
      switch self {
      case .create(let host): "create \(host)"
      case .delete(let host, let index): "delete \(host) \(index)"
      case .compact(let host): "compact \(host)"
      case .merge(let from, let into): "merge \(from) into \(into)"
      case .setClock(let host, let seconds): "clock \(host) \(seconds)"
      }
    }
  }

  private static let step = Gen<Step> { choices in
    let host = try choices.draw(Gen<Int>.int(in: 0...2))
    switch try choices.choice(upTo: 9) {
    case 0...4: return .create(host)
    case 5: return .delete(host, try choices.choice(upTo: 30))
    case 6: return .compact(host)
    case 7: return .setClock(host, try choices.draw(.int(in: -200...200)))
    default: return .merge(from: host, into: try choices.draw(.int(in: 0...2)))
    }
  }

  private final class Host {
    let store: InMemoryCheckpointStore
    let service: CheckpointService
    /// Numbers and times this host gave out.
    var given: [CheckpointHeader] = []

    private final class State: Sendable {
      let seconds = Mutex<Int64>(0)
      let number = Mutex<Int>(0)
    }
    private let state = State()

    init(_ name: String) {
      let state = state
      let clock: @Sendable () -> Instant = { Instant(unixSeconds: 1_767_322_800 + state.seconds.withLock { $0 }) }
      store = InMemoryCheckpointStore(host: EntryIdentity.hostName(folding: name), wallClock: clock)
      service = CheckpointService(
        store: store, wallClock: clock,
        randomBytes: { count in
          let number = state.number.withLock { number in
            number += 1
            return number
          }
          return Array(EntryIdentity.hexDigest(of: Array("\(name) \(number)".utf8)).utf8.prefix(count))
        })
      service.start()
    }

    func setClock(_ value: Int64) { state.seconds.withLock { $0 = value } }
  }

  @Test func hostsNeverLoseOrRepeatANumber() {
    checkProperty(
      "numbers rise on each host, above all it saw; joined hosts agree; what is deleted stays deleted", cases: 300,
      Self.step.array(count: 0...30)
    ) { steps in
      let hosts = ["a", "b", "c"].map(Host.init)
      var deleted: Set<CheckpointID> = []
      for step in steps {
        switch step {
        case .create(let index):
          let host = hosts[index]
          let seen = try host.service.list().map(\.header.sequence).max() ?? 0
          let header = try host.service.create(CheckpointDraft(state: CheckpointState()))
          try demand(header.sequence > seen, "number \(header.sequence) is not above \(seen)")
          if let last = host.given.last {
            try demand(header.sequence > last.sequence, "number \(header.sequence) after \(last.sequence)")
            try demand(header.stamp > last.stamp, "a time is not after the last")
          }
          host.given.append(header)
        case .delete(let index, let choice):
          let list = try hosts[index].service.list()
          guard !list.isEmpty else { continue }
          let id = list[Int(choice) % list.count].header.id
          try hosts[index].service.delete([id])
          deleted.insert(id)
        case .compact(let index):
          deleted.formUnion(try hosts[index].service.compact(.keepRecent(3)).removed.map(\.id))
        case .merge(let from, let into): hosts[into].store.merge(hosts[from].store)
        case .setClock(let index, let seconds): hosts[index].setClock(seconds)
        }
      }
      for _ in 0..<2 { for into in hosts { for from in hosts { into.store.merge(from.store) } } }
      let lists = try hosts.map { try $0.service.list().map(\.header) }
      try demandEqual(lists[0], lists[1])
      try demandEqual(lists[0], lists[2])
      let given = Set(hosts.flatMap(\.given))
      try demandEqual(Set(lists[0]), given.filter { !deleted.contains($0.id) }, "one is lost, or came back")
      try demandEqual(
        Set(given.map { "\($0.sequence)@\($0.stamp.host)" }).count, given.count, "a number was given out twice")
    }
  }
}
