import CRDT

/// Something that happened to the checkpoints of one session.
public enum CheckpointEvent: Hashable, Sendable {
  case created(CheckpointHeader)
  case restored(CheckpointHeader)
  /// These are gone: all of them, and of this session only.
  case deleted(session: CheckpointID, checkpoints: [CheckpointID])
  /// A compaction of this session removed these and kept so many.
  case compacted(session: CheckpointID, removed: [CheckpointID], keptCount: Int)

  public var session: CheckpointID {
    switch self {
    case .created(let header), .restored(let header): header.session
    case .deleted(let session, _), .compacted(let session, _, _): session
    }
  }

  /// The event's name in output.
  public var name: String {
    switch self {
    case .created: "created"
    case .restored: "restored"
    case .deleted: "deleted"
    case .compacted: "compacted"
    }
  }
}
