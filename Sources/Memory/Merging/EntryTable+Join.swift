import CRDT

extension EntryTable {
  /// The join of all entries read: of each unique_id the greatest by (instant, host, version, bytes).
  ///
  /// A join semilattice: the result does not depend on the order or grouping of the files.
  /// - Returns: indices of the winners in the canonical order: by instant, then by the bytes of the unique_id.
  /// - Complexity: O(n) expected for the join, O(m log m) for sorting m winners, O(m) where files are sorted.
  public func join() -> [Int] {
    guard !records.isEmpty else { return [] }
    // Open addressing, at most half full. The seed differs a process, so that no file can be built to collide.
    var seedHasher = Hasher()
    seedHasher.combine(records.count)
    let seed = UInt64(truncatingIfNeeded: seedHasher.finalize())
    let capacity = max(16, (records.count * 2).nextPowerOfTwo)
    let mask = capacity - 1
    var slots = [UInt32](repeating: .max, count: capacity)
    var tags = [UInt32](repeating: 0, count: capacity)
    var winners: [Int] = []
    winners.reserveCapacity(records.count)

    for index in records.indices {
      let hash = keyHash(index, seed: seed)
      let tag = UInt32(truncatingIfNeeded: hash >> 32)
      var slot = Int(truncatingIfNeeded: hash) & mask
      while true {
        let position = slots[slot]
        if position == .max {
          slots[slot] = UInt32(winners.count)
          tags[slot] = tag
          winners.append(index)
          break
        }
        let other = winners[Int(position)]
        if tags[slot] == tag, hasSameKey(index, other) {
          if isBelow(other, index) { winners[Int(position)] = index }
          break
        }
        slot = (slot + 1) & mask
      }
    }
    sortCanonically(&winners)
    return winners
  }

  /// Sorts by (instant, unique_id); one comparison a neighbour when it is sorted already.
  private func sortCanonically(_ indices: inout [Int]) {
    var isSorted = true
    for position in indices.indices.dropFirst()
    where precedesCanonically(indices[position], indices[position - 1]) {
      isSorted = false
      break
    }
    if !isSorted { indices.sort { precedesCanonically($0, $1) } }
  }

  @inline(__always)
  private func precedesCanonically(_ left: Int, _ right: Int) -> Bool {
    let leftInstant = records[left].instant
    let rightInstant = records[right].instant
    if leftInstant != rightInstant { return leftInstant < rightInstant }
    return compare(
      key(left), in: buffer(left, .keyInArena), key(right), in: buffer(right, .keyInArena)) < 0
  }

  /// The order of the join.
  func isBelow(_ left: Int, _ right: Int) -> Bool {
    let leftInstant = records[left].instant
    let rightInstant = records[right].instant
    if leftInstant != rightInstant { return leftInstant < rightInstant }
    let hosts = compare(
      host(left), in: buffer(left, .hostInArena), host(right), in: buffer(right, .hostInArena))
    if hosts != 0 { return hosts < 0 }
    if records[left].version != records[right].version { return records[left].version < records[right].version }
    return compare(
      range(left), in: buffer(left, .entryInArena), range(right), in: buffer(right, .entryInArena)) < 0
  }

  // MARK: Slices

  func range(_ index: Int) -> Range<Int> { Int(records[index].start)..<Int(records[index].end) }
  func key(_ index: Int) -> Range<Int> { Int(records[index].keyStart)..<Int(records[index].keyEnd) }
  func host(_ index: Int) -> Range<Int> { Int(records[index].hostStart)..<Int(records[index].hostEnd) }

  /// The buffer a slice of a record is in: the arena or the file.
  @inline(__always)
  func buffer(_ index: Int, _ flag: EntryRecord.Flags) -> [UInt8] {
    records[index].flags.contains(flag) ? arena : sources[Int(records[index].source)].bytes
  }

  private func hasSameKey(_ left: Int, _ right: Int) -> Bool {
    let leftKey = key(left)
    let rightKey = key(right)
    return leftKey.count == rightKey.count
      && compare(leftKey, in: buffer(left, .keyInArena), rightKey, in: buffer(right, .keyInArena)) == 0
  }

  /// Byte order of two slices: negative, 0, or positive.
  private func compare(_ left: Range<Int>, in leftBytes: [UInt8], _ right: Range<Int>, in rightBytes: [UInt8]) -> Int {
    let leftSpan = leftBytes.span.bytes
    let rightSpan = rightBytes.span.bytes
    let common = min(left.count, right.count)
    var offset = 0
    while offset + 8 <= common {
      let a = leftSpan.unsafeLoadUnaligned(fromByteOffset: left.lowerBound + offset, as: UInt64.self)
      let b = rightSpan.unsafeLoadUnaligned(fromByteOffset: right.lowerBound + offset, as: UInt64.self)
      if a != b { return UInt64(bigEndian: a) < UInt64(bigEndian: b) ? -1 : 1 }
      offset += 8
    }
    while offset < common {
      let a = leftSpan.unsafeLoad(fromByteOffset: left.lowerBound + offset, as: UInt8.self)
      let b = rightSpan.unsafeLoad(fromByteOffset: right.lowerBound + offset, as: UInt8.self)
      if a != b { return a < b ? -1 : 1 }
      offset += 1
    }
    return left.count - right.count
  }

  /// A 64-bit hash of the unique_id: multiply and fold, eight bytes at a time.
  private func keyHash(_ index: Int, seed: UInt64) -> UInt64 {
    let range = key(index)
    let bytes = buffer(index, .keyInArena)
    let span = bytes.span.bytes
    var hash = seed ^ UInt64(range.count)
    var offset = range.lowerBound
    @inline(__always) func mix(_ word: UInt64) {
      let (high, low) = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
      hash = high ^ low ^ seed
    }
    while offset + 8 <= range.upperBound {
      mix(span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var rest: UInt64 = 0
    while offset < range.upperBound {
      rest = rest << 8 | UInt64(span.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
      offset += 1
    }
    mix(rest)
    return hash
  }
}

extension Int {
  fileprivate var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
