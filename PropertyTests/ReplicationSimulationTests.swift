import CRDT
import Git
import Memory
import Replication
import TestKit
import Testing

/// Random programs of edits, backups, faults, crashes and clock jumps over a few hosts and one remote, with the
/// product's own replication code.
@Suite struct ReplicationSimulationTests {
  enum Step: CustomStringConvertible {
    case set(host: Int, id: Int, value: Int)
    case drop(host: Int, id: Int)
    case backUp(host: Int)
    case backUpOffline(host: Int)
    case fault(Int)
    case powerCut(host: Int, afterWrites: Int)
    case gitFails(host: Int)
    case clock(host: Int, seconds: Int)
    case forget(host: Int, id: Int)
    case deletePrivateState(host: Int)
    case rewriteRemote(Int)
    case collect(host: Int)

    var description: String {
      switch self {
      case .set(let host, let id, let value): "h\(host): e\(id)=v\(value)"
      case .drop(let host, let id): "h\(host): drop e\(id)"
      case .backUp(let host): "h\(host): backup"
      case .backUpOffline(let host): "h\(host): backup offline"
      case .fault(let kind): "remote fault \(kind)"
      case .powerCut(let host, let writes): "h\(host): power cut after \(writes) writes"
      case .gitFails(let host): "h\(host): git write fails"
      case .clock(let host, let seconds): "h\(host): clock \(seconds)"
      case .forget(let host, let id): "h\(host): forget e\(id)"
      case .deletePrivateState(let host): "h\(host): private state deleted"
      case .rewriteRemote(let kind): "remote rewritten \(kind)"
      case .collect(let host): "h\(host): gc"
      }
    }
  }

  static let step = Gen<Step> { choices in
    let host = try choices.draw(.int(in: 0...2))
    let id = try choices.draw(.int(in: 0...3))
    switch try choices.draw(.int(in: 0...21, .uniform)) {
    case 0...5: return .set(host: host, id: id, value: try choices.draw(.int(in: 0...4)))
    case 6...11: return .backUp(host: host)
    case 12: return .backUpOffline(host: host)
    case 13: return .fault(try choices.draw(.int(in: 0...4, .uniform)))
    case 14: return .powerCut(host: host, afterWrites: try choices.draw(.int(in: 0...9, .uniform)))
    case 15: return .clock(host: host, seconds: try choices.draw(.int(in: -40_000_000...40_000_000)))
    case 16: return .forget(host: host, id: id)
    case 17: return .deletePrivateState(host: host)
    case 18: return .rewriteRemote(try choices.draw(.int(in: 0...2, .uniform)))
    case 19...20: return .collect(host: host)
    default: return .drop(host: host, id: id)
    }
  }

  /// A value as it was accepted: a backup that returned had it in its memory file.
  struct Accepted: Hashable {
    var id: String
    var value: String
  }

  @Test func nothingAcceptedIsLostAndAllHostsAgree() {
    checkProperty(
      "replication loses nothing", cases: 2_000, zip(.array(of: Self.step, count: 0...40), .bool)
    ) { steps, sharesName in
      try Self.run(steps, sharesName: sharesName)
    }
  }

  static func run(_ steps: [Step], sharesName: Bool) throws {
    let server = SimulatedServer()
    let hosts = try (0...2).map { index in
      try SimulatedStore(
        "h\(index)", host: sharesName && index > 0 ? "twin" : nil, server: server, seed: UInt64(index))
    }
    var accepted: Set<Accepted> = []
    var tips: [ObjectID] = []

    func backUp(_ host: SimulatedStore, offline: Bool) throws {
      guard try attempting([.noInput, .storage], { try host.backUp(offline: offline) }) != nil else { return }
      for entry in host.memory { accepted.insert(Accepted(id: entry.id, value: entry.value)) }
      if let tip = server.refs["refs/heads/main"], tips.last != tip { tips.append(tip) }
    }

    for step in steps {
      switch step {
      case .set(let host, let id, let value):
        hosts[host].memory.removeAll { $0.id == "e\(id)" }
        hosts[host].memory.append((id: "e\(id)", value: "v\(value)"))
      case .drop(let host, let id): hosts[host].memory.removeAll { $0.id == "e\(id)" }
      case .backUp(let host): try backUp(hosts[host], offline: false)
      case .backUpOffline(let host): try backUp(hosts[host], offline: true)
      case .fault(let kind): Self.order(kind, on: server)
      case .powerCut(let host, let writes):
        hosts[host].files.failWrites(after: writes)
        try backUp(hosts[host], offline: false)
        hosts[host].files.failWrites(after: nil)
      case .gitFails(let host):
        hosts[host].repository.failNextWrite = GitError(
          .storage, operation: "write", message: "disk full (injected)", isRetryable: false)
      case .clock(let host, let seconds): hosts[host].now = hosts[host].now.advanced(bySeconds: Int64(seconds))
      case .forget(let host, let id):
        let store = try hosts[host].open()
        let options = BackupOptions(defaultHost: store.settings.host ?? EntryIdentity.hostName(folding: "x"))
        _ = try attempting([.noInput, .storage]) { try store.forget(ByteString("e\(id)"), options: options) }
      case .deletePrivateState(let host): hosts[host].deletePrivateState()
      case .collect(let host):
        let store = try hosts[host].open()
        _ = try attempting([.noInput, .storage]) {
          try store.collect(BackupOptions(defaultHost: EntryIdentity.hostName(folding: hosts[host].name)))
        }
      case .rewriteRemote(let kind):
        switch kind {
        case 0: server.rewrite("refs/heads/main", to: nil)
        case 1: if let old = tips.first { server.rewrite("refs/heads/main", to: old) }
        default: server.rewrite("refs/heads/main", to: tips.randomElement(by: steps.count))
        }
      }
    }
    try Self.settle(hosts, server: server, accepted: accepted)
  }

  static func order(_ kind: Int, on server: SimulatedServer) {
    switch kind {
    case 0: server.order(.silent, for: .fetch)
    case 1: server.order(.reject("busy"), for: .push)
    case 2: server.order(.acceptWithoutDoing, for: .push)
    case 3: server.order(.doWithoutAnswering, for: .push)
    default:
      server.order(
        .fail(GitError(.unreachable, operation: "list", message: "gone", isRetryable: true)), for: .list)
    }
  }

  /// Quiet rounds until nothing moves, then every promise is checked.
  static func settle(_ hosts: [SimulatedStore], server: SimulatedServer, accepted: Set<Accepted>) throws {
    var accepted = accepted
    for _ in 0..<8 { for host in hosts { _ = try attempting([.storage]) { try host.backUp() } } }
    for host in hosts {
      let report = try host.backUp()
      try demand(report.outcome.isVerified, "\(host.name) is not verified: \(report.outcome)")
      for entry in host.memory { accepted.insert(Accepted(id: entry.id, value: entry.value)) }
    }
    for host in hosts { try host.backUp() }
    let tip = server.refs["refs/heads/main"]
    for host in hosts {
      try host.backUp()
      try demandEqual(server.refs["refs/heads/main"], tip, "a quiet round of \(host.name) committed")
      try demandEqual(try host.repository.reference("refs/heads/main"), tip, "\(host.name) is elsewhere")
      try demandEqual(
        host.unified.map { String(decoding: $0, as: UTF8.self) },
        hosts[0].unified.map { String(decoding: $0, as: UTF8.self) }, "\(host.name) shows another merge")
    }
    for host in hosts {
      let store = try host.open()
      var stamps: [ByteString: Set<Stamp>] = [:]
      for id in Set(accepted.map(\.id)) {
        let versions = try store.log(ByteString(id))
        let contents = Set(versions.map { String(decoding: $0.entry.content, as: UTF8.self) })
        for value in accepted where value.id == id {
          try demand(
            contents.contains(#"{"id":"\#(value.id)","content":"\#(value.value)"}"#),
            "\(value) was accepted, and \(host.name) has only \(contents.sorted())")
        }
        for version in versions {
          try demand(
            stamps[version.entry.metadata.uniqueID, default: []].insert(version.entry.metadata.stamp).inserted,
            "two values of \(version.entry.metadata.uniqueID) share the stamp \(version.entry.metadata.stamp)")
        }
      }
    }
  }
}

extension Array {
  fileprivate func randomElement(by number: Int) -> Element? { isEmpty ? nil : self[number % count] }
}
