import CRDT
import Memory
import Synchronization
import TestKit
import Testing

/// Ending tombstones: whatever is interleaved, nothing deleted comes back and nothing else goes.
@Suite struct CollectionLawsTests {
  enum Step: CustomStringConvertible {
    case add(Int)
    case edit(Int, Int, seesAll: Bool)
    case delete(Int, Int)
    case revive(Int, Int)
    case sync(Int)
    case fetch(Int)
    case share(Int, Int)
    case tell(Int)
    case everybody
    case collect(Int)
    case retire(Int, Int)
    /// A host whose disk and clock were put back adds something under a stamp that is below its own mark.
    case addInThePast(Int)
    /// The disk is put back to what it was some syncs ago.
    case fallBack(Int, Int)
    /// The remote is put back to an older commit.
    case rewrite(Int)
    /// A new host begins with an older commit.
    case clone(Int)

    var description: String {
      switch self {
      case .add(let host): "h\(host) adds"
      case .edit(let host, let pick, let all): "h\(host) edits #\(pick)\(all ? "" : " having seen one value")"
      case .delete(let host, let pick): "h\(host) deletes #\(pick)"
      case .revive(let host, let pick): "h\(host) revives #\(pick)"
      case .sync(let host): "h\(host) syncs"
      case .fetch(let host): "h\(host) fetches"
      case .share(let host, let other): "h\(host) merges h\(other)"
      case .everybody: "all sync, twice"
      case .tell(let host): "h\(host) tells what it has seen"
      case .collect(let host): "h\(host) collects"
      case .retire(let host, let other): "h\(host) retires h\(other)"
      case .addInThePast(let host): "h\(host) adds in the past"
      case .fallBack(let host, let pick): "h\(host) falls back to \(pick)"
      case .rewrite(let pick): "the remote falls back to \(pick)"
      case .clone(let pick): "a new host clones \(pick)"
      }
    }
  }

  static let step = Gen<Step> { choices in
    let host = try choices.draw(.int(in: 0...2))
    let pick = try choices.draw(.int(in: 0...5))
    switch try choices.draw(.int(in: 0...29, .uniform)) {
    case 0...1: return .add(host)
    case 2...3: return .edit(host, pick, seesAll: true)
    case 4: return .edit(host, pick, seesAll: false)
    case 5...8: return .delete(host, pick)
    case 9: return .revive(host, pick)
    case 10...14: return .sync(host)
    case 15: return .fetch(host)
    case 16: return .share(host, try choices.draw(.int(in: 0...2)))
    case 17...18: return .tell(host)
    case 19...21: return .collect(host)
    case 22: return .retire(host, try choices.draw(.int(in: 0...2)))
    case 23: return .fallBack(host, pick)
    case 24: return .rewrite(pick)
    case 25...27: return .everybody
    case 28: return .addInThePast(host)
    default: return .clone(pick)
    }
  }

  /// A run of a program.
  struct World {
    var hosts: [ModelHost]
    var remote = ModelTree()
    var pasts: [ModelTree] = [ModelTree()]
    var ownPasts: [Int: [ModelTree]] = [:]
    var now: Int64 = 1_000
    var collected = 0

    init(skews: [Int]) {
      hosts = (0..<3).map { index in
        ModelHost(name: ByteString("h\(index)"), skew: skews.isEmpty ? 0 : Int64(skews[index % skews.count]))
      }
      for index in hosts.indices { hosts[index].record() }
    }

    mutating func sync(_ index: Int) {
      hosts[index].merge(remote, now: now)
      remote = hosts[index].tree
      pasts.append(remote)
      ownPasts[index, default: []].append(remote)
    }

    mutating func run(_ step: Step) {
      now += 10
      switch step {
      case .add(let host):
        let uniqueID = ByteString("h\(host)_e\(now)")
        hosts[host].write(uniqueID, now: now, isDeleted: false, seen: KnownStamps())
      case .edit(let host, let pick, let seesAll):
        guard let winner = winner(of: host, pick, isDeleted: false) else { return }
        let seen = seesAll ? hosts[host].tree.known(winner.uniqueID) : KnownStamps(of: winner)
        hosts[host].write(winner.uniqueID, now: now, isDeleted: false, seen: seen)
      case .delete(let host, let pick):
        guard let winner = winner(of: host, pick, isDeleted: false) else { return }
        hosts[host].write(winner.uniqueID, now: now, isDeleted: true, seen: KnownStamps(of: winner))
      case .revive(let host, let pick):
        let gone = hosts[host].tree.history.filter(\.isDeleted).sorted { $0.stamp < $1.stamp }
        guard !gone.isEmpty else { return }
        let uniqueID = gone[pick % gone.count].uniqueID
        var known = hosts[host].tree.known(uniqueID)
        if known.greatest == nil { known = KnownStamps(of: gone[pick % gone.count]) }
        hosts[host].write(uniqueID, now: now, isDeleted: false, seen: known)
      case .sync(let host): sync(host)
      case .fetch(let host): hosts[host].merge(remote, now: now)
      case .share(let host, let other):
        let tree = hosts[other].tree
        hosts[host].merge(tree, now: now)
      case .tell(let host): hosts[host].record()
      case .everybody:
        for index in Array(hosts.indices) + Array(hosts.indices) {
          hosts[index].record()
          sync(index)
        }
      case .collect(let host): collected += hosts[host].collect().tombstones.count
      case .retire(let host, let other):
        guard host != other, let mark = hosts[host].tree.marks[hosts[other].name] else { return }
        let (writer, gone) = (hosts[host].name, hosts[other].name)
        hosts[host].record()
        hosts[host].tree.records[writer]?.retired[gone] = mark
      case .addInThePast(let host):
        let stamp = Stamp(
          instant: Instant(unixSeconds: max(1, now - 300), nanoseconds: now % 1_000), host: hosts[host].name)
        let metadata = Metadata(stamp: stamp, version: 1, uniqueID: ByteString("h\(host)_p\(now)"))
        hosts[host].tree.values[FileKey(host: stamp.host, uniqueID: metadata.uniqueID)] = metadata
        hosts[host].tree.history.insert(metadata)
        hosts[host].record()
      case .fallBack(let host, let pick):
        guard let pasts = ownPasts[host], !pasts.isEmpty else { return }
        hosts[host].tree = pasts[max(0, pasts.count - 1 - pick)]
      case .rewrite(let pick): remote = pasts[max(0, pasts.count - 1 - pick)]
      case .clone(let pick):
        guard hosts.count < 5 else { return }
        var host = ModelHost(name: ByteString("n\(hosts.count)"), skew: 0)
        host.tree = pasts[max(0, pasts.count - 1 - pick)]
        host.merge(ModelTree(), now: now)
        host.record()
        hosts.append(host)
      }
    }

    private func winner(of host: Int, _ pick: Int, isDeleted: Bool) -> Metadata? {
      let winners = hosts[host].tree.winners.values.filter { $0.isDeleted == isDeleted }
        .sorted { $0.uniqueID < $1.uniqueID }
      return winners.isEmpty ? nil : winners[pick % winners.count]
    }

    mutating func settle() {
      for _ in 0..<4 {
        for index in hosts.indices {
          now += 10
          hosts[index].record()
          sync(index)
        }
      }
    }

    /// What the final state has to be, from every value there ever was.
    func check() throws {
      let final = remote
      for host in hosts { try demandEqual(host.tree.values, final.values, "\(host.name) is elsewhere") }
      var byID: [ByteString: [Metadata]] = [:]
      for metadata in final.history { byID[metadata.uniqueID, default: []].append(metadata) }
      let winners = final.winners
      for (uniqueID, all) in byID {
        // Values that no other had seen: nobody has replaced or deleted them.
        let standing = all.filter { value in
          !value.isDeleted && !all.contains { $0 != value && $0.hasSeen(value.stamp) }
        }
        for value in standing where !final.values.values.contains(value) {
          throw PropertyFailure("\(uniqueID) of \(value.stamp) was neither deleted nor replaced, and is gone")
        }
        let isLive = winners[uniqueID].map { !$0.isDeleted } ?? false
        try demand(isLive == !standing.isEmpty, "\(uniqueID) is \(isLive ? "live again" : "hidden"): \(all)")
      }
    }
  }

  @Test func nothingDeletedComesBackAndNothingElseGoes() {
    let ended = Mutex((tombstones: 0, programs: 0))
    checkProperty(
      "collecting resurrects nothing and drops only what was deleted", cases: 7_500,
      zip(.array(of: Self.step, count: 0...100), .array(of: .int(in: -60...60), count: 0...3))
    ) { steps, skews in
      var world = World(skews: skews)
      for step in steps { world.run(step) }
      world.settle()
      try world.check()
      // Everybody has told: every tombstone ends, and still nothing comes back.
      let rest = world.hosts[0].collect()
      try demand(rest.waiting.isEmpty && rest.kept.isEmpty, "tombstones stay: \(rest.waiting) \(rest.kept)")
      world.settle()
      try world.check()
      try demand(!world.remote.winners.values.contains(where: \.isDeleted), "tombstones are back")
      let count = world.collected
      ended.withLock { $0 = ($0.tombstones + count, $0.programs + 1) }
    }
    let (tombstones, programs) = ended.withLock { $0 }
    // 200 for 1,500 programs, however many there are.
    #expect(tombstones >= programs * 2 / 15, "the programs collect too little to say anything")
  }

  @Test func joinsOfCollectedTreesCommuteAndAssociate() {
    checkProperty(
      "the join of collected trees is a semilattice", cases: 10_000,
      zip(.array(of: Self.step, count: 0...40), .int(in: 0...2))
    ) { steps, turn in
      try Self.checkJoins(steps, turn)
    }
  }

  @Test func aReturningHostsEditHidesNoTombstoneFromTheJoin() throws {
    let steps: [Step] = [
      .add(2), .everybody, .retire(0, 2), .delete(1, 0), .sync(1), .sync(0), .collect(0), .edit(2, 0, seesAll: true),
    ]
    for turn in 0...2 { try Self.checkJoins(steps, turn) }
  }

  static func checkJoins(_ steps: [Step], _ turn: Int) throws {
    var world = World(skews: [])
    for step in steps { world.run(step) }
    let trees = world.hosts.prefix(3).map(\.tree)
    let (a, b, c) = (trees[turn], trees[(turn + 1) % 3], trees[(turn + 2) % 3])
    try demandEqual(a.joined(with: a).values, a.values, "not idempotent")
    try demandEqual(a.joined(with: b).values, b.joined(with: a).values, "not commutative")
    try demandEqual(
      a.joined(with: b).joined(with: c).values, a.joined(with: b.joined(with: c)).values, "not associative")
  }
}
