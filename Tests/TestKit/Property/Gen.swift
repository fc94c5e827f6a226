/// A recipe for random values that replays from a seed and shrinks by itself.
///
/// Write one as a closure over ``Choices``:
///
///     let point = Gen { choices in Point(x: try choices.draw(.int(in: -9...9)), y: try choices.draw(.int(in: 0...9))) }
///
/// or put it together from the ones here. What comes first in a list of alternatives counts as the simplest.
public struct Gen<Value>: Sendable {
  let make: @Sendable (inout Choices) throws -> Value

  /// A generator that builds its value from the decisions it is given, and from nothing else.
  public init(_ make: @escaping @Sendable (inout Choices) throws -> Value) { self.make = make }

  /// Always the same value.
  public static func constant(_ value: Value) -> Gen where Value: Sendable { Gen { _ in value } }

  /// What `transform` makes of each value.
  public func map<Result>(_ transform: @escaping @Sendable (Value) throws -> Result) -> Gen<Result> {
    Gen<Result> { choices in try transform(make(&choices)) }
  }

  /// A value of the generator that `next` picks by a value of this one.
  public func flatMap<Result>(_ next: @escaping @Sendable (Value) throws -> Gen<Result>) -> Gen<Result> {
    Gen<Result> { choices in try next(make(&choices)).make(&choices) }
  }

  /// Only the values that `isWanted` accepts; the case is discarded after 100 attempts without one.
  public func filter(_ isWanted: @escaping @Sendable (Value) -> Bool) -> Gen {
    Gen { choices in
      try choices.firstAnswer(attempts: 100) { choices in
        let value = try make(&choices)
        return isWanted(value) ? value : nil
      }
    }
  }

  /// `nil`, or in two of three cases a value.
  public func optional() -> Gen<Value?> {
    Gen<Value?> { choices in try choices.choice(upTo: 2) == 0 ? nil : make(&choices) }
  }

  /// Arrays of such values.
  public func array(count: ClosedRange<Int>) -> Gen<[Value]> {
    Gen<[Value]> { choices in
      let intended = choices.intendedCount(count)
      var values: [Value] = []
      values.reserveCapacity(min(intended, 64))
      while values.count < count.upperBound {
        let isOptional = values.count >= count.lowerBound
        let goesOn = values.count < intended
        let value = try choices.span { choices -> Value? in
          if isOptional, try !choices.decide(goesOn) { return nil }
          return try make(&choices)
        }
        guard let value else { break }
        values.append(value)
      }
      return values
    }
  }

  /// Arrays of values of `element`.
  public static func array<Element>(
    of element: Gen<Element>, count: ClosedRange<Int> = 0...8
  ) -> Gen where Value == [Element] {
    element.array(count: count)
  }

  /// Sets of values of `element`: `count` is how many are drawn, so equal ones make the set smaller.
  public static func set<Element: Hashable & Sendable>(
    of element: Gen<Element>, count: ClosedRange<Int> = 0...8
  ) -> Gen where Value == Set<Element> {
    element.array(count: count).map { Set($0) }
  }

  /// Dictionaries of drawn pairs: the last of two equal keys stays.
  public static func dictionary<Key: Hashable & Sendable, Element>(
    of key: Gen<Key>, to element: Gen<Element>, count: ClosedRange<Int> = 0...8
  ) -> Gen where Value == [Key: Element] {
    zip(key, element).array(count: count).map { pairs in
      Dictionary(pairs.map { ($0.0, $0.1) }, uniquingKeysWith: { $1 })
    }
  }

  /// A value of any of `generators`, each as likely. There is at least one.
  public static func oneOf(_ generators: Gen...) -> Gen { oneOf(generators) }

  /// A value of any of `generators`, each as likely. There is at least one.
  public static func oneOf(_ generators: [Gen]) -> Gen {
    precondition(!generators.isEmpty, "oneOf needs a generator")
    return Gen { choices in
      let index = try Int(choices.choice(upTo: UInt64(generators.count - 1)))
      return try generators[index].make(&choices)
    }
  }

  /// A value of any of `generators`, as often as its weight says. The weights' sum is positive.
  public static func frequency(_ generators: (weight: UInt64, generator: Gen)...) -> Gen {
    let total = generators.reduce(0) { $0 + $1.weight }
    precondition(total > 0, "frequency needs a positive weight")
    return Gen { choices in
      var ticket = try choices.choice(upTo: total - 1)
      for (weight, generator) in generators {
        if ticket < weight { return try generator.make(&choices) }
        ticket -= weight
      }
      throw Discard()
    }
  }

  /// One of `values`, each as likely. There is at least one.
  public static func element(of values: [Value]) -> Gen where Value: Sendable {
    precondition(!values.isEmpty, "element(of:) needs a value")
    return Gen { choices in try values[Int(choices.choice(upTo: UInt64(values.count - 1)))] }
  }

  /// The same values in any order.
  public static func shuffled<Element: Sendable>(_ values: [Element]) -> Gen where Value == [Element] {
    Gen { choices in
      var shuffled = values
      guard shuffled.count > 1 else { return shuffled }
      for index in 0..<(shuffled.count - 1) {
        let offset = try choices.choice(upTo: UInt64(shuffled.count - 1 - index))
        shuffled.swapAt(index, index + Int(offset))
      }
      return shuffled
    }
  }
}

extension Gen where Value == Bool {
  /// Yes or no; no is the simpler.
  public static var bool: Gen { Gen { choices in try choices.flip() } }
}

extension Gen where Value: FixedWidthInteger & Sendable {
  /// Numbers of `range`, often its ends, powers of two and small ones. Shrinks towards the one nearest zero.
  public static func int(
    in range: ClosedRange<Value> = .min ... .max, _ spread: Choices.Spread = .edges
  ) -> Gen {
    precondition(Value.bitWidth <= 64, "up to 64 bits")
    let lower = range.lowerBound
    let upper = range.upperBound
    let origin = min(max(0, lower), upper)
    let below = distance(from: lower, to: origin)
    let above = distance(from: origin, to: upper)
    let shared = min(below, above)
    return Gen { choices in
      let index = try choices.choice(upTo: below &+ above, spread)
      // 0, 1, -1, 2, -2, … as long as there are numbers on both sides, then the rest of the longer side.
      guard index > 0 else { return origin }
      if (index - 1) / 2 < shared {
        let step = (index - 1) / 2 + 1
        return index % 2 == 1
          ? origin &+ Value(truncatingIfNeeded: step) : origin &- Value(truncatingIfNeeded: step)
      }
      let step = Value(truncatingIfNeeded: index &- shared)
      return above >= below ? origin &+ step : origin &- step
    }
  }

  private static func distance(from lower: Value, to upper: Value) -> UInt64 {
    UInt64(truncatingIfNeeded: upper) &- UInt64(truncatingIfNeeded: lower)
  }
}

/// Tuples of one value of each generator.
public func zip<First, Second>(_ first: Gen<First>, _ second: Gen<Second>) -> Gen<(First, Second)> {
  Gen { choices in (try first.make(&choices), try second.make(&choices)) }
}

/// Tuples of one value of each generator.
public func zip<First, Second, Third>(
  _ first: Gen<First>, _ second: Gen<Second>, _ third: Gen<Third>
) -> Gen<(First, Second, Third)> {
  Gen { choices in (try first.make(&choices), try second.make(&choices), try third.make(&choices)) }
}

/// Tuples of one value of each generator.
public func zip<First, Second, Third, Fourth>(
  _ first: Gen<First>, _ second: Gen<Second>, _ third: Gen<Third>, _ fourth: Gen<Fourth>
) -> Gen<(First, Second, Third, Fourth)> {
  Gen { choices in
    let values = (try first.make(&choices), try second.make(&choices), try third.make(&choices))
    return (values.0, values.1, values.2, try fourth.make(&choices))
  }
}
