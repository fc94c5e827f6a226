import CRDT

/// One side of a choice: that `kind:value` holds, or with `isNegated` that it does not.
public struct Literal: Comparable, Hashable, Sendable, CustomStringConvertible {
  public var kind: ByteString
  public var value: ByteString
  public var isNegated: Bool

  public init(_ kind: ByteString, _ value: ByteString, isNegated: Bool = false) {
    self.kind = kind
    self.value = value
    self.isNegated = isNegated
  }

  /// Reads `kind:value`, or `!kind:value` for its negation; the first colon divides.
  public init?(parsing text: ByteString) {
    var rest = text.bytes[...]
    let isNegated = rest.first == 0x21
    if isNegated { rest = rest.dropFirst() }
    guard let colon = rest.firstIndex(of: 0x3A), colon > rest.startIndex else { return nil }
    self.init(ByteString(rest[..<colon]), ByteString(rest[(colon + 1)...]), isNegated: isNegated)
  }

  public var negation: Literal { Literal(kind, value, isNegated: !isNegated) }

  public var description: String { "\(isNegated ? "!" : "")\(kind):\(value)" }

  public static func < (left: Literal, right: Literal) -> Bool {
    TieOrder.precedes(
      TieOrder.of(left.kind, right.kind), TieOrder.of(left.value, right.value),
      TieOrder.of(left.isNegated ? 1 : 0, right.isNegated ? 1 : 0))
  }
}

/// A set of literals of which at least one holds.
public struct Clause: Comparable, Hashable, Sendable {
  /// Sorted, each once: equal sets are one clause.
  public let literals: [Literal]

  public init(_ literals: some Sequence<Literal>) { self.literals = Set(literals).sorted() }

  public static func < (left: Clause, right: Clause) -> Bool {
    left.literals.lexicographicallyPrecedes(right.literals)
  }
}

/// Why a clause was learned.
public struct ClauseOrigin: Comparable, Hashable, Sendable {
  public var source: Source
  /// What failed and taught it.
  public var failure: ByteString
  /// The session that learned it.
  public var session: ByteString

  public init(source: Source, failure: ByteString, session: ByteString) {
    self.source = source
    self.failure = failure
    self.session = session
  }

  public static func < (left: ClauseOrigin, right: ClauseOrigin) -> Bool {
    TieOrder.precedes(
      TieOrder.of(left.source, right.source), TieOrder.of(left.failure, right.failure),
      TieOrder.of(left.session, right.session))
  }
}

/// What is known of a clause: where it comes from (the last to learn it decides), how often each replica used it, and
/// when it was last used.
public struct ClauseRecord: Semilattice, Hashable, Sendable {
  /// The origin, and when it was learned.
  public var origin: LWWRegister<ClauseOrigin, Stamp>
  public var uses: GrowOnlyCounter<SessionID>
  /// `nil` until it was used.
  public var lastUsed: MaxRegister<Stamp>?

  public init(
    origin: LWWRegister<ClauseOrigin, Stamp>, uses: GrowOnlyCounter<SessionID> = GrowOnlyCounter(),
    lastUsed: MaxRegister<Stamp>? = nil
  ) {
    self.origin = origin
    self.uses = uses
    self.lastUsed = lastUsed
  }

  /// When it was last of use: learned or used.
  public var latest: Stamp { max(origin.stamp, lastUsed?.value ?? origin.stamp) }

  public mutating func join(_ other: ClauseRecord) {
    origin.join(other.origin)
    uses.join(other.uses)
    lastUsed.join(other.lastUsed)
  }

  public func isAtMost(_ other: ClauseRecord) -> Bool {
    origin.isAtMost(other.origin) && uses.isAtMost(other.uses) && lastUsed.isAtMost(other.lastUsed)
  }
}

/// clause → what is known of it.
public typealias ClauseIndex = [Clause: ClauseRecord]
