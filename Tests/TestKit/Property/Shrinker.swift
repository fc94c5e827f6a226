/// Makes a failing case smaller for as long as it still fails: fewer decisions first, then smaller ones.
struct Shrinker<Value> {
  /// One failing case.
  struct Failure {
    var choices: [UInt64]
    var spans: [Range<Int>]
    var value: Value
    var reason: String
  }

  private let generator: Gen<Value>
  private let reasonToFail: (Value) -> String?
  private let maximumRuns: Int
  private var tried: Set<[UInt64]> = []

  /// The smallest failure so far.
  private(set) var best: Failure
  /// How often the property was tried.
  private(set) var runs = 0

  init(
    _ failure: Failure, generator: Gen<Value>, maximumRuns: Int, reasonToFail: @escaping (Value) -> String?
  ) {
    best = failure
    self.generator = generator
    self.maximumRuns = maximumRuns
    self.reasonToFail = reasonToFail
  }

  /// Shrinks until nothing gets smaller any more or the runs are used up.
  mutating func shrink() {
    // The first replay of the failure itself finds the spans, which a random run does not record.
    if let replayed = replay(best.choices) { best = replayed }
    var before: [UInt64]
    repeat {
      before = best.choices
      removeSpans()
      removeChunks()
      zeroSpans()
      swapSpans()
      lowerEachChoice()
      lowerEqualChoices()
      if best.choices == before { lowerAndRemove() }
    } while best.choices != before && runs < maximumRuns
  }

  private func replay(_ candidate: [UInt64]) -> Failure? {
    var choices = Choices(replaying: candidate)
    guard let value = try? generator.make(&choices), let reason = reasonToFail(value) else { return nil }
    return Failure(choices: choices.recorded, spans: choices.spans, value: value, reason: reason)
  }

  /// Takes `candidate` as the best when it fails too and is smaller.
  private mutating func accept(_ candidate: [UInt64]) -> Bool {
    guard runs < maximumRuns, Self.isSmaller(candidate, best.choices), tried.insert(candidate).inserted
    else { return false }
    runs += 1
    guard let failure = replay(candidate), Self.isSmaller(failure.choices, best.choices) else { return false }
    best = failure
    return true
  }

  private static func isSmaller(_ first: [UInt64], _ second: [UInt64]) -> Bool {
    first.count == second.count
      ? first.lexicographicallyPrecedes(second) : first.count < second.count
  }

  private mutating func removeSpans() {
    var index = best.spans.count
    while index > 0 {
      index -= 1
      guard index < best.spans.count else { continue }
      var candidate = best.choices
      candidate.removeSubrange(best.spans[index])
      _ = accept(candidate)
    }
  }

  private mutating func removeChunks() {
    for length in [8, 4, 3, 2, 1] {
      var start = best.choices.count - length
      while start >= 0 {
        if start + length <= best.choices.count {
          var candidate = best.choices
          candidate.removeSubrange(start..<(start + length))
          _ = accept(candidate)
        }
        start -= 1
      }
    }
  }

  private mutating func zeroSpans() {
    var index = 0
    while index < best.spans.count {
      var candidate = best.choices
      // The first decision of a span says that there is an element; the others make it up.
      for position in best.spans[index].dropFirst() { candidate[position] = 0 }
      _ = accept(candidate)
      index += 1
    }
  }

  /// Puts the smaller of two neighbouring parts, and of two neighbouring choices, first.
  private mutating func swapSpans() {
    var index = 0
    while index < best.spans.count {
      let first = best.spans[index]
      if let second = best.spans.first(where: { $0.lowerBound == first.upperBound }) {
        var candidate = best.choices
        candidate.replaceSubrange(
          first.lowerBound..<second.upperBound, with: best.choices[second] + best.choices[first])
        _ = accept(candidate)
      }
      index += 1
    }
    for index in best.choices.indices.dropLast() where index + 1 < best.choices.count {
      var candidate = best.choices
      candidate.swapAt(index, index + 1)
      _ = accept(candidate)
    }
  }

  private mutating func lowerEachChoice() {
    var index = 0
    while index < best.choices.count {
      lower([index])
      index += 1
    }
  }

  private mutating func lowerEqualChoices() {
    for value in Set(best.choices).sorted() where value > 0 {
      let positions = best.choices.indices.filter { best.choices[$0] == value }
      if positions.count > 1 { lower(positions) }
    }
  }

  /// Finds a small number for all of `positions` at once: by halving, which is exact where failing is monotonic.
  private mutating func lower(_ positions: [Int]) {
    func replaced(with value: UInt64) -> [UInt64]? {
      guard let last = positions.last, last < best.choices.count else { return nil }
      var candidate = best.choices
      for position in positions { candidate[position] = value }
      return candidate
    }
    guard let first = positions.first, first < best.choices.count, best.choices[first] > 0 else { return }
    if let zeroed = replaced(with: 0), accept(zeroed) { return }
    // Numbers of both signs alternate: steps of two stay on one side of zero.
    for stride in [1, 2] as [UInt64] {
      let start = best.choices[first]
      var failing = start / stride
      guard let atStart = replaced(with: start % stride), failing > 0 else { return }
      if accept(atStart) { return }
      var passing: UInt64 = 0
      while failing - passing > 1 {
        let middle = passing + (failing - passing) / 2
        guard let candidate = replaced(with: start % stride + stride * middle) else { return }
        if accept(candidate) { failing = middle } else { passing = middle }
      }
    }
  }

  /// For generators that draw a count and then so many values: one less of the count, and one value gone.
  private mutating func lowerAndRemove() {
    guard best.choices.count <= 64 else { return }
    for index in best.choices.indices.reversed() {
      for length in 1...4 {
        var start = index + 1
        while start + length <= best.choices.count {
          guard best.choices[index] > 0 else { break }
          var candidate = best.choices
          candidate[index] -= 1
          candidate.removeSubrange(start..<(start + length))
          if accept(candidate) { return }
          start += 1
        }
      }
    }
  }
}
