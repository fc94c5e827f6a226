import CRDT

/// Two nodes without an order: (a, b) is (b, a).
public struct NodePair: Comparable, Hashable, Sendable {
  /// The one with the lesser bytes.
  public let first: ByteString
  public let second: ByteString

  public init(_ one: ByteString, _ other: ByteString) {
    first = min(one, other)
    second = max(one, other)
  }

  public static func < (left: NodePair, right: NodePair) -> Bool {
    left.first != right.first ? left.first < right.first : left.second < right.second
  }
}

/// How far two nodes are apart: a finite number from 0.
///
/// Kept so that equality is equality of the number: there is no negative zero and no NaN.
public struct Distance: Comparable, Hashable, Sendable {
  public let value: Double

  /// `nil` for negative numbers, infinity and NaN.
  public init?(_ value: Double) {
    guard value.isFinite, value >= 0 else { return nil }
    self.value = value == 0 ? 0 : value
  }

  public static func < (left: Distance, right: Distance) -> Bool { left.value < right.value }

  /// The shortest decimal form that reads back as the same number.
  var written: [UInt8] { Array(value.description.utf8) }
}

/// unordered pair → distance; the last writer decides for each pair.
public typealias SimilarityIndex = [NodePair: LWWRegister<Distance, Stamp>]
