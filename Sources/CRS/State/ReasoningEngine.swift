import CRDT

/// A state at one generation: it never changes.
public struct Snapshot: Hashable, Sendable {
  public let state: ReasoningState
  /// How many deltas and joins led here in this installation.
  public let generation: UInt64
}

/// The reasoning state of one session: checks deltas, applies them all or nothing, counts generations. Pure: no file,
/// no clock of its own.
public struct ReasoningEngine: Sendable {
  public private(set) var state: ReasoningState
  public private(set) var generation: UInt64
  /// Who counts and adds here. Never used again once its changes may have been lost.
  public private(set) var session: SessionID
  public let host: HostName
  private var clock: HybridLogicalClock

  public init(
    state: ReasoningState = ReasoningState(), generation: UInt64 = 0, session: SessionID, host: HostName,
    clock: HybridLogicalClock = HybridLogicalClock(), wall: Instant = .epoch
  ) {
    self.state = state
    self.generation = generation
    self.session = session
    self.host = host
    self.clock = clock
    if let greatest = state.greatestStamp { self.clock.witness(greatest.instant, wall: wall) }
  }

  /// The state as it is now. O(1); the first change after it copies what is shared.
  public var snapshot: Snapshot { Snapshot(state: state, generation: generation) }

  /// Checks the delta and applies it; nothing changes when it is refused.
  /// - Returns: the changes made, for the journal.
  /// - Throws: `invalidDelta`.
  /// - Complexity: O(*d*) on average in the delta's size; adding an edge follows what its end depends on.
  public mutating func apply(_ delta: Delta, wall: Instant) throws(CRSError) -> [Change] {
    try check(delta, wall: wall)
    // The state is moved, not copied: with two owners the first change would copy all of it.
    var resolution = Resolution(replica: session, host: host.bytes, clock: clock, wall: wall)
    swap(&resolution.state, &state)
    resolution.resolve(delta)
    swap(&resolution.state, &state)
    clock = resolution.clock
    generation += 1
    return resolution.changes
  }

  /// Checks the delta as ``apply(_:wall:)`` would.
  public func check(_ delta: Delta, wall: Instant) throws(CRSError) {
    var validation = Validation(state)
    try validation.check(delta)
    try checkTime(of: delta, wall: wall)
  }

  /// Joins another state, such as a backup of another host.
  /// - Returns: the changes that made the difference, for the journal; empty when nothing was new.
  public mutating func join(_ other: ReasoningState, wall: Instant) -> [Change] {
    let changes = state.changes(joining: other)
    guard !changes.isEmpty else { return [] }
    state.join(other)
    if let greatest = other.greatestStamp { clock.witness(greatest.instant, wall: wall) }
    generation += 1
    return changes
  }

  /// Goes on behind a generation that was used already, as by what this installation held before it was lost.
  mutating func raise(above used: UInt64) {
    if generation <= used { generation = used == .max ? used : used + 1 }
  }

  /// Goes on in the name of another session.
  public mutating func renew(session: SessionID) { self.session = session }

  /// Whether another state knows of something that this session did and this state does not hold: then the session was
  /// put back to an older state of itself, and must not go on. O(*n*) in counters.
  public func isBehind(_ other: ReasoningState) -> Bool {
    let (ours, theirs) = (state.dependencies.edges.context, other.dependencies.edges.context)
    if theirs.contiguous[session] > ours.contiguous[session] { return true }
    if theirs.isolated.contains(where: { $0.replica == session && !ours.contains($0) }) { return true }
    if other.streaming.contains(where: { $1.counts[session] > state.streaming[$0]?.counts[session] ?? 0 }) {
      return true
    }
    return other.clauses.contains { $1.uses.counts[session] > state.clauses[$0]?.uses.counts[session] ?? 0 }
  }

  /// A time far ahead would win over everything for as long: that is a broken clock or a slip.
  private func checkTime(of delta: Delta, wall: Instant) throws(CRSError) {
    if let time = delta.time, !clock.isWithinDrift(time, wall: wall) {
      throw CRSError(.invalidDelta, "the time \(time) lies in the future")
    }
    if case .composite(let deltas) = delta.body {
      for part in deltas { try checkTime(of: part, wall: wall) }
    }
  }
}
