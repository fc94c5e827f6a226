import CRDT
import FoundationEssentials
import GRDB

extension Journal {
  /// Hands out the records behind `start`, oldest first, in batches: memory is bounded by a batch.
  ///
  /// A record that fails its checksum, or that is missing, ends the replay: it and what follows stay in the journal, and
  /// the report says so. With `skipsCorrupted`, or where its loss is `known`, it is counted and the replay goes on. Records that `start` covers are not
  /// looked at.
  /// - Throws: what the database throws, or `body`.
  /// - Complexity: O(*n*) in the records behind `start`; memory O(`batchRecords`).
  public func replay(
    after start: JournalPosition = [:], skipsCorrupted: Bool = false, known: RecordLosses = RecordLosses(),
    batchRecords: Int = 1_000,
    _ body: (JournalRecord) throws(CRSError) -> Void
  ) throws(CRSError) -> ReplayReport {
    var report = ReplayReport()
    report.position = start
    var last = try firstPosition(behind: start) - 1
    while true {
      let batch = try batch(behind: last, count: batchRecords)
      guard !batch.isEmpty else {
        try compareWithIndex(from: start, &report, skipsCorrupted: skipsCorrupted, known)
        return report
      }
      for row in batch {
        // On a damaged page they may be; a search behind the last one would find the same again, for ever.
        guard row.position > last else { throw Self.damaged(path, "its records are out of order") }
        last = row.position
        let expected = (report.position[row.record.session] ?? 0) + 1
        guard row.record.sequence >= expected else { continue }
        let isGood = row.record.checksum == row.checksum
        if row.record.sequence > expected, !isGood {
          // Its number is no better than the rest of it: what is missing shows when the next good one comes.
          guard skipsCorrupted || known.contains(row.record.session, expected) else {
            report.stop = CRSError(
              .corrupted,
              "\(path): record \(expected) of session \(row.record.session) is corrupt: its checksum is wrong",
              remedy: Self.remedy, sequence: expected)
            return report
          }
          continue
        }
        if row.record.sequence > expected {
          let gap = CRSError(
            .gap, "\(path): record \(expected) of session \(row.record.session) is missing",
            remedy: Self.remedy, sequence: expected)
          let missing = RecordLosses.Run(session: row.record.session, sequences: expected...(row.record.sequence - 1))
          guard skipsCorrupted || known.contains(missing) else {
            report.stop = gap
            return report
          }
          report.skipped += row.record.sequence - expected
          report.lost.append(missing)
        }
        report.position[row.record.session] = row.record.sequence
        do throws(CRSError) {
          guard isGood else {
            throw CRSError(.corrupted, "its checksum is wrong")
          }
          try body(row.record)
          report.replayed += 1
        } catch {
          guard error.code == .corrupted || error.code == .badData else { throw error }
          guard skipsCorrupted || known.contains(row.record.session, row.record.sequence) else {
            report.position[row.record.session] = row.record.sequence - 1
            report.stop = CRSError(
              .corrupted,
              "\(path): record \(row.record.sequence) of session \(row.record.session) is corrupt: \(error.message)",
              remedy: Self.remedy, sequence: row.record.sequence)
            return report
          }
          report.skipped += 1
          report.lost.append(
            RecordLosses.Run(session: row.record.session, sequences: row.record.sequence...row.record.sequence))
        }
      }
    }
  }

  /// The records of a run that are good, in order; fewer than the run has where some are not.
  func goodRecords(of run: RecordLosses.Run) throws(CRSError) -> [JournalRecord] {
    try read { database in
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT sequence, payload, checksum FROM records JOIN sessions ON number = session
          WHERE id = ? AND sequence BETWEEN ? AND ? ORDER BY sequence
          """,
        arguments: [
          run.session, Int64(clamping: run.sequences.lowerBound), Int64(clamping: run.sequences.upperBound),
        ])
      var records: [JournalRecord] = []
      while let row = try rows.next() {
        let payload = try row.withUnsafeData(atIndex: 1) { $0.map { Array($0) } ?? [] }
        let sequence = UInt64(clamping: Int64.fromDatabaseValue(row[0]) ?? 0)
        let record = JournalRecord(session: run.session, sequence: sequence, payload: payload)
        if record.checksum == UInt32(truncatingIfNeeded: Int64.fromDatabaseValue(row[2]) ?? -1) {
          records.append(record)
        }
      }
      return records
    }
  }

  /// A session whose last records are not found, though the index has them, did not end there.
  private func compareWithIndex(
    from start: JournalPosition, _ report: inout ReplayReport, skipsCorrupted: Bool, _ known: RecordLosses
  ) throws(CRSError) {
    for (session, last) in try position().sorted(by: { $0.key < $1.key }) {
      let met = report.position[session] ?? 0
      guard last >= met || met == start[session] else {
        throw Self.damaged(path, "its index lacks record \(met) of session \(session)")
      }
      guard last > met else { continue }
      let missing = RecordLosses.Run(session: session, sequences: (met + 1)...last)
      guard skipsCorrupted || known.contains(missing) else {
        report.stop = CRSError(
          .gap, "\(path): record \(met + 1) of session \(session) is missing", remedy: Self.remedy, sequence: met + 1)
        return
      }
      let (sum, isTooMuch) = report.skipped.addingReportingOverflow(last - met)
      report.skipped = isTooMuch ? .max : sum
      report.lost.append(missing)
      report.position[session] = last
    }
  }

  private static let remedy =
    "It and what follows is kept. Go on without it with --skip-corrupted, and `crdt-agent crs load` a backup"

  private struct StoredRow: Sendable {
    var position: Int64
    var record: JournalRecord
    var checksum: UInt32
  }

  private func firstPosition(behind start: JournalPosition) throws(CRSError) -> Int64 {
    if start.isEmpty { return 1 }
    let path = path
    return try read { database in
      let rows = try Row.fetchAll(database, sql: "SELECT number, id FROM sessions")
      let firsts = try rows.compactMap { row -> Int64? in
        guard let id = String.fromDatabaseValue(row[1] as DatabaseValue),
          let number = Int64.fromDatabaseValue(row[0] as DatabaseValue)
        else { throw Journal.damaged(path, "a session cannot be read") }
        let covered = Int64(clamping: start[id] ?? 0)
        return try Int64.fetchOne(
          database, sql: "SELECT min(position) FROM records WHERE session = ? AND sequence > ?",
          arguments: [number, covered])
      }
      return firsts.min() ?? .max
    }
  }

  private func batch(behind position: Int64, count: Int) throws(CRSError) -> [StoredRow] {
    let path = path
    return try read { database in
      // A session that is missing makes its records fail their checksum.
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT position, coalesce(id, ''), sequence, payload, checksum
          FROM records LEFT JOIN sessions ON number = session WHERE position > ? ORDER BY position LIMIT ?
          """, arguments: [position, count])
      var batch: [StoredRow] = []
      while let row = try rows.next() {
        guard let position = Int64.fromDatabaseValue(row[0] as DatabaseValue) else {
          throw Journal.damaged(path, "a record has no number")
        }
        let payload = try row.withUnsafeData(atIndex: 3) { $0.map { Array($0) } ?? [] }
        batch.append(
          StoredRow(
            position: position,
            record: JournalRecord(
              session: String.fromDatabaseValue(row[1] as DatabaseValue) ?? "",
              sequence: UInt64(clamping: Int64.fromDatabaseValue(row[2]) ?? 0), payload: payload),
            checksum: UInt32(truncatingIfNeeded: Int64.fromDatabaseValue(row[4]) ?? -1)))
      }
      return batch
    }
  }
}
