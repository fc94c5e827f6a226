import CRDT
import Memory

/// What was brought back into a memory file.
public struct WriteBackReport: Sendable, Hashable {
  /// Items that are new in it, that say something else, and that are gone from it.
  public var added = 0
  public var changed = 0
  public var removed = 0
  /// Of those added, what had left the file under one-way backup and was kept: that was no deletion.
  public var returned = 0
  /// Live entries that a file of this format cannot hold; they are in the store only.
  public var unwritable: [ByteString] = []
  /// Ids with more than one value nobody decided between: the file shows the later one. As of a run that had to look.
  public var conflicts: [ByteString] = []
  /// Whether the file was written at all, or in a dry run would be.
  public var isWritten = false

  public init() {}

  /// Of two in one run.
  static func + (first: WriteBackReport, second: WriteBackReport) -> WriteBackReport {
    var both = second
    both.added += first.added
    both.changed += first.changed
    both.removed += first.removed
    both.returned += first.returned
    both.isWritten = both.isWritten || first.isWritten
    return both
  }
}

extension WriteBackReport {
  /// The difference of two files, counted by id.
  init(from old: [MemoryDocument.Item], to new: [MemoryDocument.Item]) {
    var before: [ByteString: [[UInt8]]] = [:]
    for item in old { before[item.id, default: []].append(item.content) }
    for item in new {
      guard var contents = before[item.id], !contents.isEmpty else {
        added += 1
        continue
      }
      if let same = contents.firstIndex(of: item.content) {
        contents.remove(at: same)
      } else {
        contents.removeFirst()
        changed += 1
      }
      before[item.id] = contents
    }
    removed = before.values.reduce(0) { $0 + $1.count }
  }
}
