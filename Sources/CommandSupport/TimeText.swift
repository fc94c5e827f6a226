import CRDT
import Git
import Replication

/// Times as people read and write them.
package enum TimeText {
  /// `2026-01-02 03:04:05Z`.
  package static func short(_ instant: Instant) -> String {
    let text = instant.description
    return text.prefix(10) + " " + text.dropFirst(11).prefix(8) + "Z"
  }

  /// `3 days`, `2 hours`: the largest unit, rounded down.
  package static func length(seconds: Int64) -> String {
    for (unit, length) in [("day", 86_400), ("hour", 3600), ("minute", 60)] as [(String, Int64)]
    where abs(seconds) >= length {
      let count = abs(seconds) / length
      return "\(count) \(unit)\(count == 1 ? "" : "s")"
    }
    return "\(abs(seconds)) s"
  }

  /// `3 days ago`, or `in 3 days` for what is ahead.
  package static func ago(_ instant: Instant, now: Instant) -> String {
    let seconds = now.seconds(since: instant)
    return seconds < 0 ? "in \(length(seconds: seconds))" : "\(length(seconds: seconds)) ago"
  }

  /// A point in time given on the command line: RFC 3339, or a length of time such as `2h` or `3d` before now.
  package static func parse(_ text: String, now: Instant) throws -> Instant {
    if let instant = Instant(rfc3339: text) { return instant }
    if text.last.map({ "smhd".contains($0) }) == true, let seconds = lengthSeconds(text) {
      return now.advanced(bySeconds: -seconds)
    }
    throw ReplicationError(
      .usage, "\"\(text)\" is no time",
      remedy: "Write 2026-01-31, 2026-01-31T12:00:00Z, or a time ago such as 90m, 2h or 3d")
  }

  /// The seconds of a length of time such as `90s`, `2h` or `3d`; `nil` for anything else.
  package static func lengthSeconds(_ text: String) -> Int64? {
    let factors: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    guard let last = text.last, let factor = factors[last], let number = Int64(text.dropLast()), number >= 0,
      number < 1_000_000
    else { return nil }
    return number * factor
  }
}
