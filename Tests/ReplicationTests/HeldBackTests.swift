import CRDT
import Git
import Memory
import Replication
import TestKit
import Testing

/// Secrets through the product's own backup, over simulated stores.
@Suite struct HeldBackTests {
  private let secret = "hunter" + "2x"
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
  private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

  @Test func aNewSecretStaysHereUntilItIsAllowed() throws {
    let server = SimulatedServer()
    let store = try SimulatedStore("a", server: server, seed: 1)
    store.memory = [("plain", "tabs"), ("db", "password=" + secret)]
    let report = try store.backUp()
    #expect(report.exitCode == 0)
    #expect(report.ingest?.added == 1)
    #expect(report.heldBack.map(\.description) == ["password in entry db"])
    #expect(!text(store.unified).contains(secret))
    #expect(try store.open().status().heldBack == report.heldBack)

    // Nothing changed: no commit, and still held back.
    let again = try store.backUp()
    #expect(again.commit == report.commit)
    #expect(again.heldBack == report.heldBack)

    #expect(throws: ReplicationError.self) { try store.open().allow("no such entry") }
    #expect(try store.open().allow("db"))
    #expect(try !store.open().allow("db"))
    #expect(try store.open().allowed() == ["db"])
    let allowed = try store.backUp()
    #expect(allowed.heldBack.isEmpty)
    #expect(allowed.ingest?.added == 1)
    #expect(text(store.unified).contains(secret))
    #expect(try store.open().status().heldBack.isEmpty)
    #expect(try store.backUp().commit == allowed.commit)

    // What was backed up under it stays, and an edit is asked about again.
    #expect(try store.open().disallow("db"))
    #expect(try store.backUp().heldBack.isEmpty)
    store.memory[1].value += "y"
    #expect(try store.backUp().heldBack.count == 1)
  }

  @Test func anEditThatHoldsASecretLeavesTheOldValue() throws {
    let store = try SimulatedStore("a", server: SimulatedServer(), seed: 1)
    store.memory = [("db", "port 5432")]
    let first = try store.backUp()
    store.memory[0].value = "port 5432, password: " + secret
    let held = try store.backUp()
    #expect(held.heldBack.count == 1)
    #expect(held.commit == first.commit)
    #expect(held.ingest?.vanished == 0)
    #expect(text(store.unified).contains(#""port 5432""#))
    // Taken out again: there is nothing to write.
    store.memory[0].value = "port 5432"
    let back = try store.backUp()
    #expect(back.heldBack.isEmpty && back.ingest?.unchanged == 1 && back.commit == first.commit)
    // Mended: one edit of the old value.
    store.memory[0].value = "port 6432, password in the vault"
    let mended = try store.backUp()
    #expect(mended.ingest?.changed == 1)
    #expect(text(store.unified).contains(#""version":2"#))
  }

  @Test func privateStateThatIsLostHoldsBackAgain() throws {
    let store = try SimulatedStore("a", server: SimulatedServer(), seed: 1)
    store.memory = [("db", "port 5432")]
    try store.backUp()
    store.memory[0].value = "password=" + secret
    try store.backUp()
    store.deletePrivateState()
    #expect(try store.backUp().heldBack.count == 1)
    #expect(!text(store.unified).contains(secret))
  }

  @Test func rulesOfTheStoreAreObeyedAndBadOnesStopTheBackup() throws {
    let store = try SimulatedStore("a", server: SimulatedServer(), seed: 1)
    store.memory = [("badge", "acme-1234")]
    store.files.put("/a/.crdt-secrets", bytes("acme-badge: acme-[0-9]{4}\n"))
    #expect(try store.backUp().heldBack.map(\.rule) == ["acme-badge"])
    store.files.put("/a/.crdt-secrets", bytes("acme-badge: [0-9]{4}\n"))
    let error = #expect(throws: ReplicationError.self) { try store.backUp() }
    #expect(error?.exitCode == 78)
    #expect(error?.message.hasPrefix(".crdt-secrets:1:1:") == true, "\(error?.message ?? "")")
    try store.repository.setSetting("crdt.secrets", to: "/rules")
    #expect(try #require(throws: ReplicationError.self) { try store.backUp() }.exitCode == 78)
    store.files.put("/rules", bytes("other: other-*\n"))
    #expect(try store.backUp().heldBack.isEmpty)
  }
}
