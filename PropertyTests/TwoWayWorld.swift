import CRDT
import Git
import Memory
import Replication
import Synchronization
import TestKit

/// Hosts and their remote, and beside them what the model knows.
struct TwoWayWorld {
  let server = SimulatedServer()
  let hosts: [TwoWayHost]
  let formats: [MemoryFormat]
  private(set) var model = TwoWayModel()
  /// What each memory said when it was last looked at, and which events it and its store had taken in.
  private var shown: [[ByteString: [UInt8]]]
  /// Hosts whose memory held something after a run.
  private var hasShown: Set<Int> = []
  private var inFile: [TwoWayModel.Knowledge]
  private var inStore: [TwoWayModel.Knowledge]
  /// Events of each host that no run has confirmed.
  private var pending: [[Int]]
  /// Events that were taken up: their values may never be lost.
  private var accepted: Set<Int> = []
  /// Tips that the remote had, and what it held then.
  private var tips: [(commit: ObjectID, known: TwoWayModel.Knowledge)] = []
  private var onRemote = TwoWayModel.Knowledge()
  private var numbers = 0
  private var familyOf: [ByteString: EntryFamily] = [:]
  /// The ids that a slot of a family ever had.
  private var idsOf: [EntryFamily: [Int: [ByteString]]] = [:]

  static let branch = "refs/heads/main"

  init(formats: [MemoryFormat]) throws {
    let server = server
    self.formats = formats
    hosts = try formats.enumerated().map { index, format in
      try TwoWayHost("h\(index)", server, seed: UInt64(index), format: format)
    }
    shown = Array(repeating: [:], count: hosts.count)
    inFile = Array(repeating: TwoWayModel.Knowledge(), count: hosts.count)
    inStore = inFile
    pending = Array(repeating: [], count: hosts.count)
    for host in hosts { host.makeEmptyMemory() }
  }

  private static func contents(_ values: [MemoryValue]) -> [ByteString: [UInt8]] {
    Dictionary(values.map { ($0.id, $0.content) }, uniquingKeysWith: { first, _ in first })
  }

  // MARK: What users do

  /// A thing that a host's format holds.
  struct Place {
    var family: Int
    var slot: Int
  }

  private func family(_ place: Place, on host: Int) -> EntryFamily {
    let held = EntryFamily.heldBy[formats[host]] ?? []
    return held[place.family % held.count]
  }

  /// Those of some ids that a host's memory has room for.
  private func held(of ids: Set<ByteString>, on host: Int) -> Set<ByteString> {
    let families = EntryFamily.heldBy[formats[host]] ?? []
    let held = ids.filter { familyOf[$0].map(families.contains) ?? false }
    // A file of lines has to have a name in it.
    return formats[host] == .jsonLines && held.allSatisfy { familyOf[$0] == .text } ? [] : held
  }

  private mutating func fresh(_ place: Place, on host: Int) throws -> (value: MemoryValue, gone: Set<ByteString>) {
    let family = family(place, on: host)
    numbers += 1
    let value = try family.value(slot: place.slot, number: numbers)
    let gone = Set(idsOf[family]?[place.slot] ?? [])
    if familyOf[value.id] == nil { idsOf[family, default: [:]][place.slot, default: []].append(value.id) }
    familyOf[value.id] = family
    return (value, gone.subtracting([value.id]))
  }

  mutating func set(_ place: Place, on host: Int) throws {
    let (value, gone) = try fresh(place, on: host)
    guard try hosts[host].change(removing: gone, setting: [value]) else { return }
    try demandEqual(
      Self.contents(try hosts[host].values)[value.id], value.content, "the test's own edit is not what was meant")
  }

  mutating func delete(_ place: Place, on host: Int) throws {
    try hosts[host].change(removing: Set(idsOf[family(place, on: host)]?[place.slot] ?? []), setting: [])
  }

  /// Puts in what once was there, here or elsewhere.
  mutating func putBack(_ pick: Int, on host: Int) throws {
    let held = EntryFamily.heldBy[formats[host]] ?? []
    let old = model.events.filter { event in
      event.content != nil && familyOf[event.id].map { held.contains($0) } ?? false
    }
    guard !old.isEmpty else { return }
    let event = old[pick % old.count]
    guard let content = event.content, let family = familyOf[event.id] else { return }
    var value = try family.value(slot: 0, number: 0)
    value.id = event.id
    value.content = content
    try hosts[host].change(removing: [], setting: [value])
  }

  // MARK: Runs

  /// What the user did to a memory since it was last looked at.
  private mutating func look(at host: Int, _ memory: [ByteString: [UInt8]]) throws {
    for id in Set(memory.keys).union(shown[host].keys).sorted() where memory[id] != shown[host][id] {
      var event = TwoWayModel.Event(host: host, id: id, content: memory[id], seen: inFile[host])
      if let content = memory[id] {
        // The store may have this very value already, which the file had not shown: then it is no edit. A new store
        // begins with what the remote has.
        let isNew = try hosts[host].store.repository.reference(Self.branch) == nil
        // A memory that never held anything has no base: an old value in it may be an old copy of a file.
        let known = hasShown.contains(host) ? inFile[host].sure : []
        let unseen = inStore[host].perhaps.union(isNew ? onRemote.perhaps : []).subtracting(known)
        event.isPerhapsNone = unseen.contains {
          model.events[$0].id == id && model.events[$0].content == content
        }
        if event.isPerhapsNone { event.seen.sure = [] }
      }
      pending[host].removeAll { model.events[$0].id == id }
      let number = model.add(event)
      pending[host].append(number)
      inFile[host].insert(number)
      inStore[host].perhaps.insert(number)
    }
    shown[host] = memory
  }

  mutating func run(_ host: Int, isOffline: Bool = false, meddling place: Place? = nil) throws {
    try look(at: host, Self.contents(try hosts[host].values))
    let meddled = try place.map { try meddle($0, on: host) }
    let report = try hosts[host].run(offline: isOffline, allowsMassDeletion: true)
    hosts[host].store.files.beforeEachWrite(nil)
    try demandEqual(
      report.exitCode, isOffline ? 75 : 0, "the end of a run of h\(host): \(report.unnamed?.failure as Any) \(report)")
    if let bytes = meddled?.bytes {
      try look(at: host, Self.contents(try TwoWayHost.values(in: bytes, format: formats[host])))
    }
    try took(host, isOffline: isOffline)
  }

  /// Another program that changes the file once, just before the run puts its own in place.
  private mutating func meddle(_ place: Place, on host: Int) throws -> BytesBox {
    let box = BytesBox()
    let (files, path, format) = (hosts[host].store.files, hosts[host].path, formats[host])
    if format.isFolder { return box }
    let (value, gone) = try fresh(place, on: host)
    files.beforeEachWrite { written in
      guard written.hasSuffix(".crdt-backup") else { return }
      files.beforeEachWrite(nil)
      let old = files.get(path)
      let new = try? TwoWayHost.changed(old ?? [], format: format, removing: gone, setting: [value])
      guard let new else { return }
      files.put(path, new)
      box.set(new)
    }
    return box
  }

  /// After a run that came to its end.
  private mutating func took(_ host: Int, isOffline: Bool) throws {
    inStore[host].sure.formUnion(pending[host])
    accepted.formUnion(pending[host])
    pending[host] = []
    if !isOffline {
      inStore[host].formUnion(onRemote)
      writeAgain(host)
      push(host)
    }
    inFile[host] = inStore[host]
    shown[host] = Self.contents(try hosts[host].values)
    if !shown[host].isEmpty { hasShown.insert(host) }
    try checkFile(of: host)
  }

  private mutating func writeAgain(_ host: Int) {
    for event in model.writeAgain(host, knowing: inStore[host]) { inStore[host].insert(event) }
  }

  private mutating func push(_ host: Int) {
    onRemote = inStore[host]
    guard let tip = server.refs[Self.branch] else { return }
    tips.removeAll { $0.commit == tip }
    tips.append((tip, onRemote))
  }

  /// What a memory shows has to live, and what lives has to be in it, as far as its host knows.
  private func checkFile(of host: Int) throws {
    for (id, content) in shown[host] {
      try demand(
        model.possible(id, for: inStore[host]).contains(content),
        "h\(host) brought back \(id) = \(String(decoding: content, as: UTF8.self))")
    }
    for id in model.byID.keys where shown[host][id] == nil && held(of: [id], on: host).contains(id) {
      let alive = model.certain(id, for: inStore[host], hidesDeleted: true)
      try demand(
        alive.isEmpty, "h\(host) does not show \(id): \(alive.map { String(decoding: $0, as: UTF8.self) })")
    }
  }

  mutating func cutPower(_ host: Int, afterWrites writes: Int) throws {
    try look(at: host, Self.contents(try hosts[host].values))
    let before = (memory: hosts[host].snapshot, remote: server.refs[Self.branch])
    hosts[host].store.files.failWrites(after: writes)
    let report = try? hosts[host].run(allowsMassDeletion: true)
    hosts[host].store.files.failWrites(after: nil)
    if report?.exitCode == 0 { return try took(host, isOffline: false) }
    let repository = hosts[host].store.repository
    if let remote = before.remote, let tip = try repository.reference(Self.branch),
      (try? repository.isAncestor(remote, of: tip)) == true
    {
      inStore[host].formUnion(onRemote)
      writeAgain(host)
    }
    let isWritten = hosts[host].snapshot != before.memory
    let isPushed = server.refs[Self.branch] != before.remote
    if isWritten || isPushed { inStore[host].sure.formUnion(pending[host]) }
    if isPushed { push(host) }
    // A file is replaced as a whole, a folder note by note; and a file that stays may have a newer base.
    if isWritten, !formats[host].isFolder { inFile[host] = inStore[host] }
    inFile[host].perhaps.formUnion(inStore[host].perhaps)
    shown[host] = Self.contents(try hosts[host].values)
  }

  // MARK: Commands that change the store

  private func options(_ host: Int) -> BackupOptions {
    BackupOptions(defaultHost: EntryIdentity.hostName(folding: hosts[host].store.name))
  }

  /// Does what may be refused, and then does nothing.
  private func attempt<Value>(_ body: () throws -> Value) throws -> Value? {
    try attempting([.noInput, .usage, .badData], body)
  }

  private mutating func record(_ id: ByteString, _ content: [UInt8]?, on host: Int, seen: TwoWayModel.Knowledge) {
    let number = model.add(TwoWayModel.Event(host: host, id: id, content: content, seen: seen))
    inStore[host].insert(number)
    accepted.insert(number)
  }

  private func anID(_ place: Place, on host: Int) -> ByteString? {
    idsOf[family(place, on: host)]?[place.slot]?.last
  }

  mutating func forget(_ place: Place, on host: Int) throws {
    guard let id = anID(place, on: host) else { return }
    let seen = inStore[host]
    let report = try attempt { try hosts[host].store.open().forget(id, options: options(host)) }
    for id in report?.ids ?? [] { record(id, nil, on: host, seen: seen) }
  }

  mutating func restore(_ place: Place, _ pick: Int, on host: Int) throws {
    let repository = hosts[host].store.repository
    guard let id = anID(place, on: host), let tip = try repository.reference(Self.branch) else { return }
    let commits = try repository.walk(from: [tip], hiding: [])
    let point = RestorePoint.commit(commits[pick % commits.count].description)
    let seen = inStore[host]
    let before = try shownNow(id, on: host)
    let count = try attempt {
      try hosts[host].store.open().restoreIntoState(point, id: id, options: options(host))
    }
    guard let count, count > 0 else { return }
    let after = try shownNow(id, on: host)
    let changed = after.filter { before[$0.key] != $0.value }
    try demandEqual(changed.count, count, "h\(host) restored something else than \(id)")
    for (id, content) in changed { record(id, content, on: host, seen: seen) }
  }

  private func shownNow(_ id: ByteString, on host: Int) throws -> [ByteString: [UInt8]] {
    let log = try hosts[host].store.open().log(id).filter { $0.fate == .shown }
    return Dictionary(log.map { ($0.id, $0.entry.content) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func resolve(_ pick: Int, _ number: Int, on host: Int) throws {
    let conflicts = try hosts[host].store.open().conflicts()
    guard !conflicts.isEmpty else { return }
    let conflict = conflicts[pick % conflicts.count]
    let seen = inStore[host]
    let choice = ConflictChoice.number(number % conflict.values.count + 1)
    let report = try attempt {
      try hosts[host].store.open().resolveConflict(conflict.id, taking: choice, options: options(host))
    }
    guard let report else { return }
    record(report.id, report.value, on: host, seen: seen)
    try demand(
      !hosts[host].store.open().conflicts().contains { $0.id == report.id }, "\(report.id) is in conflict still")
  }

  func collect(_ host: Int) throws { _ = try attempt { try hosts[host].store.open().collect(options(host)) } }

  func setRetired(_ other: Int, _ isRetired: Bool, by host: Int) throws {
    _ = try attempt {
      let store = try hosts[host].store.open()
      return isRetired
        ? try store.retire("h\(other)", options: options(host))
        : try store.unretire("h\(other)", options: options(host))
    }
  }

  func setClock(_ host: Int, bySeconds seconds: Int) {
    hosts[host].store.now = hosts[host].store.now.advanced(bySeconds: Int64(seconds))
  }

  /// Somebody puts the remote back to an older tip.
  mutating func rewriteRemote(_ pick: Int) {
    guard !tips.isEmpty else { return }
    let (commit, known) = tips[max(0, tips.count - 1 - pick)]
    server.rewrite(Self.branch, to: commit)
    onRemote = known
  }

  // MARK: The end

  mutating func settle() throws {
    for _ in 0..<3 { for host in hosts.indices { try run(host) } }
    let tip = server.refs[Self.branch]
    let before = hosts.map(\.snapshot)
    for host in hosts.indices { try run(host) }
    try demandEqual(server.refs[Self.branch], tip, "a quiet round committed")
    try demandEqual(hosts.map(\.snapshot), before, "a quiet round wrote")
    try checkAgreement()
    try checkLogs()
  }

  private func checkAgreement() throws {
    let all = shown.reduce(into: [ByteString: [UInt8]]()) { all, memory in all.merge(memory) { first, _ in first } }
    for host in hosts.indices {
      let held = held(of: Set(all.keys), on: host)
      try demandEqual(
        shown[host], all.filter { held.contains($0.key) }, "h\(host) shows another memory than the others")
    }
    for id in model.byID.keys where all[id] == nil {
      let ids = Set(all.keys).union([id])
      guard hosts.indices.contains(where: { held(of: ids, on: $0).contains(id) }) else { continue }
      let alive = model.certain(id, for: onRemote, hidesDeleted: false)
      try demand(alive.isEmpty, "\(id) is lost: \(alive.map { String(decoding: $0, as: UTF8.self) })")
    }
  }

  private func checkLogs() throws {
    let host = hosts[model.events.count % hosts.count]
    for (id, numbers) in model.byID {
      let log = Set(try host.store.open().log(id).filter { $0.id == id }.map(\.entry.content))
      for number in numbers where accepted.contains(number) {
        guard let content = model.events[number].content else { continue }
        try demand(
          log.contains(content),
          "\(id) = \(String(decoding: content, as: UTF8.self)) is not in the log of \(host.store.name)"
        )
      }
    }
  }
}

/// Bytes that a hook leaves for the test.
final class BytesBox: Sendable {
  private let state = Mutex<[UInt8]?>(nil)

  var bytes: [UInt8]? { state.withLock { $0 } }

  func set(_ new: [UInt8]) { state.withLock { $0 = new } }
}
