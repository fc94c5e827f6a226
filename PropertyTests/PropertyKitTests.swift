import TestKit
import Testing

/// The kit that all laws rest on: it finds what is false, makes it small, and finds it again.
struct PropertyKitTests {
  private static let settings = PropertySettings(seed: Seed(42))

  private func smallest<Value>(
    _ generator: Gen<Value>, seed: UInt64 = 42, _ holds: @escaping (Value) -> Bool
  ) throws -> Value {
    let found = try findCounterexample("law", generator, settings: PropertySettings(seed: Seed(seed))) {
      value in
      try demand(holds(value), "false")
    }
    return try #require(found).value
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func shrinksNumbersToTheBoundary(seed: UInt64) throws {
    #expect(try smallest(.int(in: 0...1_000_000), seed: seed) { $0 < 1_234 } == 1_234)
    #expect(try smallest(.int(in: -1_000_000...1_000_000), seed: seed) { $0 > -777 } == -777)
    #expect(try smallest(Gen<UInt64>.int(), seed: seed) { $0 < 1 << 63 } == 1 << 63)
    #expect(try smallest(Gen<Int64>.int(), seed: seed) { $0 > .min } == .min)
    #expect(try smallest(.int(in: -9 ... -3), seed: seed) { _ in false } == -3)
    #expect(try smallest(.int(in: 5...9), seed: seed) { _ in false } == 5)
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func shrinksCollectionsToWhatMatters(seed: UInt64) throws {
    let numbers = Gen.array(of: .int(in: 0...1_000), count: 0...20)
    #expect(try smallest(numbers, seed: seed) { $0.count < 3 } == [0, 0, 0])
    #expect(try smallest(numbers, seed: seed) { !$0.contains { $0 >= 500 } } == [500])
    #expect(try smallest(numbers, seed: seed) { $0 == $0.reversed() } == [0, 1])
    #expect(try smallest(numbers, seed: seed) { Set($0).count == $0.count } == [0, 0])
  }

  @Test func shrinksThroughMapFlatMapAndAlternatives() throws {
    let counted = Gen.int(in: 1...20).flatMap { count in
      Gen.array(of: .int(in: 0...100), count: count...count)
    }
    #expect(try smallest(counted) { !$0.contains { $0 > 41 } } == [42])
    let even = Gen.int(in: 0...100_000).map { $0 * 2 }
    #expect(try smallest(even) { $0 < 4_321 } == 4_322)
    let either = Gen.oneOf(.constant(-1), .int(in: 0...100), .int(in: 0...100_000))
    #expect(try smallest(either) { $0 < 60 } == 60)
    let odd = Gen.int(in: 0...10_000).filter { $0 % 2 == 1 }
    #expect(try smallest(odd) { $0 < 100 } == 101)
    #expect(try smallest(Gen.text()) { !$0.utf8.contains(0) } == "\0")
  }

  @Test func shrinksEqualPartsTogether() throws {
    let pair = zip(Gen.int(in: 0...3_000, .uniform), Gen.int(in: 0...3_000, .uniform))
    let smallest = try smallest(pair) { !($0.0 == $0.1 && $0.0 >= 10) }
    #expect(smallest == (10, 10))
  }

  @Test func sameSeedMakesTheSameCases() throws {
    func cases(seed: UInt64, law: String = "law") throws -> [String] {
      var seen: [String] = []
      _ = try findCounterexample(law, cases: 200, .text(), settings: PropertySettings(seed: Seed(seed))) {
        seen.append($0)
      }
      return seen
    }
    #expect(try cases(seed: 7) == cases(seed: 7))
    #expect(try cases(seed: 7) != cases(seed: 8))
    #expect(try cases(seed: 7) != cases(seed: 7, law: "another law"))
  }

  @Test func caseIndexAloneFindsTheFailureAgain() throws {
    let generator = Gen.array(of: .int(in: 0...1_000_000))
    let property: ([Int]) throws -> Void = { try demand($0.reduce(0, +) < 2_500_000, "too much") }
    let first = try #require(try findCounterexample("sum", generator, settings: Self.settings, property))
    var settings = Self.settings
    settings.onlyCase = first.caseIndex
    let again = try #require(try findCounterexample("sum", generator, settings: settings, property))
    #expect(again.original == first.original)
    #expect(again.value == first.value)
    #expect(again.reason == first.reason)
  }

  @Test func canaryFalseLawIsFoundAndReported() {
    withKnownIssue {
      checkProperty("subtraction commutes", zip(.int(in: -9...9), .int(in: -9...9))) { $0 - $1 == $1 - $0 }
    } matching: { issue in
      let text = issue.comments.map(\.rawValue).joined()
      return text.contains("subtraction commutes") && text.contains("(0, 1)") && text.contains("SEED=")
        && text.contains("swift test --filter 'canaryFalseLawIsFoundAndReported'")
    }
  }

  @Test func thrownErrorFailsAndNamesItsReason() throws {
    let found = try findCounterexample("equal", .int(in: 0...100), settings: Self.settings) { number in
      try demandEqual(min(number, 50), number)
    }
    let reason = try #require(found).reason
    #expect(reason.contains("actual:   50"))
    #expect(reason.contains("expected: 51"))
  }

  @Test func tooManyDiscardsAreAFailure() {
    #expect(throws: PropertyFailure.self) {
      try findCounterexample("odd", .int(in: 0...1_000), settings: Self.settings) { try assume($0 == 500) }
    }
  }

  @Test func casesScaleWithTheEnvironment() throws {
    var settings = Self.settings
    settings.cases = 100
    func count(cases: Int) throws -> Int {
      var count = 0
      _ = try findCounterexample("count", cases: cases, .bool, settings: settings) { _ in count += 1 }
      return count
    }
    #expect(try count(cases: 10_000) == 100)
    #expect(try count(cases: 500) == 5)
    #expect(try count(cases: 10) == 1)
  }

  @Test func edgesComeUp() throws {
    var seen: Set<Int8> = []
    _ = try findCounterexample("edges", cases: 2_000, Gen<Int8>.int(), settings: Self.settings) {
      seen.insert($0)
    }
    #expect(seen.isSuperset(of: [.min, .min + 1, -1, 0, 1, .max - 1, .max]))
    var wide: Set<Int64> = []
    _ = try findCounterexample("wide edges", cases: 5_000, Gen<Int64>.int(), settings: Self.settings) {
      wide.insert($0)
    }
    #expect(wide.isSuperset(of: [.min, -1, 0, 1, .max]))
    var lengths: Set<Int> = []
    _ = try findCounterexample(
      "lengths", cases: 2_000, .array(of: .bool, count: 2...9), settings: Self.settings
    ) { lengths.insert($0.count) }
    #expect(lengths == Set(2...9))
  }

  @Test func jsonTextIsValidAndOdd() throws {
    var surrogates = 0
    _ = try findCounterexample("json", cases: 2_000, .jsonObject(), settings: Self.settings) { text in
      let isBalanced = text.hasPrefix("{") && text.hasSuffix("}")
      try demand(isBalanced, text)
      if text.contains("\\ud800") { surrogates += 1 }
    }
    #expect(surrogates > 0)
  }

  @Test func runawayRecursionIsDiscarded() {
    @Sendable func endless(_ choices: inout Choices) throws -> Int {
      for _ in 0..<Int.max { _ = try choices.choice(upTo: 1) }
      return 0
    }
    #expect(throws: PropertyFailure.self) {
      try findCounterexample("endless", cases: 3, Gen(endless), settings: Self.settings) { _ in }
    }
  }
}
