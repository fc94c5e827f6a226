import CRDT
import Durability
import Memory

/// Notes of a folder that are about to be written, and the base that holds once all of them are.
///
/// A folder cannot be replaced as a whole. The new bytes of each note lie beside its place before the first is moved
/// there, so that a run that died can be told note by note from what is there, whatever was done to them since: one whose
/// bytes lie there still was not written. A base that is behind would miss what the user deletes before the next run.
struct PreparedNotes {
  struct Note {
    var id: ByteString
    /// Where its new bytes lie until they are renamed.
    var staged: String
  }

  /// False until all bytes lie there: until then nothing was moved.
  var isStaged: Bool
  var notes: [Note]
  var base: IngestBase
}

extension PrivateState {
  /// Puts a base aside for notes that are about to be written; what was said of the folder before is no longer true.
  func prepare(_ write: PreparedNotes) throws(ReplicationError) {
    var header = JSONWriter()
    header.object { object in
      object.member("isStaged", write.isStaged)
      object.array("notes") { array in
        for note in write.notes {
          array.object { object in
            object.member("id", note.id)
            object.member("staged", note.staged)
          }
        }
      }
    }
    try self.write(preparedWritePath, kind: Kind.notes, payload: header.bytes + [0x0A] + write.base.serialized())
    try forgetIngested()
  }

  /// Settles notes that were being written when their run ended, or were changed by somebody meanwhile: the base tells of
  /// those that were. Returns false where there are none.
  func settleNotes() throws(ReplicationError) -> Bool {
    guard let write = try preparedNotes() else { return false }
    var written: Set<ByteString> = []
    if write.isStaged {
      for note in write.notes {
        let isWaiting = try storing { () throws(StorageError) in
          try fileSystem.information(note.staged, followingLinks: false) != nil
        }
        if !isWaiting { written.insert(note.id) }
      }
      if !written.isEmpty { try self.write(try base(taking: written, from: write.base)) }
    }
    // In this order: bytes that are gone say that they were renamed.
    try dropPreparedWrite()
    try storing { () throws(StorageError) in
      for note in write.notes where !written.contains(note.id) { _ = try fileSystem.remove(note.staged) }
    }
    return true
  }

  /// The base as it was, with what a newer one says of some ids.
  private func base(taking ids: Set<ByteString>, from newer: IngestBase) throws(ReplicationError) -> IngestBase {
    let old = try readBase()?.items ?? []
    return IngestBase(
      fileDigest: "", format: newer.format,
      items: old.filter { !ids.contains($0.id) } + newer.items.filter { ids.contains($0.id) })
  }

  private func preparedNotes() throws(ReplicationError) -> PreparedNotes? {
    guard let payload = try payload(preparedWritePath, kind: Kind.notes), let end = payload.firstIndex(of: 0x0A),
      let fields = try? JSONReader.object(Array(payload[..<end])), let notes = fields["notes"]?.elements,
      let base = IngestBase.parse(Array(payload[(end + 1)...]))
    else { return nil }
    return PreparedNotes(
      isStaged: fields["isStaged"]?.bool ?? false,
      notes: notes.compactMap { note in
        guard let id = note["id"]?.text, let staged = note["staged"]?.text else { return nil }
        return PreparedNotes.Note(id: ByteString(bytes: id), staged: String(decoding: staged, as: UTF8.self))
      },
      base: base)
  }
}
