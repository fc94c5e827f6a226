import CRDT

/// What `_crdt_metadata` says of an entry.
public struct Metadata: Hashable, Sendable {
  /// When and where this value was written.
  public var stamp: Stamp
  /// Edits of this unique_id so far, from 1; 0 where an older file had no metadata.
  public var version: UInt64
  /// The key of the CRDT, decoded.
  public var uniqueID: ByteString
  /// A tombstone: the entry is gone.
  public var isDeleted: Bool
  /// What is not plain memory, such as `checkpoint`; `nil` means memory.
  public var kind: ByteString?
  /// Which of a host's memories it belongs to, by the name the memory has on every host; `nil`: the one without a name.
  public var source: ByteString?
  /// The newest stamp of this unique_id from each other host that the writer knew: its version vector.
  public var seen: [ByteString: Instant]
  /// Members this version does not know, as written (`"a":1,"b":2`), kept on every rewrite.
  public var unknownMembers: [UInt8]

  /// The name of the member that holds all this.
  public static let memberName: ByteString = "_crdt_metadata"

  public init(
    stamp: Stamp, version: UInt64, uniqueID: ByteString, isDeleted: Bool = false, kind: ByteString? = nil,
    source: ByteString? = nil, seen: [ByteString: Instant] = [:], unknownMembers: [UInt8] = []
  ) {
    self.stamp = stamp
    self.version = version
    self.uniqueID = uniqueID
    self.isDeleted = isDeleted
    self.kind = kind
    self.source = source
    self.seen = seen
    self.unknownMembers = unknownMembers
  }

  /// True when the writer of this value knew the value written at `other`, so that this one replaced it.
  public func hasSeen(_ other: Stamp) -> Bool {
    if other.host == stamp.host { return other.instant <= stamp.instant }
    guard let newest = seen[other.host] else { return false }
    return other.instant <= newest
  }

  /// The version of the edit that follows these; stays at the greatest there is.
  public static func nextVersion(after versions: UInt64...) -> UInt64 {
    let greatest = versions.max() ?? 0
    return greatest == .max ? .max : greatest + 1
  }

  /// The object's bytes: members in the fixed order, hosts of `seen` in byte order.
  package var written: [UInt8] {
    var output: [UInt8] = Array(#"{"host":"#.utf8)
    JSONText.append(string: stamp.host.bytes, to: &output)
    output += Array(#","timestamp":""#.utf8)
    stamp.instant.write(into: &output)
    output += Array(#"","version":\#(version),"unique_id":"#.utf8)
    JSONText.append(string: uniqueID.bytes, to: &output)
    if isDeleted { output += Array(#","deleted":true"#.utf8) }
    if let kind {
      output += Array(#","kind":"#.utf8)
      JSONText.append(string: kind.bytes, to: &output)
    }
    if let source {
      output += Array(#","source":"#.utf8)
      JSONText.append(string: source.bytes, to: &output)
    }
    if !seen.isEmpty {
      output += Array(#","seen":{"#.utf8)
      for (index, (host, instant)) in seen.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { output.append(0x2C) }
        JSONText.append(string: host.bytes, to: &output)
        output += [0x3A, 0x22]
        // Rounded up: a digit cut off must not turn "seen" into "not quite seen".
        instant.roundedUpToNanoseconds.write(into: &output)
        output.append(0x22)
      }
      output.append(0x7D)
    }
    if !unknownMembers.isEmpty {
      output.append(0x2C)
      output += unknownMembers
    }
    output.append(0x7D)
    return output
  }
}
