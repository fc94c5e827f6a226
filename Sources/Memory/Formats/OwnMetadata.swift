import CRDT

extension MemoryDocument {
  /// The ids of those items that stand in the file with a `_crdt_metadata` member of their own, which is no part of
  /// their content, in the file's order.
  /// - Parameter file: the bytes that this document was read from.
  /// - Complexity: O(n)
  public func idsWithMetadata(in file: [UInt8]) -> [ByteString] {
    let span = file.span.bytes
    var ids: [ByteString] = []
    for item in items where item.kind == nil && span.byteCount >= item.range.upperBound && !item.range.isEmpty {
      guard JSONObject.kind(at: item.range.lowerBound, span) == .object,
        let members = try? JSONObject.members(at: item.range.lowerBound, span).members
      else { continue }
      if members.contains(where: { EntryTable.isMetadataName($0.name, span) }) { ids.append(item.id) }
    }
    return ids
  }
}
