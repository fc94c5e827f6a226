import CRDT
import Memory
import Replication
import Synchronization

/// Checkpoints of an agent: made, found, restored, annotated, removed, carried, over a ``CheckpointStore``.
///
/// Safe to use from any thread. Nothing works before ``start()`` and after ``stop()``: then every operation throws
/// `.notRunning`. What an operation has made is durable when it returns, and holds for every other process and, after
/// crdt-backup, every other host.
public final class CheckpointService: Sendable {
  let store: any CheckpointStore
  private let wallClock: @Sendable () -> Instant
  private let randomBytes: @Sendable (_ count: Int) -> [UInt8]
  let hub = CheckpointEventHub()
  private let state: Mutex<State>
  /// One look for news at a time: none is told twice.
  private let looking = Mutex(())
  /// Tells this service's notices from those of others.
  let id: CheckpointID

  private struct State {
    var isRunning = false
    var revision: String?
    var catalog: CheckpointCatalog?
    /// What subscribers have been told is there: id → session.
    var told: [CheckpointID: CheckpointID]?
    /// How far the notices of other services were read.
    var place: CheckpointNoticePlace?
    var operations = CheckpointMetrics.Operations()
    var policy: AutoCheckpointPolicy
  }

  /// - Parameters:
  ///   - wallClock: read once an operation.
  ///   - randomBytes: cryptographically random.
  ///   - policy: when ``observe(_:state:)`` makes a checkpoint.
  public init(
    store: any CheckpointStore, wallClock: @escaping @Sendable () -> Instant,
    randomBytes: @escaping @Sendable (_ count: Int) -> [UInt8], policy: AutoCheckpointPolicy = AutoCheckpointPolicy()
  ) {
    self.store = store
    self.wallClock = wallClock
    self.randomBytes = randomBytes
    id = CheckpointID(random: randomBytes(16))
    state = Mutex(State(policy: policy))
  }

  // MARK: Start and stop

  public func start() { state.withLock { $0.isRunning = true } }

  /// Ends the streams of all subscribers. What is in progress in other threads is completed.
  public func stop() {
    state.withLock { $0.isRunning = false }
    hub.finish()
  }

  public var isRunning: Bool { state.withLock { $0.isRunning } }

  /// Lets an operation through, and counts one that fails.
  func gated<Result>(_ body: () throws(CheckpointError) -> Result) throws(CheckpointError) -> Result {
    guard isRunning else {
      throw CheckpointError(.notRunning, "the checkpoint service is not running", remedy: "Start it first")
    }
    do { return try body() } catch {
      count { $0.failed += 1 }
      throw error
    }
  }

  func count(_ change: (inout CheckpointMetrics.Operations) -> Void) { state.withLock { change(&$0.operations) } }
  var operations: CheckpointMetrics.Operations { state.withLock { $0.operations } }

  // MARK: What is there

  /// The store as it is now; not read again while it has not changed.
  func catalog() throws(CheckpointError) -> CheckpointCatalog {
    catalog(of: try store.snapshot())
  }

  private func catalog(of snapshot: CheckpointSnapshot) -> CheckpointCatalog {
    if let known = state.withLock({ $0.revision == snapshot.revision ? $0.catalog : nil }) { return known }
    let catalog = CheckpointCatalog(snapshot)
    state.withLock { state in
      state.catalog = catalog
      state.revision = snapshot.revision
    }
    return catalog
  }

  /// One operation that writes: what is there, this host's name, the time for what is new.
  func update<Result>(
    _ body: (_ catalog: CheckpointCatalog, _ now: Stamp, _ change: inout CheckpointChange) throws(CheckpointError)
      -> Result
  ) throws(CheckpointError) -> Result {
    let wall = wallClock()
    return try store.update { (snapshot, host) throws(CheckpointError) -> (CheckpointChange, Result) in
      let catalog = CheckpointCatalog(snapshot, host: host.bytes)
      var change = CheckpointChange()
      let now = Stamp(instant: catalog.nextInstant(wall: wall, host: host.bytes), host: host.bytes)
      let result = try body(catalog, now, &change)
      return (change, result)
    }
  }

  /// Events as the other processes of this host hear of them.
  func notices(of events: [CheckpointEvent]) -> [CheckpointNotice] {
    events.map { CheckpointNotice($0, service: id) }
  }

  func newID() -> CheckpointID { CheckpointID(random: randomBytes(16)) }

  /// The bytes of a checkpoint's state; `nil` when its blob is not in the store.
  func stateBytes(of stored: StoredCheckpoint) throws(CheckpointError) -> [UInt8]? {
    switch stored.payload {
    case .inline(let bytes): return bytes
    case .blob(let digest, _): return try store.blob(digest)
    }
  }

  // MARK: Events

  /// Events of a session (`nil`: of all) from now on. A subscriber that is slow loses the oldest of its own, and holds
  /// up nobody. The stream ends when the service is stopped.
  public func subscribe(session: CheckpointID? = nil, bufferLimit: Int = 64) throws(CheckpointError)
    -> AsyncStream<CheckpointEvent>
  {
    try gated { () throws(CheckpointError) in
      let stream = hub.subscribe(session: session, bufferLimit: bufferLimit)
      // What is there already is no news.
      if state.withLock({ $0.told == nil }) { _ = try refreshed() }
      return stream
    }
  }

  /// Looks for what other processes and hosts have done since the last time, and tells subscribers: what processes of
  /// this host did, restoring and compacting included, and what came from other hosts as created or deleted.
  /// - Returns: the events; the first time none.
  @discardableResult
  public func refresh() throws(CheckpointError) -> [CheckpointEvent] { try gated(refreshed) }

  private func refreshed() throws(CheckpointError) -> [CheckpointEvent] {
    try looking.withLock { _ throws(CheckpointError) in
      let news = try store.news(since: state.withLock { $0.place })
      let catalog = catalog(of: news.snapshot)
      let events = state.withLock { state in
        defer { state.place = news.place }
        return CheckpointService.events(of: news.notices.filter { $0.service != id }, catalog, &state.told)
      }
      hub.send(events)
      return events
    }
  }

  /// What is news: first what services of this host say that they did; then what shows in the store only, as after a
  /// merge with another host.
  /// - Parameter told: what was told to be there, and is then; `nil` the first time, when nothing is news.
  private static func events(
    of notices: [CheckpointNotice], _ catalog: CheckpointCatalog, _ told: inout [CheckpointID: CheckpointID]?
  ) -> [CheckpointEvent] {
    let there = Dictionary(
      catalog.checkpoints.map { ($0.header.id, $0.header.session) }, uniquingKeysWith: { first, _ in first })
    defer { told = there }
    guard var known = told else { return [] }
    var events: [CheckpointEvent] = []
    for notice in notices {
      switch notice.event {
      case .created(let header):
        guard known.updateValue(header.session, forKey: header.id) == nil else { continue }
      case .deleted(_, let ids), .compacted(_, let ids, _):
        // Told already, where the store was seen before the notice.
        guard ids.count(where: { known.removeValue(forKey: $0) != nil }) > 0 else { continue }
      case .restored: break
      }
      events.append(notice.event)
    }
    events += catalog.checkpoints.filter { known[$0.header.id] == nil }.map { .created($0.header) }
    let gone = known.filter { there[$0.key] == nil }
    return events + deletions(gone.map { (id: $0.key, session: $0.value) })
  }

  /// One event for each session, with all that are gone of it.
  static func deletions(_ gone: [(id: CheckpointID, session: CheckpointID)]) -> [CheckpointEvent] {
    Dictionary(grouping: gone, by: \.session).sorted { $0.key < $1.key }
      .map { .deleted(session: $0.key, checkpoints: $0.value.map(\.id).sorted()) }
  }

  /// Tells subscribers of what this service has done; ``refresh()`` does not tell it again.
  func tell(_ events: [CheckpointEvent]) {
    state.withLock { state in
      for event in events {
        switch event {
        case .created(let header): state.told?[header.id] = header.session
        case .deleted(_, let ids), .compacted(_, let ids, _): for id in ids { state.told?[id] = nil }
        case .restored: break
        }
      }
    }
    hub.send(events)
  }

  // MARK: By itself

  /// Takes a signal from the agent and makes a checkpoint where the policy says that one is due.
  /// - Parameter draft: asked for the state only then.
  public func observe(_ signal: AutoCheckpointPolicy.Signal, draft: () -> CheckpointDraft) throws(CheckpointError)
    -> CheckpointHeader?
  {
    try gated { () throws(CheckpointError) in
      let now = wallClock()
      let (before, trigger) = state.withLock { ($0.policy, $0.policy.decide(signal, now: now)) }
      guard let trigger else { return nil }
      var draft = draft()
      draft.trigger = trigger
      do throws(CheckpointError) { return try created(draft) } catch {
        // What could not be made is still due.
        state.withLock { $0.policy = before }
        throw error
      }
    }
  }

  func noteMade(at instant: Instant) { state.withLock { $0.policy.made(at: instant) } }
}
