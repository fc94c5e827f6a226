import CRDT

extension EntryTable {
  /// A state's bytes: a JSON array, one entry a line, a newline at the end; `[]` and a newline for none.
  /// - Parameter indices: entries in the order they are to be written, as ``join()`` returns them.
  public func write(_ indices: [Int]) -> [UInt8] {
    if indices.isEmpty { return Array("[]\n".utf8) }
    var total = 4
    for index in indices { total += range(index).count + 2 }
    var output: [UInt8] = []
    output.reserveCapacity(total)
    output += [0x5B, 0x0A]
    var isFirst = true
    for index in indices {
      if !isFirst { output += [0x2C, 0x0A] }
      isFirst = false
      output += buffer(index, .entryInArena)[range(index)]
    }
    output += [0x0A, 0x5D, 0x0A]
    return output
  }

  /// One entry with bytes of its own.
  public func entry(_ index: Int) -> Entry {
    let bytes = Array(buffer(index, .entryInArena)[range(index)])
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
  public func uniqueID(_ index: Int) -> ByteString { ByteString(buffer(index, .keyInArena)[key(index)]) }

  /// When and where the entry was written.
  public func stamp(_ index: Int) -> Stamp {
    Stamp(instant: records[index].instant, host: ByteString(buffer(index, .hostInArena)[host(index)]))
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
        seen: fields.seen.map { MetadataReader.seen($0, bytes) } ?? [:],
        unknownMembers: MetadataReader.unknownMembers(of: member.value, bytes)),
      metadataMember: member.whole)
  }
}
