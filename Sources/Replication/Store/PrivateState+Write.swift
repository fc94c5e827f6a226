import CRDT
import Durability
import Memory

/// A memory file that is about to be replaced, and the base that holds once it is.
///
/// The new bytes lie beside the file already. So a run that died can be told from what is there, whatever was done to the
/// memory file since: while they lie there, it was not replaced.
struct PreparedWrite {
  /// The memory file, symbolic links resolved.
  var target: String
  /// Where the new bytes lie until they are renamed to it.
  var staged: String
  /// What `target` was; `nil`: nothing.
  var before: FileInformation?
  var base: IngestBase
}

extension PrivateState {
  /// Puts a base aside for a file that is about to be written; what was said of the file before is no longer true.
  func prepare(_ write: PreparedWrite) throws(ReplicationError) {
    var header = JSONWriter()
    header.object { object in
      object.member("target", write.target)
      object.member("staged", write.staged)
      object.member("before", write.before.map { PrivateState.text(of: $0) })
    }
    try self.write(preparedWritePath, kind: Kind.write, payload: header.bytes + [0x0A] + write.base.serialized())
    try forgetIngested()
  }

  /// Settles a write that was under way when its run ended: its base is the one if the file was replaced.
  func settleWrite() throws(ReplicationError) {
    if try settleNotes() { return }
    guard let payload = try payload(preparedWritePath, kind: Kind.write) else { return }
    if let end = payload.firstIndex(of: 0x0A), let fields = try? JSONReader.object(Array(payload[..<end])),
      let target = fields["target"]?.text, let staged = fields["staged"]?.text,
      let base = IngestBase.parse(Array(payload[(end + 1)...]))
    {
      let stagedPath = String(decoding: staged, as: UTF8.self)
      let (there, waiting) = try storing { () throws(StorageError) in
        (
          try fileSystem.information(String(decoding: target, as: UTF8.self)),
          try fileSystem.information(stagedPath, followingLinks: false)
        )
      }
      let isAsBefore = there.map { Array(PrivateState.text(of: $0).utf8) } == fields["before"]?.text
      if waiting == nil, !isAsBefore { try write(base) }
      // In this order: bytes that are gone say that they were renamed.
      try dropPreparedWrite()
      if waiting != nil { try storing { () throws(StorageError) in _ = try fileSystem.remove(stagedPath) } }
    } else {
      try dropPreparedWrite()
    }
  }

  func dropPreparedWrite() throws(ReplicationError) {
    try storing { () throws(StorageError) in _ = try fileSystem.remove(preparedWritePath) }
  }

  private static func text(of file: FileInformation) -> String {
    let parts: [any CustomStringConvertible] = [
      file.device, file.inode, file.sizeBytes, file.modifiedNanoseconds, file.changedNanoseconds,
    ]
    return parts.map(\.description).joined(separator: " ")
  }
}
