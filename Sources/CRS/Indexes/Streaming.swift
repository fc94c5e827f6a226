import CRDT

/// item → how often it was met: each replica counts its own, the value is their sum. The number of items is the
/// distinct count, exact on every host.
public typealias StreamingIndex = [ByteString: GrowOnlyCounter<SessionID>]
