import CRDT

/// All entries of some files, as slices of those files: what the merge, the view and the conflicts are computed from.
///
/// Reading validates every byte. Only what the join compares is looked at; user members are never decoded. An entry
/// that is not yet in its canonical form (white space outside strings, no metadata) is rewritten once, into ``arena``.
/// - Complexity: reading is one pass, 64 bytes of memory an entry beside the files.
public struct EntryTable: Sendable {
  /// The files, in the order they were added.
  public private(set) var sources: [Source] = []
  /// Bytes made here: canonical forms of entries that were not, and decoded keys.
  private(set) var arena: [UInt8] = []
  private(set) var records: [EntryRecord] = []
  /// Differs a process, so that no file can be built to collide.
  private let hashSeed = UInt64(truncatingIfNeeded: Hasher().finalize())

  /// The largest file read, in bytes.
  public static let maximumSourceBytes = Int(UInt32.max) - 1

  public init() {}

  public init(_ sources: [Source]) throws(MemoryError) {
    for source in sources { try add(source) }
  }

  /// Entries read so far, all versions counted.
  public var count: Int { records.count }

  /// Reads one more file.
  ///
  /// Throws ``MemoryError`` with file, line and column when it is not a JSON array of objects with sound metadata; the
  /// table is then as it was before.
  public mutating func add(_ source: Source) throws(MemoryError) {
    guard source.bytes.count <= EntryTable.maximumSourceBytes else {
      throw MemoryError(.tooLarge, source: source.name, reason: "larger than 4 GiB")
    }
    let recordCount = records.count
    let arenaCount = arena.count
    // At least doubled, or many small files would copy all records each time.
    let expected = records.count + source.bytes.count / 380
    if expected > records.capacity { records.reserveCapacity(max(expected, 2 * records.capacity)) }
    sources.append(source)
    do {
      try scan(source, index: UInt32(sources.count - 1))
    } catch {
      records.removeSubrange(recordCount...)
      arena.removeSubrange(arenaCount...)
      sources.removeLast()
      throw error.located(source: source.name, in: source.bytes.span.bytes)
    }
  }

  private mutating func scan(_ source: Source, index: UInt32) throws(ScanFailure) {
    let bytes = source.bytes.span.bytes
    var scanner = JSONScanner()
    scanner.skipWhitespace(bytes)
    if scanner.isAtEnd(bytes) {
      throw ScanFailure(0, "empty; a state with no entries is written []", code: .empty)
    }
    guard scanner.peek(bytes) == 0x5B else {
      let found = scanner.failure(bytes, "not an array of entries")
      throw ScanFailure(found.offset, found.reason, code: .invalidState)
    }
    scanner.offset += 1
    scanner.skipWhitespace(bytes)
    if scanner.peek(bytes) == 0x5D {
      scanner.offset += 1
    } else {
      while true {
        try scanEntry(&scanner, bytes, source: index, host: source.host)
        scanner.skipWhitespace(bytes)
        if scanner.peek(bytes) == 0x5D {
          scanner.offset += 1
          break
        }
        try scanner.expect(0x2C, bytes, "a comma or ] was expected")
        scanner.skipWhitespace(bytes)
      }
    }
    scanner.skipWhitespace(bytes)
    guard scanner.isAtEnd(bytes) else { throw scanner.failure(bytes, "text after the end of the array") }
  }

  @inline(__always)
  private mutating func scanEntry(
    _ scanner: inout JSONScanner, _ bytes: RawSpan, source: UInt32, host: HostName
  ) throws(ScanFailure) {
    let start = scanner.offset
    scanner.sawWhitespace = false
    let fields = try EntryTable.scanMembers(&scanner, bytes)
    if let fields, !scanner.sawWhitespace {
      append(fields, bytes, range: start..<scanner.offset, source: source, arenaOffset: nil)
    } else {
      try appendRewritten(bytes, start..<scanner.offset, hasMetadata: fields != nil, source: source, host: host)
    }
  }

  /// Moves over one entry object; `nil` when it holds no metadata.
  @inline(__always)
  private static func scanMembers(_ scanner: inout JSONScanner, _ bytes: RawSpan) throws(ScanFailure)
    -> MetadataFields?
  {
    guard scanner.peek(bytes) == 0x7B else {
      let found = scanner.failure(bytes, "an entry must be an object")
      throw ScanFailure(found.offset, found.reason, code: .invalidState)
    }
    var fields: MetadataFields?
    scanner.offset += 1
    scanner.skipWhitespace(bytes)
    if scanner.peek(bytes) == 0x7D {
      scanner.offset += 1
      return nil
    }
    while true {
      let name = try scanner.skipName(bytes)
      if isMetadataName(name, bytes) {
        guard fields == nil else {
          throw ScanFailure(
            name.range.lowerBound - 1, "_crdt_metadata is there twice in one entry", code: .invalidMetadata)
        }
        fields = try MetadataReader.read(&scanner, bytes, depth: 2)
      } else if scanner.peek(bytes) == 0x22 {
        _ = try scanner.skipString(bytes)
      } else {
        try scanner.skipValue(bytes, depth: 2)
      }
      scanner.skipWhitespace(bytes)
      let next = scanner.peek(bytes)
      if next == 0x7D {
        scanner.offset += 1
        return fields
      }
      try scanner.expect(0x2C, bytes, "a comma or } was expected")
      scanner.skipWhitespace(bytes)
    }
  }

  @inline(__always)
  package static func isMetadataName(_ name: JSONStringToken, _ bytes: RawSpan) -> Bool {
    if name.hasEscapes { return JSONText.decode(name, bytes) == Metadata.memberName.bytes }
    guard name.range.count == 14 else { return false }
    // "_crdt_me" and "metadata", the first and last eight bytes.
    let start = name.range.lowerBound
    let first = bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self)
    let last = bytes.unsafeLoadUnaligned(fromByteOffset: start + 6, as: UInt64.self)
    return UInt64(littleEndian: first) == 0x656D_5F74_6472_635F
      && UInt64(littleEndian: last) == 0x6174_6164_6174_656D
  }

  /// Puts the canonical form of an entry into the arena and reads it from there.
  @inline(never)
  private mutating func appendRewritten(
    _ bytes: RawSpan, _ range: Range<Int>, hasMetadata: Bool, source: UInt32, host: HostName
  ) throws(ScanFailure) {
    var compact: [UInt8] = []
    JSONText.appendCompact(bytes, range, to: &compact)
    if !hasMetadata {
      let members = try JSONObject.members(at: 0, compact.span.bytes).members
      compact = LegacyMetadata.entry(compact, members: members, host: host).bytes
    }
    let start = arena.count
    guard start + compact.count <= EntryTable.maximumSourceBytes else {
      throw ScanFailure(range.lowerBound, "more than 4 GiB of entries to rewrite", code: .tooLarge)
    }
    arena += compact
    let canonical = compact.span.bytes
    var scanner = JSONScanner()
    guard let fields = try EntryTable.scanMembers(&scanner, canonical) else {
      preconditionFailure("a rewritten entry has metadata")
    }
    append(fields, canonical, range: 0..<compact.count, source: source, arenaOffset: start)
  }

  @inline(__always)
  private mutating func append(
    _ fields: MetadataFields, _ bytes: RawSpan, range: Range<Int>, source: UInt32, arenaOffset: Int?
  ) {
    let base = arenaOffset ?? 0
    func at(_ offset: Int) -> UInt32 { UInt32(base + offset) }
    var record = EntryRecord(
      source: source, start: at(range.lowerBound), end: at(range.upperBound),
      keyStart: at(fields.uniqueID.range.lowerBound), keyEnd: at(fields.uniqueID.range.upperBound),
      hostStart: at(fields.host.range.lowerBound), hostEnd: at(fields.host.range.upperBound),
      instant: fields.instant, version: fields.version)
    if arenaOffset != nil { record.flags.insert([.entryInArena, .keyInArena, .hostInArena]) }
    if fields.isDeleted { record.flags.insert(.deleted) }
    if fields.kind != nil { record.flags.insert(.hasKind) }
    if fields.source != nil { record.flags.insert(.hasSource) }
    if fields.uniqueID.hasEscapes {
      let key = JSONText.decode(fields.uniqueID, bytes)
      record.keyStart = UInt32(arena.count)
      arena += key
      record.keyEnd = UInt32(arena.count)
      record.flags.insert(.keyInArena)
      record.keyHash = KeyHash.of(key.span.bytes, 0..<key.count, seed: hashSeed)
    } else {
      record.keyHash = KeyHash.of(bytes, fields.uniqueID.range, seed: hashSeed)
    }
    if fields.host.hasEscapes {
      let host = JSONText.decode(fields.host, bytes)
      record.hostStart = UInt32(arena.count)
      arena += host
      record.hostEnd = UInt32(arena.count)
      record.flags.insert(.hostInArena)
    }
    records.append(record)
  }
}
