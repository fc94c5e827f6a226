import GRDB

extension CRSError {
  /// What SQLite says, as this module says it.
  init(_ error: any Error, path: String) {
    guard let error = error as? DatabaseError else {
      if let error = error as? CRSError {
        self = error
      } else if error is RowDecodingError {
        // No other type is ever written there.
        self = Journal.damaged(path, "a value has another type than was written")
      } else {
        self.init(.storage, "\(path): \(error)")
      }
      return
    }
    let text = "the journal \(path): \(error.message ?? "SQLite error \(error.resultCode.rawValue)")"
    switch error.resultCode {
    case .SQLITE_FULL:
      self.init(.full, text, remedy: "What was applied before is safe. Make room, then run again")
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      self.init(
        .corrupted, text,
        remedy: Journal.damageRemedy)
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      self.init(.lockFailed, text, remedy: "Another program has the journal; run again when it has ended")
    case .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_READONLY:
      self.init(.permission, text, remedy: "Nothing was changed. Run as the owner of the file, or change its mode")
    default:
      self.init(.storage, text, remedy: "What was applied before is safe. Look at the disk, then run again")
    }
  }
}
