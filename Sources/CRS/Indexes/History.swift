import CRDT

/// Something that was done: kept for ever.
public struct HistoryEntry: Comparable, Hashable, Sendable {
  public var id: ByteString
  public var node: ByteString
  public var action: ByteString
  public var result: ByteString
  public var source: Source
  public var time: Stamp
  public var metadata: [ByteString: ByteString]

  public init(
    id: ByteString, node: ByteString, action: ByteString, result: ByteString, source: Source, time: Stamp,
    metadata: [ByteString: ByteString] = [:]
  ) {
    self.id = id
    self.node = node
    self.action = action
    self.result = result
    self.source = source
    self.time = time
    self.metadata = metadata
  }

  /// By time, then by all else.
  public static func < (left: HistoryEntry, right: HistoryEntry) -> Bool {
    if left.time != right.time { return left.time < right.time }
    return TieOrder.precedes(
      TieOrder.of(left.id, right.id), TieOrder.of(left.node, right.node), TieOrder.of(left.action, right.action),
      TieOrder.of(left.result, right.result), TieOrder.of(left.source, right.source),
      TieOrder.of(left.flatMetadata, right.flatMetadata))
  }

  /// Metadata by name, each name followed by its value.
  private var flatMetadata: [ByteString] {
    metadata.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
  }
}

/// All that was ever done; only grows. Two entries with one id on two hosts are both kept.
public typealias HistoryIndex = GrowOnlySet<HistoryEntry>
