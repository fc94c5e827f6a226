import CRDT
import Memory

/// One host as ingest sees it: its file in the store, its history, its clock and the base of its memory file.
public struct SimulatedHost {
  public let name: HostName
  public var base: IngestBase?
  public var clock = HybridLogicalClock()
  /// Its host file: of each unique_id the newest value it wrote.
  public private(set) var file: [ByteString: Entry] = [:]
  /// Every value it ever wrote.
  public private(set) var history: [Entry] = []
  /// Ids that history was asked for, one set an ingest that asked.
  public private(set) var asked: [Set<ByteString>] = []

  public init(_ name: String) {
    guard let name = HostName(name) else { preconditionFailure("no host name: \(name)") }
    self.name = name
  }

  /// Puts entries into its host file, as a commit would.
  public mutating func commit(_ entries: [Entry]) {
    for entry in entries {
      file[entry.metadata.uniqueID] = entry
      history.append(entry)
    }
  }

  /// The host file's bytes.
  public var state: [UInt8] {
    let lines = file.values.sorted { $0.metadata.uniqueID < $1.metadata.uniqueID }.map(\.bytes)
    return [0x5B, 0x0A] + lines.joined(separator: [0x2C, 0x0A]) + [0x0A, 0x5D, 0x0A]
  }

  /// All host files in a table.
  public static func table(_ hosts: [SimulatedHost]) throws(MemoryError) -> EntryTable {
    try EntryTable(hosts.map { Source(name: "memory-\($0.name).json", bytes: $0.state) })
  }

  /// What is known of these hosts' files.
  public static func known(_ hosts: [SimulatedHost]) throws(MemoryError) -> KnownState {
    let table = try table(hosts)
    return KnownState(table: table, winners: table.join())
  }

  /// The live memory of these hosts.
  public static func view(_ hosts: [SimulatedHost]) throws(MemoryError) -> [Entry] {
    let table = try table(hosts)
    return table.entries(table.view(of: table.join()))
  }

  /// Ingests a memory file, knowing its own host file and those of `others`, and commits what came of it.
  @discardableResult
  public mutating func ingest(
    _ document: MemoryDocument, knowing others: [SimulatedHost] = [], at wall: Instant,
    vanished: VanishedPolicy = .keep
  ) throws -> IngestResult {
    let known = try SimulatedHost.known([self] + others)
    let past = ([self] + others).flatMap(\.history)
    var asked: [Set<ByteString>] = []
    let result = try Ingest.run(
      document: document, fileDigest: "", base: base, known: known,
      olderVersions: { (ids: Set<ByteString>) throws(Never) -> [KnownValue] in
        asked.append(ids)
        return past.map { KnownValue($0) }
      },
      host: name, wall: wall, clock: &clock, vanished: vanished)
    self.asked += asked
    commit(result.entries)
    base = result.base
    return result
  }

  /// The same from a file's text.
  @discardableResult
  public mutating func ingest(
    _ text: String, knowing others: [SimulatedHost] = [], at seconds: Int64 = 1_000,
    vanished: VanishedPolicy = .keep
  ) throws -> IngestResult {
    try ingest(
      MemoryDocument.parse(Array(text.utf8), source: "memory"), knowing: others,
      at: Instant(unixSeconds: seconds), vanished: vanished)
  }

  /// Writes the view of all these hosts over its memory file, and takes the base from that.
  /// - Returns: the file.
  public mutating func writeBack(_ format: MemoryFormat, knowing others: [SimulatedHost]) throws -> MemoryDocument {
    let bytes = format.render(try SimulatedHost.view([self] + others))
    let document =
      bytes.isEmpty
      ? MemoryDocument(format: format, items: [])
      : try MemoryDocument.parse(bytes, source: "memory", format: format)
    base = IngestBase.ofWrittenView(document, fileDigest: "", known: try SimulatedHost.known([self] + others))
    return document
  }
}
