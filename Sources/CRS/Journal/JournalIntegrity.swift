import GRDB
import Glibc

/// Whether the file is what this module makes of a journal: damage of a page is told, never taken for fewer records.
extension Journal {
  /// The tables, as SQLite keeps their text.
  static let tables: [(name: String, sql: String)] = [
    (
      "sessions",
      """
      CREATE TABLE sessions (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created TEXT NOT NULL, place TEXT NOT NULL)
      """
    ),
    (
      "records",
      """
      CREATE TABLE records (
        position INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions, sequence INTEGER NOT NULL,
        payload BLOB NOT NULL, checksum INTEGER NOT NULL, UNIQUE (session, sequence))
      """
    ),
  ]

  /// Looks at what SQLite would take for another program's file, or for a failure of the disk. Its own checks, and those
  /// of pages, come later.
  /// - Throws: `corrupted`. What cannot be read is left to SQLite to tell.
  static func checkHeader(_ path: String) throws(CRSError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { Glibc.close(file) }
    // https://www.sqlite.org/fileformat2.html, 1.3: write and read version at 18 and 19, the schema's format at 44.
    var header = [UInt8](repeating: 0, count: 100)
    guard Glibc.read(file, &header, header.count) == header.count else { return }
    guard header[18] == header[19], header[18] == 1 || header[18] == 2, header[44...46].allSatisfy({ $0 == 0 }),
      header[47] <= 4
    else { throw damaged(path, "its header is not one of SQLite's") }
  }

  /// Tells a journal whose name or version was damaged from a file of another program or version.
  /// - Throws: `corrupted`.
  static func checkIdentity(_ database: Database, application: Int32, version: Int32, path: String) throws {
    let laterVersions = Self.version...255
    guard application == applicationID ? !laterVersions.contains(version) : version == Self.version else { return }
    let names = try String.fetchSet(database, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
    if names.isSuperset(of: tables.map(\.name)) { throw damaged(path, "its header is not that of a journal") }
  }

  /// Demands the tables and their indexes as they were made.
  /// - Complexity: O(1)
  static func checkTables(_ database: Database, path: String) throws {
    for (name, sql) in tables {
      let isThere = try Bool.fetchOne(
        database,
        sql: """
          SELECT (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1 AND tbl_name = ?1 AND sql = ?2)
            AND (SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = 'sqlite_autoindex_' || ?1 || '_1'
              AND tbl_name = ?1 AND sql IS NULL)
          """, arguments: [name, sql])
      guard isThere == true else { throw damaged(path, "its table \(name) is not as it was made") }
    }
  }

  /// Compares the records of the table with those of the index: of a journal, both end at the same number.
  /// - Throws: `corrupted`.
  /// - Complexity: O(*s* log *n*) for *s* sessions and *n* records: cheap enough for every opening.
  func checkCounts() throws(CRSError) {
    let path = path
    try read { database in
      let there = try Int64.fetchOne(database, sql: "SELECT max(position) FROM records NOT INDEXED") ?? 0
      // Records are never deleted, and numbered without gaps: in all, and in each session.
      let indexed =
        try Int64.fetchOne(
          database,
          sql: """
            SELECT total((SELECT max(sequence) FROM records INDEXED BY sqlite_autoindex_records_1
              WHERE session = number)) FROM sessions NOT INDEXED
            """) ?? 0
      guard there == indexed else {
        throw Journal.damaged(path, "its table ends at record \(there) and its index at \(indexed)")
      }
    }
  }

  /// Checks every page of the file, and the counts.
  /// - Throws: `corrupted` with the first thing that was found.
  /// - Complexity: O(*n*)
  public func checkIntegrity() throws(CRSError) {
    let path = path
    try read { database in
      let answers = try Row.fetchAll(database, sql: "PRAGMA integrity_check(1)")
        .map { String.fromDatabaseValue($0[0] as DatabaseValue) ?? "no answer" }
      guard answers == ["ok"] else {
        let answer = (answers.first ?? "no answer").split(separator: "\n").joined(separator: "; ")
        throw Journal.damaged(path, answer)
      }
    }
    try checkCounts()
  }

  /// Whether a look at every page costs little: also who only reads takes it then.
  var isSmall: Bool {
    var file = stat()
    return stat(path, &file) == 0 && file.st_size <= 16 << 20
  }

  static func damaged(_ path: String, _ how: String) -> CRSError {
    CRSError(.corrupted, "the journal \(path) is damaged: \(how)", remedy: damageRemedy)
  }

  /// What to do about damage of the file itself.
  static let damageRemedy =
    "It is kept as it is. Save what can be read of it with `crdt-agent crs save --incomplete --skip-corrupted`, move it "
    + "away, then load with `crdt-agent crs load`"
}
