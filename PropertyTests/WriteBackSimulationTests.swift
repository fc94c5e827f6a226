import CRDT
import Git
import Memory
import Replication
import TestKit
import Testing

/// Random programs of edits, deletions and backups over three hosts whose memory files are written back, against a model
/// that knows of each write and deletion which others its author's file had shown.
@Suite struct WriteBackSimulationTests {
  enum Step: CustomStringConvertible {
    case set(host: Int, id: Int)
    case delete(host: Int, id: Int)
    case run(host: Int, isOffline: Bool)
    case powerCut(host: Int, afterWrites: Int)
    case clock(host: Int, seconds: Int)

    var description: String {
      switch self {
      case .set(let host, let id): "h\(host): e\(id) = new value"
      case .delete(let host, let id): "h\(host): delete e\(id)"
      case .run(let host, let isOffline): "h\(host): run\(isOffline ? " offline" : "")"
      case .powerCut(let host, let writes):
        "h\(host): power cut after \(writes) writes, and run again where nothing was written back"
      case .clock(let host, let seconds): "h\(host): clock \(seconds)"
      }
    }
  }

  static let step = Gen<Step> { choices in
    let host = try choices.draw(.int(in: 0...2))
    let id = try choices.draw(.int(in: 0...1))
    switch try choices.draw(.int(in: 0...15, .uniform)) {
    case 0...3: return .set(host: host, id: id)
    case 4...6: return .delete(host: host, id: id)
    case 7...10: return .run(host: host, isOffline: false)
    case 11: return .run(host: host, isOffline: true)
    case 12...14: return .powerCut(host: host, afterWrites: try choices.draw(.int(in: 0...9, .uniform)))
    default: return .clock(host: host, seconds: try choices.draw(.int(in: -4_000...4_000)))
    }
  }

  @Test func everyFileHoldsWhatNobodyWhoSawItHasTakenAway() {
    checkProperty("write-back agrees with its model", cases: 60, .array(of: Self.step, count: 0...24)) { steps in
      var world = try World()
      for step in steps { try world.take(step) }
      try world.settle()
    }
  }

  /// One write or deletion of an id, and all those before that its author's file had shown.
  struct Event {
    var id: String
    var value: String?
    var seen: Set<Int>
  }

  struct World {
    let server = SimulatedServer()
    let hosts: [TwoWayHost]
    var events: [Event] = []
    /// What each file said after its last run, and which events it and its store had taken in then.
    var shown: [[String: String]]
    var inFile: [Set<Int>]
    var inStore: [Set<Int>]
    var onRemote: Set<Int> = []
    var values = 0

    init() throws {
      let server = server
      hosts = try (0...2).map { try TwoWayHost("h\($0)", server, seed: UInt64($0)) }
      shown = Array(repeating: [:], count: 3)
      inFile = Array(repeating: [], count: 3)
      inStore = Array(repeating: [], count: 3)
      for host in hosts { host.remember([:]) }
    }

    mutating func take(_ step: Step) throws {
      switch step {
      case .set(let host, let id):
        values += 1
        let value = "v\(values)"
        try hosts[host].edit { $0["e\(id)"] = value }
      case .delete(let host, let id): try hosts[host].edit { $0["e\(id)"] = nil }
      case .run(let host, let isOffline): try run(host, isOffline: isOffline)
      case .powerCut(let host, let writes): try run(host, isOffline: false, diesAfterWrites: writes)
      case .clock(let host, let seconds):
        hosts[host].store.now = hosts[host].store.now.advanced(bySeconds: Int64(seconds))
      }
    }

    mutating func run(_ host: Int, isOffline: Bool, diesAfterWrites: Int? = nil) throws {
      let memory = try hosts[host].memory
      for id in Set(memory.keys).union(shown[host].keys).sorted() where memory[id] != shown[host][id] {
        events.append(Event(id: id, value: memory[id], seen: inFile[host]))
        inFile[host].insert(events.count - 1)
        inStore[host].insert(events.count - 1)
      }
      if let diesAfterWrites {
        let before = hosts[host].text
        hosts[host].store.files.failWrites(after: diesAfterWrites)
        _ = try? hosts[host].run()
        hosts[host].store.files.failWrites(after: nil)
        if hosts[host].text != before {
          // It died behind the write: its user goes on with the new file, whatever the store knows of that.
          inStore[host].formUnion(onRemote)
          onRemote = inStore[host]
          inFile[host] = inStore[host]
          shown[host] = try hosts[host].memory
          return
        }
      }
      let report = try hosts[host].run(offline: isOffline)
      try demandEqual(report.exitCode, isOffline ? 75 : 0, "the end of a run of h\(host)")
      if !isOffline {
        inStore[host].formUnion(onRemote)
        onRemote = inStore[host]
      }
      inFile[host] = inStore[host]
      shown[host] = try hosts[host].memory
      for (id, value) in shown[host] {
        try demand(
          !survivors(of: id, in: inStore[host]).isEmpty || hasConcurrentDeletion(of: id, value),
          "h\(host) brought back \(id)=\(value)")
      }
    }

    /// Writes of an id that nobody who had seen them has replaced or deleted.
    func survivors(of id: String, in known: Set<Int>) -> Set<Int> {
      let own = known.filter { events[$0].id == id }
      return own.filter { event in events[event].value != nil && !own.contains { events[$0].seen.contains(event) } }
    }

    /// Whether a value was written again by its host against a deletion that had not seen it: who had seen the first
    /// writing only may delete it afterwards in vain.
    func hasConcurrentDeletion(of id: String, _ value: String) -> Bool {
      guard let write = events.firstIndex(where: { $0.id == id && $0.value == value }) else { return false }
      return events.indices.contains {
        events[$0].id == id && events[$0].value == nil && !events[$0].seen.contains(write)
          && !events[write].seen.contains($0)
      }
    }

    mutating func settle() throws {
      for _ in 0..<3 { for host in hosts.indices { try run(host, isOffline: false) } }
      let tip = server.refs["refs/heads/main"]
      let texts = hosts.map(\.text)
      for host in hosts.indices { try run(host, isOffline: false) }
      try demandEqual(server.refs["refs/heads/main"], tip, "a quiet round committed")
      try demandEqual(hosts.map(\.text), texts, "a quiet round wrote")
      for host in hosts { try demandEqual(try host.memory, shown[0], "\(host.store.name) shows another memory") }
      for id in Set(events.map(\.id)) {
        let alive = survivors(of: id, in: Set(events.indices))
        if !alive.isEmpty { try demand(shown[0][id] != nil, "\(id) is lost: \(alive.map { events[$0] })") }
        let log = try hosts[1].store.open().log(ByteString(id)).map {
          String(decoding: $0.entry.content, as: UTF8.self)
        }
        for value in events.compactMap({ $0.id == id ? $0.value : nil }) {
          try demand(log.contains(#"{"id":"\#(id)","content":"\#(value)"}"#), "\(id)=\(value) is not in the log")
        }
      }
    }
  }
}
