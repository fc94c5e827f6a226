import CRDT
import CRS
import Durability
import Synchronization
import TestKit
import Testing

/// What many tests of this module need.
enum Fixture {
  static let wall = Instant(unixSeconds: 1_767_323_045)

  static func host(_ name: StaticString) -> HostName {
    guard let host = HostName("\(name)") else { preconditionFailure("a host's name") }
    return host
  }

  static func engine(_ session: ByteString = "s1", host: StaticString = "hosta") -> ReasoningEngine {
    ReasoningEngine(session: session, host: Self.host(host))
  }

  static func delta(_ json: String) throws -> Delta { try Delta(json: Array(json.utf8)) }

  /// A context whose clock moves on by a second each time it is read.
  static func context(
    _ fileSystem: any FileSystem = RealFileSystem(), host: StaticString = "hosta", machine: String = "m1"
  ) -> CRSContext {
    let clock = TestClock()
    return CRSContext(
      fileSystem: fileSystem, wallClock: { clock.next() },
      randomBytes: { count in (0..<count).map { _ in UInt8.random(in: 0...255) } }, sleepMilliseconds: { _ in },
      host: Self.host(host), machine: machine, lockWaitSeconds: 0.05)
  }

  static func proof(_ node: String, _ number: Int = 1) throws -> Delta {
    try delta(#"{"type":"proof","source":"hard","updates":[{"node":"\#(node)","proof":\#(number)}]}"#)
  }

  /// Something in every index.
  static let everything = [
    #"{"type":"proof","source":"hard","updates":[{"node":"né","proof":3,"disproof":"infinite","status":"proven"}]}"#,
    #"{"type":"constraint","source":"soft","add":[{"id":"c","type":"mutual-exclusion","nodes":["a","b"]},{"id":"d","type":"resource","nodes":["a"]}]}"#,
    #"{"type":"constraint","source":"soft","remove":["d"]}"#,
    #"{"type":"similarity","source":"soft","pairs":[{"a":"y","b":"x","distance":0.1}]}"#,
    #"{"type":"dependency","source":"hard","add":[{"from":"a","to":"b"},{"from":"b","to":"c"}]}"#,
    #"{"type":"dependency","source":"hard","remove":[{"from":"b","to":"c"}]}"#,
    #"{"type":"history","source":"hard","entries":[{"id":"h","node":"n","metadata":{"k":"\u0000v"}}]}"#,
    #"{"type":"streaming","source":"soft","items":[{"item":"i","count":3}]}"#,
    #"{"type":"clause","source":"hard","learn":[{"literals":["!t:a","t:b"],"failure":"test"}],"use":[["t:b","!t:a"]]}"#,
  ]
}

final class TestClock: Sendable {
  private let seconds = Mutex(Int64(0))

  func next() -> Instant {
    seconds.withLock { seconds in
      seconds += 1
      return Fixture.wall.advanced(bySeconds: seconds)
    }
  }
}

extension ReasoningEngine {
  @discardableResult
  mutating func apply(_ json: String, wall: Instant = Fixture.wall) throws -> [Change] {
    try apply(try Fixture.delta(json), wall: wall)
  }
}

extension ReasoningSession {
  /// Applies and demands that nothing is refused.
  func take(_ deltas: [Delta]) throws {
    for outcome in try apply(deltas) { if let outcome { throw outcome } }
  }

  func takeEverything() throws { for json in Fixture.everything { try take([try Fixture.delta(json)]) } }
}
