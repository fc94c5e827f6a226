import CRDT

/// One unit of memory with its metadata: a compact JSON object and what its `_crdt_metadata` says.
///
/// Owns its bytes. For work on single entries; the bulk merge uses slices of the files instead.
public struct Entry: Hashable, Sendable {
  /// The whole object without white space outside strings, metadata included, as it stands on a line of a host file.
  public let bytes: [UInt8]
  public let metadata: Metadata
  /// Where the `_crdt_metadata` member is in ``bytes``, from its name's quote to its value's end.
  private let metadataMember: Range<Int>

  public static func == (left: Entry, right: Entry) -> Bool { left.bytes == right.bytes }
  public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

  /// Puts metadata behind the members of a value.
  /// - Parameter content: a compact JSON object without a `_crdt_metadata` member; `{}` for a tombstone.
  public init(content: [UInt8], metadata: Metadata) {
    precondition(content.first == 0x7B && content.last == 0x7D, "an entry's content is an object")
    var bytes = content
    bytes.removeLast()
    if bytes.count > 1 { bytes.append(0x2C) }
    let start = bytes.count
    bytes += Array(#""_crdt_metadata":"#.utf8)
    bytes += metadata.written
    let end = bytes.count
    bytes.append(0x7D)
    self.bytes = bytes
    self.metadata = metadata
    self.metadataMember = start..<end
  }

  package init(bytes: [UInt8], metadata: Metadata, metadataMember: Range<Int>) {
    self.bytes = bytes
    self.metadata = metadata
    self.metadataMember = metadataMember
  }

  /// The same unique_id marked as gone.
  public static func tombstone(of metadata: Metadata) -> Entry {
    var metadata = metadata
    metadata.isDeleted = true
    return Entry(content: [0x7B, 0x7D], metadata: metadata)
  }

  /// The value alone: the object without its metadata, compact.
  public var content: [UInt8] {
    var before = metadataMember.lowerBound
    var after = metadataMember.upperBound
    if bytes[before - 1] == 0x2C { before -= 1 } else if bytes[after] == 0x2C { after += 1 }
    return Array(bytes[..<before]) + Array(bytes[after...])
  }

  /// The entry's own name: taken out of the unique_id; from another tool's key, the `id` member; else the key itself.
  public var id: ByteString {
    if let parsed = UniqueID(metadata.uniqueID) { return parsed.id }
    if let own = EntryIdentity.idMember(of: bytes) { return own }
    return metadata.uniqueID
  }

  /// What it goes by among all of a store's.
  public var key: EntryKey { EntryKey(source: metadata.source, id: id) }

  public var isLive: Bool { !metadata.isDeleted }

  /// The order of the join: instant, host, version, bytes.
  package static func isBelow(_ left: Entry, _ right: Entry) -> Bool {
    if left.metadata.stamp != right.metadata.stamp { return left.metadata.stamp < right.metadata.stamp }
    if left.metadata.version != right.metadata.version { return left.metadata.version < right.metadata.version }
    return left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}
