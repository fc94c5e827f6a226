extension Instant {
  /// Reads exactly the form that this product writes, eight bytes at a time: nearly every stamp of a large file has it.
  /// `nil` for every other form, also for good RFC 3339.
  /// - Precondition: thirty bytes of the buffer begin at `start`.
  init?(written bytes: RawSpan, at start: Int) {
    func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start + offset, as: UInt64.self))
    }
    let yearAndMonth = word(0)  // 2026-01-
    let dayToMinute = word(8)  // 02T03:04
    let secondAndUpper = word(16)  // :05.6780
    let lower = word(22)  // 8000001Z at its end
    guard Instant.isDigits(yearAndMonth, at: 0x00FF_FF00_FFFF_FFFF, separators: 0x2D00_002D_0000_0000),
      Instant.isDigits(dayToMinute, at: 0xFFFF_00FF_FF00_FFFF, separators: 0x0000_3A00_0054_0000),
      Instant.isDigits(secondAndUpper, at: 0xFFFF_FFFF_00FF_FF00, separators: 0x0000_0000_2E00_003A),
      Instant.isDigits(lower, at: 0x00FF_FFFF_FFFF_FFFF, separators: 0x5A00_0000_0000_0000)
    else { return nil }

    func digit(_ word: UInt64, _ index: UInt64) -> Int64 { Int64(word >> (8 * index) & 0xF) }
    func pair(_ word: UInt64, _ index: UInt64) -> Int64 { digit(word, index) * 10 + digit(word, index + 1) }
    let year = pair(yearAndMonth, 0) * 100 + pair(yearAndMonth, 2)
    let month = pair(yearAndMonth, 5)
    let day = pair(dayToMinute, 0)
    let hour = pair(dayToMinute, 3)
    let minute = pair(dayToMinute, 6)
    let second = pair(secondAndUpper, 1)
    guard (1...12).contains(month), day >= 1, day <= Instant.days(inMonth: month, year: year), hour < 24, minute < 60,
      second < 60
    else { return nil }
    let upperFraction = pair(secondAndUpper, 4) * 100 + pair(secondAndUpper, 6)
    let lowerFraction = (pair(lower, 2) * 100 + pair(lower, 4)) * 10 + digit(lower, 6)
    self.init(
      unixSeconds: Instant.day(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second,
      nanoseconds: upperFraction * 100_000 + lowerFraction)
  }

  /// Whether the bytes under `mask` are ASCII digits and the others are `separators`.
  @inline(__always)
  private static func isDigits(_ word: UInt64, at mask: UInt64, separators: UInt64) -> Bool {
    let high = 0xF0F0_F0F0_F0F0_F0F0 & mask
    let digits = 0x3030_3030_3030_3030 & mask
    // Plus six, only 0 to 9 keep their upper half; nothing carries into the next byte, as the first test has shown.
    return word & ~mask == separators && word & high == digits
      && (word &+ (0x0606_0606_0606_0606 & mask)) & high == digits
  }
}
