import Memory
import TestKit
import Testing

/// Random programs over two to five hosts whose memories, in any format, are written back, against a model that knows of
/// each write and deletion which others its author had seen.
@Suite struct TwoWayModelTests {
  enum Step {
    case set(host: Int, TwoWayWorld.Place)
    case delete(host: Int, TwoWayWorld.Place)
    case putBack(host: Int, Int)
    case run(host: Int)
    case runOffline(host: Int)
    case runMeddled(host: Int, TwoWayWorld.Place)
    case powerCut(host: Int, afterWrites: Int)
    case clock(host: Int, seconds: Int)
    case forget(host: Int, TwoWayWorld.Place)
    case restore(host: Int, TwoWayWorld.Place, Int)
    case resolve(host: Int, Int, Int)
    case collect(host: Int)
    case retire(host: Int, other: Int)
    case unretire(host: Int, other: Int)
    case rewriteRemote(Int)
    /// All run.
    case share
    /// All run and collect, which is how tombstones end.
    case everybody
  }

  struct Program: CustomDebugStringConvertible {
    var formats: [MemoryFormat]
    var steps: [Step]

    var debugDescription: String {
      "\(formats.map(\.rawValue))\n" + steps.map { "    .\($0)" }.joined(separator: ",\n")
    }
  }

  /// Few, so that hosts meet.
  static let place = zip(
    Gen<Int>.frequency((3, .constant(0)), (1, .constant(1))),
    Gen<Int>.frequency((3, .constant(0)), (2, .int(in: 1...3, .uniform)))
  ).map { TwoWayWorld.Place(family: $1, slot: $0) }

  static let step = Gen<Step> { choices in
    let host = try choices.draw(.int(in: 0...4))
    func place() throws -> TwoWayWorld.Place { try choices.draw(Self.place) }
    func pick(_ range: ClosedRange<Int>) throws -> Int { try choices.draw(.int(in: range, .uniform)) }
    switch try pick(0...47) {
    case 0...7: return .set(host: host, try place())
    case 8...14: return .delete(host: host, try place())
    case 15...21: return .run(host: host)
    case 22...25: return .runOffline(host: host)
    case 26...29: return .powerCut(host: host, afterWrites: try pick(0...14))
    case 30: return .putBack(host: host, try pick(0...9))
    case 31: return .runMeddled(host: host, try place())
    case 32...33: return .clock(host: host, seconds: try choices.draw(.int(in: -4_000...100_000)))
    case 34...35: return .forget(host: host, try place())
    case 36...37: return .restore(host: host, try place(), try pick(0...9))
    case 38: return .resolve(host: host, try pick(0...3), try pick(0...2))
    case 39...40: return .collect(host: host)
    case 41: return .retire(host: host, other: try pick(0...4))
    case 42: return .unretire(host: host, other: try pick(0...4))
    case 43: return .rewriteRemote(try pick(0...5))
    case 44...46: return .share
    default: return .everybody
    }
  }

  /// All of one format, formats that hold the same entries, or any.
  static let formats = Gen<[MemoryFormat]> { choices in
    let one = try choices.draw(.element(of: MemoryFormat.allCases))
    let choice: [MemoryFormat] =
      switch try choices.draw(.int(in: 0...3, .uniform)) {
      case 0: [one]
      case 1: [.jsonArray, .jsonLines, .envelope, .map]
      case 2: one == .graph || one == .graphObject ? [.graph, .graphObject] : [one]
      default: MemoryFormat.allCases
      }
    return try choices.draw(Gen<MemoryFormat>.element(of: choice).array(count: 2...5))
  }

  static let program = zip(formats, .array(of: step, count: 0...24), .array(of: step, count: 0...16)).map {
    Program(formats: $0, steps: $1 + $2)
  }

  @Test func everyMemoryHoldsWhatNobodyWhoSawItHasTakenAway() {
    checkProperty("two-way memory agrees with its model", cases: 2_000, Self.program) { try Self.run($0) }
  }

  static func run(_ program: Program) throws {
    var world = try TwoWayWorld(formats: program.formats)
    for step in program.steps { try take(step, in: &world) }
    try world.settle()
  }

  static func take(_ step: Step, in world: inout TwoWayWorld) throws {
    let count = world.hosts.count
    switch step {
    case .set(let host, let place): try world.set(place, on: host % count)
    case .delete(let host, let place): try world.delete(place, on: host % count)
    case .putBack(let host, let pick): try world.putBack(pick, on: host % count)
    case .run(let host): try world.run(host % count)
    case .runOffline(let host): try world.run(host % count, isOffline: true)
    case .runMeddled(let host, let place): try world.run(host % count, meddling: place)
    case .powerCut(let host, let writes): try world.cutPower(host % count, afterWrites: writes)
    case .clock(let host, let seconds): world.setClock(host % count, bySeconds: seconds)
    case .forget(let host, let place): try world.forget(place, on: host % count)
    case .restore(let host, let place, let pick): try world.restore(place, pick, on: host % count)
    case .resolve(let host, let pick, let number): try world.resolve(pick, number, on: host % count)
    case .collect(let host): try world.collect(host % count)
    case .retire(let host, let other): try world.setRetired(other % count, true, by: host % count)
    case .unretire(let host, let other): try world.setRetired(other % count, false, by: host % count)
    case .rewriteRemote(let pick): world.rewriteRemote(pick)
    case .share: for host in world.hosts.indices { try world.run(host) }
    case .everybody:
      for _ in 0..<2 {
        for host in world.hosts.indices {
          try world.run(host)
          try world.collect(host)
          try world.run(host)
        }
      }
    }
  }
}
