import CRDT

extension EntryTable {
  /// A state's bytes: a JSON array, one entry a line, a newline at the end; `[]` and a newline for none.
  /// - Parameter indices: entries in the order they are to be written, as ``join()`` returns them.
  public func write(_ indices: [Int]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(writtenCount(indices))
    write(indices) { (piece: RawSpan) in piece.withUnsafeBytes { output.append(contentsOf: $0) } }
    return output
  }

  /// How many bytes ``write(_:)`` returns.
  public func writtenCount(_ indices: [Int]) -> Int {
    if indices.isEmpty { return 3 }
    return indices.reduce(3) { $0 + records[$1].range.count + 2 }
  }

  /// Hands out the bytes of ``write(_:)`` in pieces, in order, through one buffer: for output larger than the cache.
  /// - Parameter consume: gets one piece after the other, each about 256 KiB.
  public func write<Failure: Error>(_ indices: [Int], to consume: (RawSpan) throws(Failure) -> Void) throws(Failure) {
    let pieceCount = 1 << 18
    var piece: [UInt8] = []
    piece.reserveCapacity(min(pieceCount, writtenCount(indices)))
    piece.append(0x5B)
    if !indices.isEmpty { piece.append(0x0A) }
    var isFirst = true
    for index in indices {
      let count = records[index].range.count
      if piece.count + count + 5 > pieceCount {
        try consume(piece.span.bytes)
        piece.removeAll(keepingCapacity: true)
      }
      if !isFirst {
        piece.append(0x2C)
        piece.append(0x0A)
      }
      isFirst = false
      withSlice(index, \.range, .entryInArena) { entry in
        entry.withUnsafeBytes { piece.append(contentsOf: $0) }
      }
    }
    if !indices.isEmpty { piece.append(0x0A) }
    piece.append(0x5D)
    piece.append(0x0A)
    try consume(piece.span.bytes)
  }

  /// One entry with bytes of its own.
  public func entry(_ index: Int) -> Entry {
    let bytes = withSlice(index, \.range, .entryInArena) { JSONText.slice($0, 0..<$0.byteCount) }
    let parsed = EntryReader.read(compact: bytes)
    guard let parsed else { preconditionFailure("a record is an entry that was read before") }
    return parsed
  }

  /// Entries of these indices, in their order.
  public func entries(_ indices: some Sequence<Int>) -> [Entry] { indices.map(entry) }

  /// Every entry read, losers included, in the order of the files.
  public var allEntries: [Entry] { entries(records.indices) }

  /// Which file an entry came from: an index into ``sources``.
  public func sourceIndex(_ index: Int) -> Int { Int(records[index].source) }

  /// The entry's unique_id, decoded.
  public func uniqueID(_ index: Int) -> ByteString {
    withSlice(index, \.key, .keyInArena) { ByteString(bytes: JSONText.slice($0, 0..<$0.byteCount)) }
  }

  /// When and where the entry was written.
  public func stamp(_ index: Int) -> Stamp {
    Stamp(
      instant: records[index].instant,
      host: withSlice(index, \.host, .hostInArena) { ByteString(bytes: JSONText.slice($0, 0..<$0.byteCount)) })
  }

  /// Whether the entry is a tombstone.
  public func isDeleted(_ index: Int) -> Bool { records[index].flags.contains(.deleted) }
}

/// Reads one canonical entry into an ``Entry``.
enum EntryReader {
  /// - Parameter compact: one object without white space outside strings, accepted by ``EntryTable`` before.
  static func read(compact: [UInt8]) -> Entry? {
    let bytes = compact.span.bytes
    guard let members = try? JSONObject.members(at: 0, bytes).members,
      let member = members.first(where: { EntryTable.isMetadataName($0.name, bytes) })
    else { return nil }
    var scanner = JSONScanner(offset: member.value.lowerBound)
    guard let fields = try? MetadataReader.read(&scanner, bytes, depth: 2) else { return nil }
    return Entry(
      bytes: compact,
      metadata: Metadata(
        stamp: Stamp(
          instant: fields.instant, host: ByteString(bytes: JSONText.decode(fields.host, bytes))),
        version: fields.version,
        uniqueID: ByteString(bytes: JSONText.decode(fields.uniqueID, bytes)),
        isDeleted: fields.isDeleted,
        kind: fields.kind.map { ByteString(bytes: JSONText.decode($0, bytes)) },
        source: fields.source.map { ByteString(bytes: JSONText.decode($0, bytes)) },
        seen: fields.seen.map { MetadataReader.seen($0, bytes) } ?? [:],
        unknownMembers: MetadataReader.unknownMembers(of: member.value, bytes)),
      metadataMember: member.whole)
  }
}
