extension Instant {
  /// Bytes of the written form: `2026-01-02T03:04:05.678000001Z`.
  public static let writtenCount = 30

  /// The form this product writes: RFC 3339, UTC, exactly nine fraction digits. Byte order is time order.
  /// Digits beyond the ninth are cut.
  public var written: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Instant.writtenCount)
    write(into: &bytes)
    return bytes
  }

  /// ``written`` as a `String`.
  public var description: String { String(decoding: written, as: UTF8.self) }

  /// Appends ``written``.
  public func write(into bytes: inout [UInt8]) {
    let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    let secondOfDay = seconds - day * 86_400
    let (year, month, dayOfMonth) = Instant.civil(fromDay: day)
    func append(_ value: Int64, digits: Int) {
      var power: Int64 = 1
      for _ in 1..<digits { power *= 10 }
      var rest = value
      while power > 0 {
        bytes.append(UInt8(0x30 + rest / power))
        rest %= power
        power /= 10
      }
    }
    append(year, digits: 4)
    bytes.append(0x2D)
    append(month, digits: 2)
    bytes.append(0x2D)
    append(dayOfMonth, digits: 2)
    bytes.append(0x54)
    append(secondOfDay / 3600, digits: 2)
    bytes.append(0x3A)
    append(secondOfDay / 60 % 60, digits: 2)
    bytes.append(0x3A)
    append(secondOfDay % 60, digits: 2)
    bytes.append(0x2E)
    append(Int64(attoseconds / 1_000_000_000), digits: 9)
    bytes.append(0x5A)
  }

  /// Reads any RFC 3339 form, and the looser ones found in the wild: `T`, `t` or a space between date and time;
  /// `Z`, an offset (with or without colon) or nothing, which means UTC; any number of fraction digits; a date alone
  /// is its midnight. Second 60 (a leap second) is the second after 59.
  ///
  /// `nil` for anything else, and for what lies outside the years 0000 to 9999 once it is moved to UTC.
  public init?(rfc3339 text: some StringProtocol) {
    self.init(rfc3339: Array(text.utf8))
  }

  /// The same from bytes.
  public init?(rfc3339 bytes: [UInt8]) {
    self.init(rfc3339: bytes.span.bytes, in: 0..<bytes.count)
  }

  /// The same from a part of a buffer, without copying.
  public init?(rfc3339 bytes: RawSpan, in range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.byteCount, "a range outside the buffer")
    if range.count == Instant.writtenCount, let instant = Instant(written: bytes, at: range.lowerBound) {
      self = instant
      return
    }
    var offset = range.lowerBound
    let end = range.upperBound

    func byte(_ position: Int) -> UInt8 {
      position < end ? bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self) : 0
    }
    func digits(_ count: Int) -> Int64? {
      guard offset + count <= end else { return nil }
      var value: Int64 = 0
      for position in offset..<(offset + count) {
        let digit = byte(position) &- 0x30
        guard digit < 10 else { return nil }
        value = value * 10 + Int64(digit)
      }
      offset += count
      return value
    }
    func skip(_ expected: UInt8) -> Bool {
      guard offset < end, byte(offset) == expected else { return false }
      offset += 1
      return true
    }

    guard let year = digits(4), skip(0x2D), let month = digits(2), skip(0x2D), let day = digits(2),
      (1...12).contains(month), day >= 1, day <= Instant.days(inMonth: month, year: year)
    else { return nil }
    var seconds = Instant.day(year: year, month: month, day: day) * 86_400
    var fraction: UInt64 = 0

    if offset < end {
      guard skip(0x54) || skip(0x74) || skip(0x20), let hour = digits(2), skip(0x3A),
        let minute = digits(2), skip(0x3A), let second = digits(2), hour < 24, minute < 60, second <= 60
      else { return nil }
      seconds += hour * 3600 + minute * 60 + second
      if skip(0x2E) || skip(0x2C) {
        var scale: UInt64 = Instant.attosecondsPerSecond
        let first = offset
        while offset < end, byte(offset) &- 0x30 < 10 {
          scale /= 10
          fraction += scale * UInt64(byte(offset) &- 0x30)
          offset += 1
        }
        guard offset > first else { return nil }
      }
      if offset < end, !(skip(0x5A) || skip(0x7A)) {
        let sign: Int64
        if skip(0x2B) { sign = 1 } else if skip(0x2D) { sign = -1 } else { return nil }
        guard let hours = digits(2) else { return nil }
        let hasColon = skip(0x3A)
        var minutes: Int64 = 0
        if hasColon || offset < end {
          guard let written = digits(2) else { return nil }
          minutes = written
        }
        guard hours < 24, minutes < 60 else { return nil }
        seconds -= sign * (hours * 3600 + minutes * 60)
      }
    }
    guard offset == end, seconds >= Instant.earliest.seconds, seconds <= Instant.latest.seconds else {
      return nil
    }
    self.init(seconds: seconds, attoseconds: fraction)
  }

  // Proleptic Gregorian calendar by day numbers (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").

  static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  static func civil(fromDay number: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = number + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  static func days(inMonth month: Int64, year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

extension Instant: CustomStringConvertible {}
