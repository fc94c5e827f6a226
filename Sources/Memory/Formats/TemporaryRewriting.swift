import CRDT

// Stands in until the formats can rewrite a file in place.
extension MemoryDocument {
  public func rewritten(_ bytes: [UInt8], toHold entries: [Entry], keeping isKept: (Item) -> Bool = { _ in false })
    -> [UInt8]
  {
    let fixed = items.filter { $0.kind == Quarantine.kind || isKept($0) }
    let fixedIDs = Set(fixed.map(\.id))
    let own = items.filter { $0.kind != Quarantine.kind && !isKept($0) }
    let view = entries.filter { !fixedIDs.contains($0.id) }
    if own.count == view.count,
      Set(own.map { Pair(id: $0.id, content: $0.content) }) == Set(view.map { Pair(id: $0.id, content: $0.content) })
    {
      return bytes
    }
    let extra = fixed.map { item in
      Entry(
        content: item.content,
        metadata: Metadata(
          stamp: Stamp(instant: .epoch, host: "x"), version: 1, uniqueID: ByteString("x\(item.id)\(item.line)"),
          kind: item.kind))
    }
    return format.render(view + extra)
  }
  private struct Pair: Hashable {
    var id: ByteString
    var content: [UInt8]
  }
}
