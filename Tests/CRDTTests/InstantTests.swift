import Testing

@testable import CRDT

/// Reading and writing moments.
struct InstantTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000000Z"),
    ("2026-01-02T03:04:05.678000001Z", "2026-01-02T03:04:05.678000001Z"),
    ("2026-01-02t03:04:05z", "2026-01-02T03:04:05.000000000Z"),
    ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000000000Z"),
    ("2026-01-02T03:04:05", "2026-01-02T03:04:05.000000000Z"),
    ("2026-01-02T03:04:05.5", "2026-01-02T03:04:05.500000000Z"),
    ("2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05.500000000Z"),
    ("2026-01-02T03:04:05.123456", "2026-01-02T03:04:05.123456000Z"),
    ("2026-01-02T03:04:05.1234567899999Z", "2026-01-02T03:04:05.123456789Z"),
    ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05.000000000Z"),
    ("2026-01-02T03:04:05-0530", "2026-01-02T08:34:05.000000000Z"),
    ("2026-01-02T03:04:05-05", "2026-01-02T08:04:05.000000000Z"),
    ("2026-01-02T00:30:00+01:00", "2026-01-01T23:30:00.000000000Z"),
    ("2026-01-02", "2026-01-02T00:00:00.000000000Z"),
    ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000000Z"),
    ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000000Z"),
    ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000000Z"),
    ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000000Z"),
    ("0000-03-01T00:00:00.000000000Z", "0000-03-01T00:00:00.000000000Z"),
    ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"),
    ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
  ])
  func `reads`(text: String, written: String) {
    #expect(Instant(rfc3339: text)?.description == written)
  }

  @Test(arguments: [
    "", "2026", "2026-01", "2026-1-2", "26-01-02", "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32",
    "2026-02-29", "1900-02-29", "2026-04-31", "2026-01-02T", "2026-01-02T3:04:05Z", "2026-01-02T24:00:00Z",
    "2026-01-02T03:60:00Z", "2026-01-02T03:04:61Z", "2026-01-02T03:04Z", "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05.",
    "2026-01-02T03:04:05X", "2026-01-02T03:04:05Z ", " 2026-01-02T03:04:05Z", "2026-01-02T03:04:05+", "2026-01-02Z",
    "2026-01-02T03:04:05+1", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+01:60", "2026-01-02T03:04:05+01:",
    "2026-01-02T03:04:05+01:00Z", "+2026-01-02", "-001-01-02", "1767225600", "2026/01/02", "２026-01-02",
    "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z",
    // Thirty bytes that are nearly the written form.
    "2026-01-02T03:04:05.67800000:Z", "2026-01-02T03:04:05.67800000/Z", "2026-01-02T03:04:05.678000001X",
    "2026-02-29T03:04:05.678000001Z", "2026-01-02T24:04:05.678000001Z", "2026:01-02T03:04:05.678000001Z",
    "2026-01-02T03:60:05.678000001Z", "202a-01-02T03:04:05.678000001Z",
  ])
  func `refuses`(text: String) {
    #expect(Instant(rfc3339: text) == nil)
  }

  @Test func `the fast form reads what the general one reads`() {
    // The general reader never sees thirty bytes with nine digits and Z; a comma instead of the point sends them there.
    for text in [
      "2026-01-02T03:04:05.678000001Z", "0000-01-01T00:00:00.000000000Z", "9999-12-31T23:59:59.999999999Z",
      "1970-01-01T00:00:00.000000001Z", "2000-02-29T12:34:56.987654321Z", "2016-12-31T23:59:60.123456789Z",
    ] {
      #expect(Instant(rfc3339: text) == Instant(rfc3339: text.replacing(".", with: ",")))
      #expect(Instant(rfc3339: text) != nil)
    }
  }

  @Test func `reads a slice of a buffer, up to its very end`() {
    let bytes = Array("xx2026-01-02T03:04:05.678000001Z".utf8)
    #expect(Instant(rfc3339: bytes.span.bytes, in: 2..<32)?.description == "2026-01-02T03:04:05.678000001Z")
    #expect(Instant(rfc3339: bytes.span.bytes, in: 2..<12)?.description == "2026-01-02T00:00:00.000000000Z")
  }

  @Test func `digits beyond the ninth count in comparisons`() throws {
    let less = try #require(Instant(rfc3339: "2026-01-01T00:00:00.0000000001Z"))
    let more = try #require(Instant(rfc3339: "2026-01-01T00:00:00.0000000002Z"))
    #expect(less < more && less.description == more.description)
    #expect(less.roundedUpToNanoseconds.description == "2026-01-01T00:00:00.000000001Z")
  }

  @Test func `every day of four centuries is written as it is read`() {
    var year = 1899
    var month = 1
    var day = 1
    for number in stride(from: Instant.day(year: 1899, month: 1, day: 1), through: 72_000, by: 1) {
      let civil = Instant.civil(fromDay: number)
      #expect(civil.year == Int64(year) && civil.month == Int64(month) && civil.day == Int64(day))
      day += 1
      if Int64(day) > Instant.days(inMonth: Int64(month), year: Int64(year)) {
        day = 1
        month += 1
      }
      if month > 12 {
        month = 1
        year += 1
      }
    }
  }

  @Test func `moves and differences stay within what can be written`() {
    #expect(Instant.latest.advanced(bySeconds: 1) == .latest)
    #expect(Instant.earliest.advanced(bySeconds: -1) == .earliest)
    #expect(Instant.epoch.advanced(bySeconds: .max) == .latest)
    #expect(Instant.epoch.advanced(bySeconds: .min) == .earliest)
    #expect(Instant.latest.nextTick == .latest)
    #expect(Instant(unixSeconds: 1, nanoseconds: 999_999_999).nextTick == Instant(unixSeconds: 2))
    #expect(Instant(unixSeconds: 5).seconds(since: Instant(unixSeconds: 3, nanoseconds: 1)) == 1)
    #expect(Instant(unixSeconds: 3).seconds(since: Instant(unixSeconds: 5)) == -2)
  }
}
