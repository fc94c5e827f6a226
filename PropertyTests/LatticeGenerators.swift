import CRDT
import TestKit

/// Few replicas, keys and stamps, so that most cases meet in ties.
enum LatticeGenerators {
  typealias Replica = UInt8
  typealias Key = UInt8

  static let replica = Gen<Replica>.int(in: 0...2, .uniform)

  static let key = Gen<Key>.int(in: 0...4, .uniform)

  static let value = Gen.int(in: 0...3, .uniform)

  static let stamp = Gen.int(in: 0...4, .uniform)

  static let counters = Gen.dictionary(of: replica, to: Gen<UInt64>.int(in: 0...5), count: 0...3)

  static let wideCounters = Gen.dictionary(of: replica, to: Gen<UInt64>.int(), count: 0...3)

  static let dot = Gen { choices in
    Dot(try choices.draw(replica), try choices.draw(Gen<UInt64>.int(in: 1...6)))
  }

  static let growOnlySet = Gen.array(of: key).map { GrowOnlySet($0) }

  static let maxRegister = Gen<Int>.int().map { MaxRegister($0) }

  static let versionVector = Gen.oneOf(counters, wideCounters).map { VersionVector($0) }

  static let growOnlyCounter = versionVector.map { GrowOnlyCounter($0) }

  static let register = zip(value, stamp).map { LWWRegister($0.0, at: $0.1) }

  static let map = Gen.array(of: mapWrite).map { writes in
    var map = LWWMap<LatticeGenerators.Key, Int, Int>()
    for write in writes { write.apply(to: &map) }
    return map
  }

  static let mapWrite = Gen { choices in
    MapWrite(
      key: try choices.draw(key), value: try choices.draw(value.optional()), stamp: try choices.draw(stamp))
  }

  static let dotContext = Gen { choices in
    DotContext(
      VersionVector(try choices.draw(counters)), isolated: try choices.draw(.array(of: dot, count: 0...5)))
  }

  /// Any state with all additions in its context, also such as no history of operations leads to.
  static let observedRemoveSet = Gen { choices in
    let dots = Gen.set(of: dot, count: 0...3)
    return ObservedRemoveSet(
      additions: try choices.draw(.dictionary(of: key, to: dots, count: 0...3)),
      context: try choices.draw(dotContext))
  }

  /// Only states in which an event is an addition of one element, as histories make them.
  static let observedRemoveSetWithUniqueDots = Gen { choices in
    let elements = try choices.draw(.dictionary(of: dot, to: key, count: 0...5))
    let additions = Dictionary(grouping: elements.keys) { elements[$0, default: 0] }.mapValues { Set($0) }
    return ObservedRemoveSet(additions: additions, context: try choices.draw(dotContext))
  }
}

/// A value written to a map, or its removal.
struct MapWrite: Hashable {
  var key: LatticeGenerators.Key
  var value: Int?
  var stamp: Int

  @discardableResult
  func apply(to map: inout LWWMap<LatticeGenerators.Key, Int, Int>) -> LWWMap<LatticeGenerators.Key, Int, Int> {
    guard let value else { return map.remove(key, at: stamp) }
    return map.set(value, for: key, at: stamp)
  }
}
