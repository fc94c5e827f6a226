import CRDT

/// A winner on its way into the canonical order.
struct CanonicalItem {
  var instant: Instant
  var index: UInt32
}

/// Merge sort that takes up the runs that are there already: the host files are in order, so that merging k of them
/// costs O(n log k) comparisons and one file none but the neighbours'.
enum CanonicalOrder {
  /// - Complexity: O(n log r), r the number of runs; memory for as many items again.
  static func sort(_ items: inout [CanonicalItem], by precedes: (CanonicalItem, CanonicalItem) -> Bool) {
    var starts = runStarts(items, by: precedes)
    guard starts.count > 1 else { return }
    var target = items
    while starts.count > 1 {
      var merged: [Int] = []
      merged.reserveCapacity(starts.count / 2 + 1)
      for pair in stride(from: 0, to: starts.count, by: 2) {
        let middle = pair + 1 < starts.count ? starts[pair + 1] : items.count
        let end = pair + 2 < starts.count ? starts[pair + 2] : items.count
        merged.append(starts[pair])
        merge(items, starts[pair]..<middle, middle..<end, into: &target, by: precedes)
      }
      swap(&items, &target)
      starts = merged
    }
  }

  private static func runStarts(_ items: [CanonicalItem], by precedes: (CanonicalItem, CanonicalItem) -> Bool)
    -> [Int]
  {
    var starts = items.isEmpty ? [] : [0]
    for position in items.indices.dropFirst() where precedes(items[position], items[position - 1]) {
      starts.append(position)
    }
    return starts
  }

  @inline(__always)
  private static func merge(
    _ items: [CanonicalItem], _ left: Range<Int>, _ right: Range<Int>, into target: inout [CanonicalItem],
    by precedes: (CanonicalItem, CanonicalItem) -> Bool
  ) {
    var first = left.lowerBound
    var second = right.lowerBound
    var output = left.lowerBound
    while first < left.upperBound, second < right.upperBound {
      if precedes(items[second], items[first]) {
        target[output] = items[second]
        second += 1
      } else {
        target[output] = items[first]
        first += 1
      }
      output += 1
    }
    while first < left.upperBound {
      target[output] = items[first]
      first += 1
      output += 1
    }
    while second < right.upperBound {
      target[output] = items[second]
      second += 1
      output += 1
    }
  }
}
