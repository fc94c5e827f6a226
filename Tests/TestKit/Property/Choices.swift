/// Thrown while a value is made, or by a property, to say: this case does not count, take another.
public struct Discard: Error, Sendable {
  /// Makes the error.
  public init() {}
}

/// The stream of small decisions from which a generator builds a value.
///
/// Each decision is a number from 0 to a bound, and 0 always means the simplest. The decisions of a case are
/// recorded. Shrinking edits that record and runs the generator again on it, so whatever a generator can make it can
/// also shrink, and never to a value it could not have made (MacIver and Donaldson 2020, "Test-case reduction via
/// test-case generation").
public struct Choices {
  /// How a random decision is spread over its range; a replay is not affected.
  public enum Spread: Sendable {
    /// Every number alike.
    case uniform
    /// Often the ends, powers of two and small numbers, where mistakes live.
    case edges
  }

  /// The most decisions one case may take; a longer one is discarded, which ends runaway recursion.
  static let limit = 1 << 16

  private var generator: SplitMix64
  private let replayed: [UInt64]
  private let isReplay: Bool
  /// The decisions taken so far.
  private(set) var recorded: [UInt64] = []
  /// The decisions that belong to one removable part, such as an element of an array. Known in a replay only.
  private(set) var spans: [Range<Int>] = []

  /// Takes fresh decisions from `generator`.
  init(random generator: SplitMix64) {
    self.generator = generator
    replayed = []
    isReplay = false
  }

  /// Takes the decisions in `replayed`, cut to their bounds, and then the simplest ones.
  init(replaying replayed: [UInt64]) {
    generator = SplitMix64(seed: 0)
    self.replayed = replayed
    isReplay = true
  }

  /// A decision from 0 to `bound`.
  public mutating func choice(upTo bound: UInt64, _ spread: Spread = .uniform) throws -> UInt64 {
    guard recorded.count < Self.limit else { throw Discard() }
    let decision: UInt64
    if isReplay {
      decision = recorded.count < replayed.count ? min(replayed[recorded.count], bound) : 0
    } else {
      switch spread {
      case .uniform: decision = uniform(upTo: bound)
      case .edges: decision = edgy(upTo: bound)
      }
    }
    recorded.append(decision)
    return decision
  }

  /// A value of `generator`, from the decisions that follow.
  public mutating func draw<Value>(_ generator: Gen<Value>) throws -> Value {
    try generator.make(&self)
  }

  /// Yes or no, where no is the simpler; `yesIn` is the chance of yes as 1 in so many.
  public mutating func flip(yesIn: UInt64 = 2) throws -> Bool {
    let random = uniform(upTo: max(1, yesIn) - 1) == 0
    return try decide(random)
  }

  /// Records a yes or no that the caller made from random numbers of its own; a replay answers from its record.
  mutating func decide(_ random: Bool) throws -> Bool {
    guard recorded.count < Self.limit else { throw Discard() }
    let decision: Bool
    if isReplay {
      decision = recorded.count < replayed.count && replayed[recorded.count] > 0
    } else {
      decision = random
    }
    recorded.append(decision ? 1 : 0)
    return decision
  }

  /// How many elements a collection should get: unrecorded, and for a replay as many as its record goes on.
  mutating func intendedCount(_ range: ClosedRange<Int>) -> Int {
    if isReplay || range.count == 1 { return range.upperBound }
    let width = UInt64(range.upperBound - range.lowerBound)
    let extra: UInt64
    switch uniform(upTo: 15) {
    case 0: extra = 0
    case 1: extra = width
    case 2...8: extra = uniform(upTo: min(width, 4))
    default: extra = uniform(upTo: width)
    }
    return range.lowerBound + Int(extra)
  }

  /// Marks the decisions taken by `body` as one removable part.
  mutating func span<Value>(_ body: (inout Choices) throws -> Value) rethrows -> Value {
    guard isReplay else { return try body(&self) }
    let start = recorded.count
    let value = try body(&self)
    if recorded.count > start { spans.append(start..<recorded.count) }
    return value
  }

  /// Runs `body` until it answers; an attempt without an answer leaves no trace. A replay has one attempt.
  mutating func firstAnswer<Value>(
    attempts: Int, _ body: (inout Choices) throws -> Value?
  ) throws -> Value {
    let start = recorded.count
    for _ in 0..<(isReplay ? 1 : attempts) {
      if let value = try body(&self) { return value }
      recorded.removeSubrange(start...)
    }
    throw Discard()
  }

  private mutating func uniform(upTo bound: UInt64) -> UInt64 {
    let random = generator.next()
    return bound == .max ? random : random.multipliedFullWidth(by: bound + 1).high
  }

  private mutating func edgy(upTo bound: UInt64) -> UInt64 {
    guard bound > 4 else { return uniform(upTo: bound) }
    switch uniform(upTo: 15) {
    case 0: return uniform(upTo: 2)
    case 1: return bound - uniform(upTo: 2)
    case 2:
      let power: UInt64 = 1 << uniform(upTo: UInt64(UInt64.bitWidth - 1 - bound.leadingZeroBitCount))
      return min(bound, power - 1 + uniform(upTo: 2))
    case 3...6:
      let bits = uniform(upTo: UInt64(UInt64.bitWidth - bound.leadingZeroBitCount))
      return min(bound, bits == 0 ? 0 : uniform(upTo: UInt64.max >> (64 - bits)))
    default: return uniform(upTo: bound)
    }
  }
}
