import CRDT

extension IngestBase {
  /// The version of the form below. 1 had digests of bytes, which tell nothing of what content means.
  private static let formatVersion = "2"

  /// The form it is kept in: JSON Lines, first a header with the digest of the rest, then one item a line.
  /// - Complexity: O(n)
  public func serialized() -> [UInt8] {
    var body: [UInt8] = []
    body.reserveCapacity(items.count * 320)
    for item in items {
      body += Array(#"{"id":"#.utf8)
      JSONText.append(string: item.id.bytes, to: &body)
      body += Array(#","unique_id":"#.utf8)
      JSONText.append(string: item.uniqueID.bytes, to: &body)
      body += Array(#","meaning_sha256":"\#(item.contentDigest)","version":\#(item.version),"host":"#.utf8)
      JSONText.append(string: item.stamp.host.bytes, to: &body)
      body += Array(#","timestamp":""#.utf8)
      item.stamp.instant.write(into: &body)
      body += Array(#"","known":"#.utf8)
      IngestBase.append(item.known, to: &body)
      if !item.others.isEmpty {
        body += Array(#","others":{"#.utf8)
        for (index, (uniqueID, vector)) in item.others.sorted(by: { $0.key < $1.key }).enumerated() {
          if index > 0 { body.append(0x2C) }
          JSONText.append(string: uniqueID.bytes, to: &body)
          body.append(0x3A)
          IngestBase.append(vector, to: &body)
        }
        body.append(0x7D)
      }
      if item.isVanished { body += Array(#","vanished":true"#.utf8) }
      body += [0x7D, 0x0A]
    }
    var output = Array(#"{"ingest_base":\#(IngestBase.formatVersion),"file":"#.utf8)
    JSONText.append(string: Array(fileDigest.utf8), to: &output)
    output += Array(
      #","format":"\#(format.rawValue)","items":\#(items.count),"sha256":"\#(EntryIdentity.hexDigest(of: body))"}"#.utf8
    )
    output.append(0x0A)
    return output + body
  }

  private static func append(_ vector: KnownStamps, to output: inout [UInt8]) {
    output.append(0x7B)
    for (index, (host, instant)) in vector.newest.sorted(by: { $0.key < $1.key }).enumerated() {
      if index > 0 { output.append(0x2C) }
      JSONText.append(string: host.bytes, to: &output)
      output += [0x3A, 0x22]
      instant.write(into: &output)
      output.append(0x22)
    }
    output.append(0x7D)
  }

  /// Reads ``serialized()`` back. `nil` for a base that is damaged in any bit, or of a later version: it is to be
  /// treated as lost, and the next ingest rebuilds it.
  /// - Complexity: O(n)
  public static func parse(_ bytes: [UInt8]) -> IngestBase? {
    let span = bytes.span.bytes
    var reader = LineReader()
    guard let headerLine = reader.next(span), let header = Record(line: headerLine, in: span),
      header.raw("ingest_base") == Array(formatVersion.utf8),
      let fileDigest = header.text("file"), let formatName = header.text("format"),
      let format = MemoryFormat(rawValue: String(decoding: formatName, as: UTF8.self)),
      let digest = header.text("sha256"), let countText = header.raw("items"),
      let count = Int(String(decoding: countText, as: UTF8.self)), headerLine.range.upperBound < bytes.count,
      Array(EntryIdentity.hexDigest(of: Array(bytes[(headerLine.range.upperBound + 1)...])).utf8) == digest
    else { return nil }
    var items: [Item] = []
    while let line = reader.next(span) {
      guard let item = Record(line: line, in: span)?.item else { return nil }
      items.append(item)
    }
    guard items.count == count else { return nil }
    return IngestBase(fileDigest: String(decoding: fileDigest, as: UTF8.self), format: format, items: items)
  }

  /// One line, its members by name.
  private struct Record {
    private let line: [UInt8]
    private let members: [JSONMember]

    init?(line: LineReader.Line, in bytes: RawSpan) {
      let copy = JSONText.slice(bytes, line.range)
      guard let members = try? LineReader.members(of: copy.span.bytes) else { return nil }
      self.line = copy
      self.members = members
    }

    func raw(_ name: StaticString) -> [UInt8]? { members.only(name, line.span.bytes).map { Array(line[$0.value]) } }

    func text(_ name: StaticString) -> [UInt8]? {
      members.only(name, line.span.bytes).flatMap { JSONObject.string($0.value, line.span.bytes) }
    }

    var item: Item? {
      guard let id = text("id"), let uniqueID = text("unique_id"),
        let digest = text("meaning_sha256").flatMap(ContentDigest.init(hex:)),
        let version = raw("version").flatMap({ UInt64(String(decoding: $0, as: UTF8.self)) }),
        let host = text("host"), let instant = text("timestamp").flatMap({ Instant(rfc3339: $0) }),
        let known = members.only("known", line.span.bytes).flatMap({ vector($0.value) })
      else { return nil }
      var others: [ByteString: KnownStamps] = [:]
      if let member = members.only("others", line.span.bytes) {
        guard let parsed = try? JSONObject.members(at: member.value.lowerBound, line.span.bytes) else { return nil }
        for other in parsed.members {
          guard let vector = vector(other.value) else { return nil }
          others[ByteString(bytes: JSONText.decode(other.name, line.span.bytes))] = vector
        }
      }
      return Item(
        id: ByteString(bytes: id), uniqueID: ByteString(bytes: uniqueID), contentDigest: digest, version: version,
        stamp: Stamp(instant: instant, host: ByteString(bytes: host)), known: known, others: others,
        isVanished: raw("vanished") == Array("true".utf8))
    }

    private func vector(_ range: Range<Int>) -> KnownStamps? {
      let span = line.span.bytes
      guard let parsed = try? JSONObject.members(at: range.lowerBound, span) else { return nil }
      var vector = KnownStamps()
      for member in parsed.members {
        guard let instant = JSONObject.string(member.value, span).flatMap({ Instant(rfc3339: $0) }) else { return nil }
        vector.insert(Stamp(instant: instant, host: ByteString(bytes: JSONText.decode(member.name, span))))
      }
      return vector
    }
  }
}
