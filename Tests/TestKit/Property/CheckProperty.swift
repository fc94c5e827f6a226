import Testing

/// A case for which a law does not hold, made as small as it would go.
public struct Counterexample<Value> {
  /// The smallest case found.
  public var value: Value
  /// Why it fails: the error, or that the property returned false.
  public var reason: String
  /// The case as it was found.
  public var original: Value
  /// The index of the case: with the seed it makes the case again.
  public var caseIndex: Int
  /// The seed of the run.
  public var seed: Seed
  /// How many attempts at a smaller case were made.
  public var shrinkRuns: Int
}

/// What a property throws to fail with an explanation.
public struct PropertyFailure: Error, CustomStringConvertible, Sendable {
  /// What is wrong.
  public var description: String

  /// Fails with an explanation.
  public init(_ description: String) { self.description = description }
}

/// Fails the property unless `condition` holds. Use it in place of `#expect`, which would report every attempt of a
/// shrinking case.
public func demand(
  _ condition: @autoclosure () throws -> Bool, _ message: @autoclosure () -> String, line: UInt = #line
) throws {
  guard try condition() else { throw PropertyFailure("line \(line): \(message())") }
}

/// Fails the property, naming both, unless `actual` is `expected`.
public func demandEqual<Value: Equatable>(
  _ actual: @autoclosure () throws -> Value, _ expected: @autoclosure () throws -> Value,
  _ message: @autoclosure () -> String = "not equal", line: UInt = #line
) throws {
  let (actual, expected) = (try actual(), try expected())
  guard actual == expected else {
    throw PropertyFailure(
      "line \(line): \(message())\n    actual:   \(brief(actual))\n    expected: \(brief(expected))")
  }
}

/// Discards the case unless `condition` holds.
public func assume(_ condition: Bool) throws {
  guard condition else { throw Discard() }
}

/// Checks that `property` throws nothing, and returns true if it returns a Boolean, for many values of `generator`.
///
/// On failure the value is made smaller and an issue is recorded that names the law, the value, and the command that
/// runs this very case again. Case 0 is always the simplest value.
/// - Parameters:
///   - name: The law in words; part of the seed, so unique in the test.
///   - cases: How many values; see ``PropertySettings`` for the environment's say.
///   - property: What it returns counts when it is a Boolean.
public func checkProperty<Value, Verdict>(
  _ name: String, cases: Int = PropertySettings.usualCases, _ generator: Gen<Value>,
  sourceLocation: SourceLocation = #_sourceLocation, _ property: (Value) throws -> Verdict
) {
  do {
    guard let found = try findCounterexample(name, cases: cases, generator, property) else { return }
    let test = Test.current?.name.prefix { $0 != "(" } ?? ""
    Issue.record(
      """
      the law does not hold: \(name)
        value:  \(brief(found.value))
        reason: \(found.reason)
        found as case \(found.caseIndex), made smaller in \(found.shrinkRuns) runs from:
        \(brief(found.original))
        again:  SEED=\(found.seed) CASE=\(found.caseIndex) swift test --filter '\(test)'
      """, sourceLocation: sourceLocation)
  } catch {
    Issue.record("the law was not checked: \(name): \(error)", sourceLocation: sourceLocation)
  }
}

/// The first case for which `property` throws or returns false, made smaller; `nil` when there is none.
///
/// - Throws: ``PropertyFailure`` when so many cases were discarded that the law was hardly checked.
public func findCounterexample<Value, Verdict>(
  _ name: String, cases: Int = PropertySettings.usualCases, _ generator: Gen<Value>,
  settings: PropertySettings = .environment, _ property: (Value) throws -> Verdict
) throws -> Counterexample<Value>? {
  func judge(_ value: Value) throws {
    let verdict = try property(value)
    if Verdict.self == Bool.self, verdict as? Bool != true {
      throw PropertyFailure("the property returned false")
    }
  }

  func reasonToFail(_ value: Value) -> String? {
    do {
      try judge(value)
      return nil
    } catch is Discard {
      return nil
    } catch {
      return String(describing: error)
    }
  }

  let wanted = settings.cases(wanted: cases)
  let indices = settings.onlyCase.map { $0..<($0 + 1) } ?? 0..<wanted
  var discarded = 0
  for index in indices {
    var choices =
      index == 0
      ? Choices(replaying: []) : Choices(random: settings.seed.generator(law: name, case: index))
    do {
      try judge(generator.make(&choices))
    } catch is Discard {
      discarded += 1
    } catch {
      // Made a second time, since the property may have consumed or changed what it was given.
      let reason = String(describing: error)
      var replay = Choices(replaying: choices.recorded)
      guard let original = try? generator.make(&replay) else {
        throw PropertyFailure("the generator failed at case \(index), seed \(settings.seed): \(reason)")
      }
      return withoutActuallyEscaping(reasonToFail) { reasonToFail in
        var shrinker = Shrinker(
          .init(choices: choices.recorded, spans: [], value: original, reason: reason),
          generator: generator, maximumRuns: settings.maximumShrinkRuns, reasonToFail: reasonToFail)
        shrinker.shrink()
        return Counterexample(
          value: shrinker.best.value, reason: shrinker.best.reason, original: original, caseIndex: index,
          seed: settings.seed, shrinkRuns: shrinker.runs)
      }
    }
  }
  if settings.onlyCase == nil, discarded > wanted / 2 {
    throw PropertyFailure("\(discarded) of \(wanted) cases were discarded: the generator is too broad")
  }
  return nil
}

private func brief(_ value: Any) -> String {
  let text = String(reflecting: value)
  return text.count > 2_000 ? "\(text.prefix(2_000))… (\(text.count) characters)" : text
}
