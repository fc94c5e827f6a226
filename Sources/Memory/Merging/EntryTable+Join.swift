import CRDT

extension EntryTable {
  /// The join of all entries read: of each unique_id the greatest by (instant, host, version, bytes).
  ///
  /// A join semilattice: the result does not depend on the order or grouping of the files.
  /// - Returns: indices of the winners in the canonical order: by instant, then by the bytes of the unique_id.
  /// - Complexity: O(n) expected for the join; O(m log r) for sorting m winners that stand in r sorted runs, such as
  ///   one a file.
  public func join() -> [Int] {
    guard !records.isEmpty else { return [] }
    let lost = losers()
    var items: [CanonicalItem] = []
    items.reserveCapacity(records.count)
    for index in records.indices where !lost[index] {
      items.append(CanonicalItem(instant: records[index].instant, index: UInt32(index)))
    }
    CanonicalOrder.sort(&items) { left, right in
      if left.instant != right.instant { return left.instant < right.instant }
      return compare(Int(left.index), Int(right.index), \.key, .keyInArena) < 0
    }
    return items.map { Int($0.index) }
  }

  /// For each record whether another of the same unique_id is greater (or equal and stands before it).
  private func losers() -> [Bool] {
    var lost = [Bool](repeating: false, count: records.count)
    // Open addressing, at most half full. A slot is the upper half of the hash and the record's index plus one.
    let mask = max(16, (records.count * 2).nextPowerOfTwo) - 1
    var slots = [UInt64](repeating: 0, count: mask + 1)
    for index in records.indices {
      let hash = records[index].keyHash
      let tag = hash & 0xFFFF_FFFF_0000_0000
      let filled = tag | UInt64(index + 1)
      var slot = Int(truncatingIfNeeded: hash) & mask
      while true {
        let found = slots[slot]
        if found == 0 {
          slots[slot] = filled
          break
        }
        if found & 0xFFFF_FFFF_0000_0000 == tag {
          let other = Int(found & 0xFFFF_FFFF) - 1
          if compare(index, other, \.key, .keyInArena) == 0 {
            if isBelow(other, index) {
              slots[slot] = filled
              lost[other] = true
            } else {
              lost[index] = true
            }
            break
          }
        }
        slot = (slot + 1) & mask
      }
    }
    return lost
  }

  /// The order of the join.
  func isBelow(_ left: Int, _ right: Int) -> Bool {
    let leftInstant = records[left].instant
    let rightInstant = records[right].instant
    if leftInstant != rightInstant { return leftInstant < rightInstant }
    let hosts = compare(left, right, \.host, .hostInArena)
    if hosts != 0 { return hosts < 0 }
    if records[left].version != records[right].version { return records[left].version < records[right].version }
    return compare(left, right, \.range, .entryInArena) < 0
  }

  /// Calls `body` with a slice of a record, wherever it is: in the arena or in the file.
  @inline(__always)
  func withSlice<Result, Failure: Error>(
    _ index: Int, _ slice: (EntryRecord) -> Range<Int>, _ flag: EntryRecord.Flags,
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let record = records[index]
    if record.flags.contains(flag) { return try body(arena.span.bytes.extracting(slice(record))) }
    let bytes = sources[Int(record.source)].bytes
    return try body(bytes.span.bytes.extracting(slice(record)))
  }

  /// Byte order of the same slice of two records: negative, 0, or positive.
  private func compare(
    _ left: Int, _ right: Int, _ slice: (EntryRecord) -> Range<Int>, _ flag: EntryRecord.Flags
  ) -> Int {
    withSlice(left, slice, flag) { leftSpan in
      leftSpan.withUnsafeBytes { leftBytes in
        withSlice(right, slice, flag) { rightSpan in
          rightSpan.withUnsafeBytes { rightBytes in ByteOrder.compare(leftBytes, rightBytes) }
        }
      }
    }
  }
}

/// Byte order, eight bytes at a time.
enum ByteOrder {
  /// Negative, 0, or positive.
  static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let common = min(left.count, right.count)
    var offset = 0
    while offset + 8 <= common {
      let a = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      let b = right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      if a != b { return UInt64(bigEndian: a) < UInt64(bigEndian: b) ? -1 : 1 }
      offset += 8
    }
    while offset < common {
      if left[offset] != right[offset] { return left[offset] < right[offset] ? -1 : 1 }
      offset += 1
    }
    return left.count - right.count
  }
}

extension Int {
  fileprivate var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
