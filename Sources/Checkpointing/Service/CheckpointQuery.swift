import CRDT

/// Which checkpoints are meant; what is `nil` or empty does not narrow.
public struct CheckpointQuery: Hashable, Sendable {
  public var sequences: ClosedRange<Int>?
  /// All of these.
  public var tags: Set<ByteString> = []
  public var session: CheckpointID?
  public var host: ByteString?
  public var trigger: CheckpointTrigger?
  /// The newest so many.
  public var limit: Int?

  public init() {}

  func matches(_ header: CheckpointHeader) -> Bool {
    (sequences?.contains(header.sequence) ?? true) && tags.isSubset(of: header.tags)
      && (session == nil || session == header.session) && (host == nil || host == header.stamp.host)
      && (trigger == nil || trigger == header.trigger)
  }
}

/// What a new checkpoint is to hold.
public struct CheckpointDraft: Sendable {
  public var message: ByteString
  public var tags: Set<ByteString>
  public var trigger: CheckpointTrigger
  /// `nil` means the newest open session of this host; where there is none, one is begun.
  public var session: CheckpointID?
  public var state: CheckpointState
  /// Rules for secrets that are let through, by name.
  public var allowedSecretRules: Set<ByteString> = []
  /// Make none where the newest of the session is younger than this.
  public var minimumGapSeconds: Int64?

  public init(
    message: ByteString = "", tags: Set<ByteString> = [], trigger: CheckpointTrigger = .manual,
    session: CheckpointID? = nil, state: CheckpointState
  ) {
    self.message = message
    self.tags = tags
    self.trigger = trigger
    self.session = session
    self.state = state
  }
}

/// One thing that happened, for people who look back.
public struct TimelineItem: Hashable, Sendable {
  public enum Event: Hashable, Sendable {
    case sessionStarted(CheckpointSession)
    case sessionEnded(CheckpointSession)
    case checkpoint(CheckpointHeader)
    case annotation(CheckpointAnnotation)
  }

  public var instant: Instant
  public var host: ByteString
  public var session: CheckpointID?
  public var event: Event
}
