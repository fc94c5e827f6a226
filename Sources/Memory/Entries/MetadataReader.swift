import CRDT

/// Where the parts of a `_crdt_metadata` object stand in a buffer, and the parts that fit a register.
package struct MetadataFields {
  package var host = JSONStringToken(range: 0..<0, hasEscapes: false)
  package var uniqueID = JSONStringToken(range: 0..<0, hasEscapes: false)
  package var kind: JSONStringToken?
  package var source: JSONStringToken?
  package var seen: Range<Int>?
  package var instant = Instant.epoch
  package var version: UInt64 = 0
  package var isDeleted = false
}

/// Reads the metadata object of an entry while the scanner passes over it.
package enum MetadataReader {
  /// Reads the object at the scanner's offset; leaves the scanner behind it.
  /// - Parameter depth: arrays and objects open around it.
  package static func read(_ scanner: inout JSONScanner, _ bytes: RawSpan, depth: Int)
    throws(ScanFailure) -> MetadataFields
  {
    var fields = MetadataFields()
    var present = 0
    let start = scanner.offset
    guard scanner.peek(bytes) == 0x7B else { throw refused(start, "_crdt_metadata is not an object") }
    scanner.offset += 1
    scanner.skipWhitespace(bytes)
    if scanner.peek(bytes) != 0x7D {
      while true {
        if present == 0, try readUsualMembers(&scanner, bytes, &fields) {
          present = 15
        } else {
          try readMember(&scanner, bytes, depth: depth + 1, &fields, &present)
        }
        scanner.skipWhitespace(bytes)
        if scanner.peek(bytes) == 0x7D { break }
        try scanner.expect(0x2C, bytes, "a comma or } was expected")
        scanner.skipWhitespace(bytes)
      }
    }
    scanner.offset += 1
    guard present & 1 != 0 else { throw refused(start, "_crdt_metadata lacks host") }
    guard present & 2 != 0 else { throw refused(start, "_crdt_metadata lacks timestamp") }
    guard present & 4 != 0 else { throw refused(start, "_crdt_metadata lacks version") }
    guard present & 8 != 0 else { throw refused(start, "_crdt_metadata lacks unique_id") }
    return fields
  }

  /// Reads host, timestamp, version and unique_id where they stand first, in this order and without white space, as
  /// this product writes them. Otherwise returns false, with the scanner and the fields as they were.
  @inline(__always)
  private static func readUsualMembers(
    _ scanner: inout JSONScanner, _ bytes: RawSpan, _ fields: inout MetadataFields
  ) throws(ScanFailure) -> Bool {
    var usual = scanner
    guard usual.skipExactly(#""host":""#, bytes) else { return false }
    usual.offset -= 1
    let host = try usual.skipString(bytes)
    guard usual.skipExactly(#","timestamp":"#, bytes) else { return false }
    let stamp = usual.offset + 1..<usual.offset + 1 + Instant.writtenCount
    guard stamp.upperBound < bytes.byteCount, usual.peek(bytes) == 0x22,
      JSONScanner.byte(bytes, stamp.upperBound) == 0x22, let instant = Instant(rfc3339: bytes, in: stamp)
    else { return false }
    usual.offset = stamp.upperBound + 1
    guard usual.skipExactly(#","version":"#, bytes) else { return false }
    let digits = usual.offset
    var version: UInt64 = 0
    while usual.peek(bytes) &- 0x30 < 10, usual.offset < digits + 18 {
      version = version * 10 + UInt64(usual.peek(bytes) &- 0x30)
      usual.offset += 1
    }
    // A leading zero is no number, and none at all no version: the general way says so.
    guard usual.offset == digits + 1 || usual.offset > digits && JSONScanner.byte(bytes, digits) != 0x30,
      usual.skipExactly(#","unique_id":"#, bytes), usual.peek(bytes) == 0x22
    else { return false }
    let uniqueID = try usual.skipString(bytes)
    guard !host.range.isEmpty, !uniqueID.range.isEmpty else { return false }
    scanner = usual
    fields.host = host
    fields.instant = instant
    fields.version = version
    fields.uniqueID = uniqueID
    return true
  }

  @inline(__always)
  private static func readMember(
    _ scanner: inout JSONScanner, _ bytes: RawSpan, depth: Int, _ fields: inout MetadataFields,
    _ present: inout Int
  ) throws(ScanFailure) {
    let name = try scanner.skipName(bytes)
    let start = scanner.offset
    let member = Member(name, bytes)
    if member != .other {
      guard present & member.rawValue == 0 else {
        throw refused(name.range.lowerBound - 1, "a member of _crdt_metadata is there twice")
      }
      present |= member.rawValue
    }
    switch member {
    case .host:
      fields.host = try text(&scanner, bytes, "host is not a string with text")
    case .uniqueID:
      fields.uniqueID = try text(&scanner, bytes, "unique_id is not a string with text")
    case .kind:
      fields.kind = try text(&scanner, bytes, "kind is not a string with text")
    case .source:
      fields.source = try text(&scanner, bytes, "source is not a string with text")
    case .timestamp:
      let token = try text(&scanner, bytes, "timestamp is not a string with text")
      let instant =
        token.hasEscapes
        ? Instant(rfc3339: JSONText.decode(token, bytes)) : Instant(rfc3339: bytes, in: token.range)
      guard let instant else { throw refused(start, "timestamp is not an RFC 3339 time") }
      fields.instant = instant
    case .version:
      var version: UInt64 = 0
      try scanner.skipValue(bytes, depth: depth)
      for position in start..<scanner.offset {
        let digit = UInt64(JSONScanner.byte(bytes, position) &- 0x30)
        let (product, overflow) = version.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(digit)
        guard digit < 10, !overflow, !carry else { throw refused(start, "version is not a whole number") }
        version = sum
      }
      fields.version = version
    case .deleted:
      try scanner.skipValue(bytes, depth: depth)
      switch JSONScanner.byte(bytes, start) {
      case 0x74: fields.isDeleted = true
      case 0x66: fields.isDeleted = false
      default: throw refused(start, "deleted is neither true nor false")
      }
    case .seen:
      try scanner.skipValue(bytes, depth: depth)
      guard JSONScanner.byte(bytes, start) == 0x7B else { throw refused(start, "seen is not an object") }
      fields.seen = start..<scanner.offset
    case .other:
      try scanner.skipValue(bytes, depth: depth)
    }
  }

  @inline(__always)
  private static func text(_ scanner: inout JSONScanner, _ bytes: RawSpan, _ reason: StaticReason)
    throws(ScanFailure) -> JSONStringToken
  {
    let start = scanner.offset
    guard scanner.peek(bytes) == 0x22 else { throw refused(start, reason) }
    let token = try scanner.skipString(bytes)
    guard !token.range.isEmpty else { throw refused(start, reason) }
    return token
  }

  private static func refused(_ offset: Int, _ reason: StaticReason) -> ScanFailure {
    ScanFailure(offset, reason, code: .invalidMetadata)
  }

  /// The members this version knows; each is one bit.
  private enum Member: Int {
    case other = 0
    case host = 1
    case timestamp = 2
    case version = 4
    case uniqueID = 8
    case deleted = 16
    case kind = 32
    case seen = 64
    case source = 128

    @inline(__always)
    init(_ name: JSONStringToken, _ bytes: RawSpan) {
      if name.hasEscapes {
        self = Member.named(JSONText.decode(name, bytes))
        return
      }
      let start = name.range.lowerBound
      func matches(_ text: StaticString) -> Bool {
        for index in 0..<text.utf8CodeUnitCount
        where JSONScanner.byte(bytes, start + index) != text.utf8Start[index] { return false }
        return true
      }
      switch name.range.count {
      case 4: self = matches("host") ? .host : matches("kind") ? .kind : matches("seen") ? .seen : .other
      case 6: self = matches("source") ? .source : .other
      case 7: self = matches("version") ? .version : matches("deleted") ? .deleted : .other
      case 9: self = matches("timestamp") ? .timestamp : matches("unique_id") ? .uniqueID : .other
      default: self = .other
      }
    }

    private static func named(_ name: [UInt8]) -> Member {
      switch ByteString(bytes: name) {
      case "host": .host
      case "timestamp": .timestamp
      case "version": .version
      case "unique_id": .uniqueID
      case "deleted": .deleted
      case "kind": .kind
      case "seen": .seen
      case "source": .source
      default: .other
      }
    }
  }

  /// The `seen` map. Values that are no times are left out: they say nothing.
  package static func seen(_ range: Range<Int>, _ bytes: RawSpan) -> [ByteString: Instant] {
    guard let parsed = try? JSONObject.members(at: range.lowerBound, bytes) else { return [:] }
    var seen: [ByteString: Instant] = [:]
    for member in parsed.members {
      guard let text = JSONObject.string(member.value, bytes), let instant = Instant(rfc3339: text) else {
        continue
      }
      let host = ByteString(bytes: JSONText.decode(member.name, bytes))
      seen[host] = max(seen[host] ?? instant, instant)
    }
    return seen
  }

  /// The members of the object that this version does not know, as written and joined by commas.
  package static func unknownMembers(of object: Range<Int>, _ bytes: RawSpan) -> [UInt8] {
    guard let parsed = try? JSONObject.members(at: object.lowerBound, bytes) else { return [] }
    var unknown: [UInt8] = []
    for member in parsed.members where Member(member.name, bytes) == .other {
      if !unknown.isEmpty { unknown.append(0x2C) }
      JSONText.appendCompact(bytes, member.whole, to: &unknown)
    }
    return unknown
  }
}
