import CRDT

/// What is known of a node of the search: how much work is left to prove and to disprove it (Allis, van der Meulen and
/// van den Herik 1994, proof-number search).
public struct Proof: Comparable, Hashable, Sendable {
  public enum Status: String, CaseIterable, Comparable, Hashable, Sendable {
    case unknown, expanded, proven, disproven

    public static func < (left: Status, right: Status) -> Bool { left.rank < right.rank }

    private var rank: Int {
      switch self {
      case .unknown: 0
      case .expanded: 1
      case .proven: 2
      case .disproven: 3
      }
    }
  }

  /// The number that stands for "cannot be done".
  public static let infinite = UInt64.max

  /// Work left to prove the node; ``infinite``: it cannot be proven.
  public var proof: UInt64
  /// Work left to disprove it.
  public var disproof: UInt64
  public var status: Status
  public var source: Source

  public init(proof: UInt64 = 1, disproof: UInt64 = 1, status: Status = .unknown, source: Source) {
    self.proof = proof
    self.disproof = disproof
    self.status = status
    self.source = source
  }

  /// With more work to do; the sums stop at ``infinite``.
  public func adding(proof: UInt64, disproof: UInt64) -> Proof {
    func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
      let (sum, overflow) = left.addingReportingOverflow(right)
      return overflow ? Proof.infinite : sum
    }
    var result = self
    result.proof = sum(self.proof, proof)
    result.disproof = sum(self.disproof, disproof)
    return result
  }

  public static func < (left: Proof, right: Proof) -> Bool {
    TieOrder.precedes(
      TieOrder.of(left.status, right.status), TieOrder.of(left.source, right.source),
      TieOrder.of(left.proof, right.proof), TieOrder.of(left.disproof, right.disproof))
  }
}

/// node → proof; the last writer decides for each node.
public typealias ProofIndex = [ByteString: LWWRegister<Proof, Stamp>]
