import CRDT
import CRS
import TestKit
import Testing

/// What many tests of this module need.
enum Fixture {
  static let wall = Instant(unixSeconds: 1_767_323_045)

  static func engine(_ session: ByteString = "s1", host: StaticString = "hosta") -> ReasoningEngine {
    guard let host = HostName("\(host)") else { preconditionFailure("a host's name") }
    return ReasoningEngine(session: session, host: host)
  }

  static func delta(_ json: String) throws -> Delta { try Delta(json: Array(json.utf8)) }
}

extension ReasoningEngine {
  @discardableResult
  mutating func apply(_ json: String, wall: Instant = Fixture.wall) throws -> [Change] {
    try apply(try Fixture.delta(json), wall: wall)
  }
}
