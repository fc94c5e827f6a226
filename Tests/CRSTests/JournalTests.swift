import CRDT
import Foundation
import GRDB
import Glibc
import TestKit
import Testing

@testable import CRS

struct JournalTests {
  let folder = TemporaryFolder()
  private var path: String { folder.path + "/journal.sqlite" }
  private let session = Journal.Session(id: "s1", created: Fixture.wall, place: "here")

  private func payload(_ number: Int) -> [UInt8] { Array("[\(number)]".utf8) }

  private func filled(_ count: Int) throws -> Journal {
    let journal = try Journal(path)
    for number in 1...count { _ = try journal.append([payload(number)], to: session) }
    return journal
  }

  private func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  private func replayed(_ journal: Journal, skipsCorrupted: Bool = false) throws -> (numbers: [[UInt8]], ReplayReport) {
    var payloads: [[UInt8]] = []
    let report = try journal.replay(skipsCorrupted: skipsCorrupted, batchRecords: 2) { payloads.append($0.payload) }
    return (payloads, report)
  }

  @Test func recordsComeBackInOrder() throws {
    let journal = try filled(5)
    #expect(try journal.append([payload(6), payload(7)], to: session) == 7)
    let other = Journal.Session(id: "s2", created: Fixture.wall, place: "here")
    #expect(try journal.append([payload(8)], to: other) == 1)
    try journal.close()
    let again = try Journal(path)
    let (payloads, report) = try replayed(again)
    #expect(payloads == (1...8).map(payload))
    #expect(report.position == ["s1": 7, "s2": 1])
    #expect(report.isComplete)
    #expect(try again.position() == report.position)
    #expect(try again.lastSession() == other)
  }

  @Test func transactionsAreFullySynchronous() throws {
    #expect(try Journal(path).synchronousMode() == 2)
    #expect(try Journal(path).synchronousMode() == 2)
  }

  @Test func aReplayStartsBehindWhatIsCovered() throws {
    let journal = try filled(5)
    var payloads: [[UInt8]] = []
    let report = try journal.replay(after: ["s1": 3]) { payloads.append($0.payload) }
    #expect(payloads == [payload(4), payload(5)])
    #expect(report.position == ["s1": 5])
  }

  @Test(arguments: [
    "UPDATE records SET payload = x'5B395D' WHERE sequence = 3",
    "UPDATE records SET checksum = checksum + 1 WHERE sequence = 3",
    "UPDATE records SET payload = NULL WHERE sequence = 3 AND 0; UPDATE records SET payload = 'text' WHERE sequence = 3",
  ])
  func aCorruptRecordStopsTheReplayAndIsKept(sql: String) throws {
    try filled(5).close()
    try execute(sql)
    let journal = try Journal(path)
    let (payloads, report) = try replayed(journal)
    #expect(payloads == [payload(1), payload(2)])
    #expect(report.stop?.code == .corrupted)
    #expect(report.stop?.sequence == 3)
    #expect(try journal.count() == 5)
    let (others, onward) = try replayed(journal, skipsCorrupted: true)
    #expect(others == [1, 2, 4, 5].map(payload))
    #expect(onward.skipped == 1)
    #expect(onward.stop == nil)
  }

  @Test func recordsInEachOthersPlaceAreFound() throws {
    try filled(3).close()
    try execute(
      """
      UPDATE records SET sequence = 10 WHERE sequence = 2; UPDATE records SET sequence = 2 WHERE sequence = 3;
      UPDATE records SET sequence = 3 WHERE sequence = 10
      """)
    #expect(try replayed(try Journal(path)).1.stop != nil)
  }

  @Test func aReplayReadsNoFurtherThanTheBatchAtHand() throws {
    let journal = try filled(100)
    var seen: [[UInt8]] = []
    let report = try journal.replay(batchRecords: 10) { record in
      // What lies behind the batch at hand was not read yet: it is met as it is when its turn comes.
      if seen.isEmpty { try? execute("UPDATE records SET payload = x'5B395D' WHERE sequence = 11") }
      seen.append(record.payload)
    }
    #expect(seen == (1...10).map(payload))
    #expect(report.stop?.code == .corrupted && report.stop?.sequence == 11, "\(report)")
  }

  @Test func aMissingRecordIsAGap() throws {
    try filled(5).close()
    try execute("DELETE FROM records WHERE sequence IN (2, 3)")
    let (payloads, report) = try replayed(try Journal(path))
    #expect(payloads == [payload(1)])
    #expect(report.stop?.code == .gap)
    #expect(report.stop?.sequence == 2)
    #expect(try replayed(try Journal(path), skipsCorrupted: true).1.skipped == 2)
  }

  @Test func aFullJournalSaysSoAndKeepsWhatItHas() throws {
    let journal = try Journal(path, maximumPages: 12)
    var accepted = 0
    let error = #expect(throws: CRSError.self) {
      while accepted < 1_000 {
        _ = try journal.append([[UInt8](repeating: 0x20, count: 2_000)], to: session)
        accepted += 1
      }
    }
    #expect(error?.code == .full)
    #expect(try journal.count() == UInt64(accepted))
  }

  @Test func aClosedJournalSaysSo() throws {
    let journal = try filled(1)
    try journal.close()
    #expect(throws: CRSError(.closed, "the journal \(path) is closed")) { try journal.count() }
  }

  @Test func whatIsNoJournalIsRefusedAndLeftAlone() throws {
    folder.write("notes", String(repeating: "not a database, and longer than a header of one. ", count: 100))
    #expect((#expect(throws: CRSError.self) { try Journal(folder.path + "/notes") })?.code == .corrupted)
    try execute("CREATE TABLE mine (x)")
    #expect((#expect(throws: CRSError.self) { try Journal(path) })?.code == .versionMismatch)
  }
}

extension Journal {
  /// Records in all.
  fileprivate func count() throws(CRSError) -> UInt64 {
    try read { try UInt64.fetchOne($0, sql: "SELECT count(*) FROM records") ?? 0 }
  }

  /// How SQLite makes a transaction durable: 2 is FULL.
  fileprivate func synchronousMode() throws(CRSError) -> Int {
    try read { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 }
  }
}
