import CRDT
import FoundationEssentials
import GRDB
import Glibc
import Synchronization

/// A journal of changes on SQLite: a record is on stable storage once ``append(_:to:)`` returns.
///
/// Write-ahead log with `synchronous=FULL`. Records of a session are numbered from 1 without gaps and carry a CRC-32,
/// checked on replay. Nothing is ever deleted or overwritten. One writer at a time; who writes holds the project's lock.
public final class Journal: Sendable {
  public let path: String
  private let database: Mutex<DatabaseQueue?>

  /// Of the form in the file (`PRAGMA user_version`).
  public static let version: Int32 = 1
  /// `CRSJ`: tells the file from other databases (`PRAGMA application_id`).
  static let applicationID: Int32 = 0x4352_534A

  /// Opens the journal, or makes it; its folder has to exist.
  /// - Parameters:
  ///   - maximumPages: a bound of the file's size in pages of 4 KiB; reaching it is `full`.
  ///   - waitSeconds: how long another connection's transaction is waited for.
  /// - Throws: `corrupted`, `versionMismatch`, `permission`, `storage`, `lockFailed`.
  public init(_ path: String, maximumPages: Int? = nil, waitSeconds: Double = 5) throws(CRSError) {
    try Self.checkHeader(path)
    self.path = path
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.busyMode = .timeout(waitSeconds)
    configuration.label = "journal"
    configuration.prepareDatabase { database in
      if let maximumPages { try database.execute(sql: "PRAGMA max_page_count=\(maximumPages)") }
    }
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      if try queue.read({ database in try Journal.needsTables(database, path: path) }) {
        try queue.write { database in try Journal.makeTables(database, path: path) }
      }
      // GRDB lowers it for a write-ahead log, in which the last transactions would not survive a power cut.
      try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous=FULL") }
      self.database = Mutex(queue)
    } catch {
      throw CRSError(error, path: path)
    }
  }

  /// Opens a journal that is there, to read it; also where nothing can be written. Changes nothing in the file: opening
  /// it to write would, also in a damaged one.
  /// - Throws: as ``init(_:maximumPages:waitSeconds:)``; `corrupted` where the file holds no journal yet, or no more;
  ///   `permission` where a log of the last writer would have to be folded in first, and cannot be.
  public static func toRead(_ path: String, waitSeconds: Double = 5) throws(CRSError) -> Journal {
    var file = stat()
    // Opening an empty file would make a database of it.
    if stat(path, &file) == 0, file.st_size == 0 { throw isEmpty(path) }
    let isWritable = access(path, W_OK) == 0 && access(folder(of: path), W_OK) == 0
    if isWritable { return try Journal(reading: path, isImmutable: false, waitSeconds: waitSeconds) }
    var log = stat()
    guard stat(path + "-wal", &log) != 0 || log.st_size == 0 else {
      throw CRSError(
        .permission, "\(path) has a log that has to be folded into it, and its folder cannot be written",
        remedy: "Nothing was changed. Run once as the owner of the folder, or change its mode")
    }
    return try Journal(reading: path, isImmutable: true, waitSeconds: waitSeconds)
  }

  static func isEmpty(_ path: String) -> CRSError {
    CRSError(
      .corrupted, "the journal \(path) is empty",
      remedy: "If it was cut off, put it back or load a backup; else the next `crdt-agent crs apply` begins it")
  }

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  /// - Parameter isImmutable: nobody writes the file: without a lock, and without the files that a log needs.
  private init(reading path: String, isImmutable: Bool, waitSeconds: Double) throws(CRSError) {
    try Self.checkHeader(path)
    self.path = path
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(waitSeconds)
    configuration.label = "journal"
    let safe = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/".utf8)
    let digits = Array("0123456789ABCDEF".utf8)
    let escaped = path.utf8.flatMap {
      safe.contains($0) ? [$0] : [0x25, digits[Int($0 >> 4)], digits[Int($0 & 15)]]
    }
    do {
      let queue = try DatabaseQueue(
        path: isImmutable ? "file:" + String(decoding: escaped, as: UTF8.self) + "?immutable=1" : path,
        configuration: configuration)
      guard try !queue.read({ database in try Journal.needsTables(database, path: path) }) else {
        throw Journal.isEmpty(path)
      }
      self.database = Mutex(queue)
    } catch {
      throw CRSError(error, path: path)
    }
  }

  /// Whether the file is a new one.
  /// - Throws: `versionMismatch` when it is something else than a journal of this version.
  private static func needsTables(_ database: Database, path: String) throws -> Bool {
    let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
    let version = try Int32.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    if application == applicationID, version == self.version {
      try checkTables(database, path: path)
      return false
    }
    guard application == 0, version == 0, try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
    else {
      try checkIdentity(database, application: application, version: version, path: path)
      throw CRSError(
        .versionMismatch, "\(path) is no journal of version \(self.version)",
        remedy: "Nothing was changed. Use the version of crdt-agent that wrote it")
    }
    return true
  }

  private static func makeTables(_ database: Database, path: String) throws {
    // Somebody else may have been faster.
    guard try needsTables(database, path: path) else { return }
    for (_, sql) in tables { try database.execute(sql: sql) }
    try database.execute(sql: "PRAGMA application_id=\(applicationID); PRAGMA user_version=\(self.version);")
  }

  /// Closes the file; every later call throws `closed`.
  public func close() throws(CRSError) {
    do {
      try database.withLock { queue in
        try queue?.close()
        queue = nil
      }
    } catch {
      throw CRSError(error, path: path)
    }
  }

  /// A session, and where it was written: what continues it has to be at the same place.
  public struct Session: Hashable, Sendable {
    public var id: String
    public var created: Instant
    /// The installation and file, such as a machine's identity and an inode.
    public var place: String

    public init(id: String, created: Instant, place: String) {
      self.id = id
      self.created = created
      self.place = place
    }
  }

  /// The session begun last.
  public func lastSession() throws(CRSError) -> Session? {
    let path = path
    return try read { database in
      let sql = "SELECT id, created, place FROM sessions ORDER BY number DESC LIMIT 1"
      return try Row.fetchOne(database, sql: sql).map { row in
        // A damaged file may hold anything: no value is of its column's type until it was looked at.
        let texts = (0..<3).compactMap { String.fromDatabaseValue(row[$0] as DatabaseValue) }
        guard texts.count == 3 else { throw Journal.damaged(path, "a session cannot be read") }
        return Session(id: texts[0], created: Instant(rfc3339: texts[1]) ?? .epoch, place: texts[2])
      }
    }
  }

  /// How far each session goes.
  public func position() throws(CRSError) -> JournalPosition {
    let path = path
    return try read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT id, (SELECT max(sequence) FROM records WHERE session = number) FROM sessions
          """)
      let pairs = try rows.map { row in
        let sequence = row[1] as DatabaseValue
        guard let id = String.fromDatabaseValue(row[0] as DatabaseValue),
          let last = sequence.isNull ? 0 : UInt64.fromDatabaseValue(sequence)
        else { throw Journal.damaged(path, "a session cannot be read") }
        return (id, last)
      }
      return Dictionary(pairs, uniquingKeysWith: max)
    }
  }

  /// Appends records, all or none; on stable storage when it returns.
  /// - Returns: the sequence of the last one.
  public func append(_ payloads: [[UInt8]], to session: Session) throws(CRSError) -> UInt64 {
    try write { database in
      try database.execute(
        sql: "INSERT INTO sessions (id, created, place) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
        arguments: [session.id, session.created.description, session.place])
      guard
        let number = try Int64.fetchOne(
          database, sql: "SELECT number FROM sessions WHERE id = ?", arguments: [session.id])
      else { throw CRSError(.corrupted, "\(self.path): the session \(session.id) cannot be found") }
      var sequence =
        try UInt64.fetchOne(database, sql: "SELECT max(sequence) FROM records WHERE session = ?", arguments: [number])
        ?? 0
      let insert = try database.cachedStatement(
        sql: "INSERT INTO records (session, sequence, payload, checksum) VALUES (?, ?, ?, ?)")
      for payload in payloads {
        sequence += 1
        let record = JournalRecord(session: session.id, sequence: sequence, payload: payload)
        try insert.execute(arguments: [number, sequence, Data(payload), Int64(record.checksum)])
      }
      return sequence
    }
  }

  /// Runs one transaction that only reads: it waits for no writer.
  func read<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) throws(CRSError) -> Value {
    guard let queue = database.withLock({ $0 }) else { throw CRSError(.closed, "the journal \(path) is closed") }
    do { return try queue.read(body) } catch { throw CRSError(error, path: path) }
  }

  private func write<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) throws(CRSError) -> Value {
    guard let queue = database.withLock({ $0 }) else { throw CRSError(.closed, "the journal \(path) is closed") }
    do { return try queue.write(body) } catch { throw CRSError(error, path: path) }
  }
}
