/// A 64-bit hash of a key's bytes: multiply and fold, eight bytes at a time.
///
/// Not for storage: it differs with the seed.
enum KeyHash {
  @inline(__always)
  static func of(_ bytes: RawSpan, _ range: Range<Int>, seed: UInt64) -> UInt64 {
    var hash = seed ^ UInt64(range.count)
    var offset = range.lowerBound
    @inline(__always) func mix(_ word: UInt64) {
      let (high, low) = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
      hash = high ^ low ^ seed
    }
    while offset + 8 <= range.upperBound {
      mix(bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var rest: UInt64 = 0
    while offset < range.upperBound {
      rest = rest << 8 | UInt64(bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self))
      offset += 1
    }
    mix(rest)
    return hash
  }
}
