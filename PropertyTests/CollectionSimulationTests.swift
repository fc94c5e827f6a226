import CRDT
import Git
import Memory
import Replication
import TestKit
import Testing

/// Random programs with deletions, collecting and retiring over simulated stores, with the product's own code.
@Suite struct CollectionSimulationTests {
  enum Step: CustomStringConvertible {
    case set(host: Int, id: Int, value: Int)
    case drop(host: Int, id: Int)
    case backUp(host: Int)
    case backUpOffline(host: Int)
    case forget(host: Int, id: Int)
    case collect(host: Int)
    case retire(host: Int, other: Int)
    case everybody
    case powerCut(host: Int, afterWrites: Int)
    case clock(host: Int, seconds: Int)
    case deletePrivateState(host: Int)
    case rewriteRemote(Int)

    var description: String {
      switch self {
      case .set(let host, let id, let value): "h\(host): e\(id)=v\(value)"
      case .drop(let host, let id): "h\(host): drop e\(id)"
      case .backUp(let host): "h\(host): backup"
      case .backUpOffline(let host): "h\(host): backup offline"
      case .forget(let host, let id): "h\(host): forget e\(id)"
      case .collect(let host): "h\(host): gc"
      case .retire(let host, let other): "h\(host): retire h\(other)"
      case .everybody: "all: backup and gc, twice"
      case .powerCut(let host, let writes): "h\(host): gc, power cut after \(writes) writes"
      case .clock(let host, let seconds): "h\(host): clock \(seconds)"
      case .deletePrivateState(let host): "h\(host): private state deleted"
      case .rewriteRemote(let pick): "remote put back to \(pick)"
      }
    }
  }

  static let step = Gen<Step> { choices in
    let host = try choices.draw(.int(in: 0...2))
    let id = try choices.draw(.int(in: 0...3))
    switch try choices.draw(.int(in: 0...28, .uniform)) {
    case 0...4: return .set(host: host, id: id, value: try choices.draw(.int(in: 0...4)))
    case 5: return .drop(host: host, id: id)
    case 6...10: return .backUp(host: host)
    case 11: return .backUpOffline(host: host)
    case 12...15: return .forget(host: host, id: id)
    case 16...17: return .collect(host: host)
    case 18: return .retire(host: host, other: try choices.draw(.int(in: 0...2)))
    case 19...20: return .everybody
    case 21: return .powerCut(host: host, afterWrites: try choices.draw(.int(in: 0...9, .uniform)))
    case 22: return .clock(host: host, seconds: try choices.draw(.int(in: -100_000...100_000)))
    case 23: return .deletePrivateState(host: host)
    case 24: return .deletePrivateState(host: host)
    case 25: return .everybody
    default: return .rewriteRemote(try choices.draw(.int(in: 0...12, .uniform)))
    }
  }

  @Test func nothingForgottenComesBackAndNothingElseGoes() {
    checkProperty(
      "collecting over stores resurrects nothing", cases: 400, .array(of: Self.step, count: 0...80)
    ) { steps in
      try Self.run(steps)
    }
  }

  @Test func aTombstoneAboveItsWritersClockEndsOnceTheClockHasComeUp() throws {
    try Self.run([
      .clock(host: 0, seconds: -300), .set(host: 1, id: 1, value: 0), .everybody, .forget(host: 0, id: 1),
      .clock(host: 0, seconds: 1), .set(host: 1, id: 0, value: 0),
    ])
  }

  static func options(_ store: Store) -> BackupOptions {
    BackupOptions(defaultHost: store.settings.host ?? EntryIdentity.hostName(folding: "x"))
  }

  static func run(_ steps: [Step]) throws {
    let server = SimulatedServer()
    let hosts = try (0...2).map { try SimulatedStore("h\($0)", server: server, seed: UInt64($0)) }
    var tips: [ObjectID] = []

    func backUp(_ host: SimulatedStore, offline: Bool = false) throws {
      _ = try attempting([.noInput, .storage]) { try host.backUp(offline: offline) }
      if let tip = server.refs["refs/heads/main"], tips.last != tip { tips.append(tip) }
    }
    func collect(_ host: SimulatedStore) throws {
      let store = try host.open()
      _ = try attempting([.noInput, .storage]) { try store.collect(options(store)) }
    }

    for step in steps {
      switch step {
      case .set(let host, let id, let value):
        hosts[host].memory.removeAll { $0.id == "e\(id)" }
        hosts[host].memory.append((id: "e\(id)", value: "v\(value)"))
      case .drop(let host, let id): hosts[host].memory.removeAll { $0.id == "e\(id)" }
      case .backUp(let host): try backUp(hosts[host])
      case .backUpOffline(let host): try backUp(hosts[host], offline: true)
      case .forget(let host, let id):
        let store = try hosts[host].open()
        _ = try attempting([.noInput]) { try store.forget(ByteString("e\(id)"), options: options(store)) }
      case .collect(let host): try collect(hosts[host])
      case .retire(let host, let other):
        let store = try hosts[host].open()
        _ = try attempting([.noInput, .usage]) { try store.retire("h\(other)", options: options(store)) }
      case .everybody:
        for _ in 0..<2 {
          for host in hosts {
            try backUp(host)
            try collect(host)
            try backUp(host)
          }
        }
      case .powerCut(let host, let writes):
        hosts[host].files.failWrites(after: writes)
        try collect(hosts[host])
        hosts[host].files.failWrites(after: nil)
      case .clock(let host, let seconds): hosts[host].now = hosts[host].now.advanced(bySeconds: Int64(seconds))
      case .deletePrivateState(let host): try loseBase(hosts[host])
      case .rewriteRemote(let pick):
        if !tips.isEmpty { server.rewrite("refs/heads/main", to: tips[max(0, tips.count - 1 - pick)]) }
      }
    }
    try check(hosts, server: server)
    // Everybody tells and collects, and it is the same still.
    let before = try view(hosts[0])
    for _ in 0..<3 {
      for host in hosts {
        try backUp(host)
        try collect(host)
        try backUp(host)
      }
    }
    try check(hosts, server: server)
    try demandEqual(try view(hosts[0]), before, "collecting changed what is live")
    let report = try hosts[0].open().collect(options(try hosts[0].open()))
    try demand(report.waiting.isEmpty, "tombstones wait for \(report.waiting)")
  }

  /// A host that loses its private state takes nothing of what its memory file already said for new, whatever became of
  /// it meanwhile.
  static func loseBase(_ host: SimulatedStore) throws {
    func uniqueIDs() throws -> Set<ByteString> {
      let store = try host.open()
      return Set(try (0...3).flatMap { try store.log(ByteString("e\($0)")) }.map(\.entry.metadata.uniqueID))
    }
    guard try attempting([.noInput, .storage], { try host.backUp(offline: true) }) != nil else { return }
    let before = try uniqueIDs()
    host.deletePrivateState()
    _ = try host.backUp(offline: true)
    try demandEqual(try uniqueIDs(), before, "\(host.name) added what it had")
  }

  static func view(_ host: SimulatedStore) throws -> Set<String> {
    let bytes = try host.open().restored(.now, id: nil, format: .jsonArray)
    return Set(try MemoryDocument.parse(bytes, source: "view", format: .jsonArray).items.map { "\($0.id)" })
  }

  /// Quiet rounds; then all agree, and what is live is what nobody had seen before deleting or replacing it.
  static func check(_ hosts: [SimulatedStore], server: SimulatedServer) throws {
    for _ in 0..<4 { for host in hosts { _ = try? host.backUp() } }
    for host in hosts {
      try demand(try host.backUp().outcome.isVerified, "\(host.name) is not verified")
      try demandEqual(
        host.unified.map { String(decoding: $0, as: UTF8.self) },
        hosts[0].unified.map { String(decoding: $0, as: UTF8.self) }, "\(host.name) shows another merge")
    }
    let shown = try view(hosts[0])
    let store = try hosts[0].open()
    for id in (0...3).map({ "e\($0)" }) {
      let all = try store.log(ByteString(id)).map(\.entry.metadata)
      let isStanding = all.contains { value in
        !value.isDeleted
          && !all.contains { $0.uniqueID == value.uniqueID && $0 != value && $0.hasSeen(value.stamp) }
      }
      try demand(shown.contains(id) == isStanding, "\(id) is \(isStanding ? "gone" : "live again"): \(all)")
    }
  }
}
