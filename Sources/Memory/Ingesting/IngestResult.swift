import CRDT

/// What to do about items that were in the memory file and no longer are.
public enum VanishedPolicy: Hashable, Sendable {
  /// One-way backup: the state only grows; they are counted.
  case keep
  /// Two-way: the user deleted them. Refused when more than half of the base and at least ten would go, unless
  /// `allowMass`.
  case tombstone(allowMass: Bool)
}

/// What an ingest found, and what is to be written for it.
public struct IngestResult: Sendable {
  /// Entries for this host's own file, tombstones included, in the order of the memory file. Empty: nothing changed.
  public var entries: [Entry] = []
  /// The base of the next ingest; to be made durable after ``entries``.
  public var base: IngestBase
  /// Ids of items that nobody had. An id stands once an item, here and below.
  public var added: [ByteString] = []
  /// Ids of items that were edited.
  public var changed: [ByteString] = []
  /// Ids of items that are new to this file, but known from another host or from history: not stamped.
  public var recognised: [ByteString] = []
  /// Ids of items that vanished since the last ingest and are kept.
  public var vanished: [ByteString] = []
  /// Ids of items that were deleted: tombstones are in ``entries``.
  public var deleted: [ByteString] = []
  /// Ids of items that were deleted here and live on, because of a value that this file had never shown.
  public var outlived: [ByteString] = []
  /// Lines that cannot be read, in all, in the file's order.
  public var quarantined: [QuarantinedLine] = []
  /// Ids of lines in quarantine that are no longer in the file: tombstones are in ``entries``.
  public var resolved: [ByteString] = []
  /// Items that would have been added or changed, and stay on this host.
  public var heldBack: [HeldBackEntry] = []
  /// Items as they were.
  public var unchangedCount = 0
  /// Items no longer in the memory file and kept, in all: ``vanished`` and those before.
  public var vanishedCount: Int { base.vanishedCount }

  init(base: IngestBase) { self.base = base }
}

/// A line of a memory file that cannot be read and is kept as it is.
public struct QuarantinedLine: Hashable, Sendable {
  public var id: ByteString
  /// From 1.
  public var line: Int
}

/// Why nothing was ingested.
public enum IngestError<HistoryError: Error>: Error {
  /// So many items vanished that it looks like an accident.
  case massDeletion(MassDeletion)
  /// The history could not be read.
  case history(HistoryError)
}

/// A deletion that was refused for its size.
public struct MassDeletion: Hashable, Sendable, CustomStringConvertible {
  /// Items that would go.
  public var count: Int
  /// Items there were.
  public var baseCount: Int
  /// The first ten ids that would go.
  public var firstIDs: [ByteString]

  public var description: String {
    let names = firstIDs.map(\.description).joined(separator: ", ") + (count > firstIDs.count ? ", …" : "")
    return "\(count) of \(baseCount) entries are gone from the memory file: \(names)"
  }
}
