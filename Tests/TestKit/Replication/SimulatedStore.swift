import CRDT
import Durability
import Git
import Memory
import Replication
import Synchronization

/// One host of a simulation: the product's own code over a simulated repository, files in memory, and a clock that the
/// test sets. Each operation opens the store anew, as a new process would.
public final class SimulatedStore {
  public let name: String
  public let repository: SimulatedRepository
  public let files = MemoryFileSystem()
  public let server: SimulatedServer
  public private(set) var paths: StorePaths
  /// The memory file, or the folder of notes.
  public let memoryPath: String
  /// The wall clock.
  public var now: Instant
  /// What the user's memory file says, in order.
  public var memory: [(id: String, value: String)] = []
  /// Called whenever the store waits: what others do meanwhile.
  public var onSleep: (@Sendable () -> Void)?
  private let wallClock: WallClock
  private let random: SeededRandom

  private final class WallClock: Sendable {
    let instant: Mutex<Instant>
    init(_ instant: Instant) { self.instant = Mutex(instant) }
  }

  private final class SeededRandom: Sendable {
    let state: Mutex<UInt64>
    init(_ seed: UInt64) { state = Mutex(seed &+ 0x9E37_79B9_7F4A_7C15) }

    func bytes(_ count: Int) -> [UInt8] {
      (0..<count).map { _ in
        state.withLock { state in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return UInt8(truncatingIfNeeded: state >> 33)
        }
      }
    }
  }

  /// - Parameters:
  ///   - host: the name the store asks for; two stores may ask for one.
  ///   - seed: of this installation's random numbers.
  ///   - memory: what the memory file or folder is called.
  public init(
    _ name: String, host: String? = nil, server: SimulatedServer, seed: UInt64, memory: String = "memory.json",
    now: Instant = Instant(unixSeconds: 1_767_322_800)
  ) throws {
    self.name = name
    self.server = server
    self.now = now
    wallClock = WallClock(now)
    random = SeededRandom(seed)
    repository = SimulatedRepository(servers: ["simulated": server])
    paths = StorePaths(folder: "/\(name)", gitFolder: "/\(name)/.git")
    memoryPath = "/\(name)/\(memory)"
    var request = StoreRequest(folder: paths.folder)
    request.memory = memoryPath
    request.remote = "simulated"
    request.host = HostName(host ?? name)
    try repository.setSetting("crdt.version", to: "1")
    try open().take(request)
  }

  /// The store as a new process sees it.
  public func open() throws -> Store {
    wallClock.instant.withLock { $0 = now }
    let effects = Effects(
      fileSystem: files,
      wallClock: { [wallClock] in wallClock.instant.withLock { $0 } },
      randomBytes: { [random] count in random.bytes(count) },
      sleepMilliseconds: { [onSleep] _ in onSleep?() },
      machineIdentity: { nil },
      acquireLock: { _, _ throws(StorageError) in nil })
    return try Store(repository: repository, paths: paths, effects: effects)
  }

  /// Writes the memory file and backs it up.
  @discardableResult
  public func backUp(offline: Bool = false) throws -> BackupReport {
    files.put(memoryPath, memoryBytes)
    let store = try open()
    var options = BackupOptions(defaultHost: HostName(name) ?? EntryIdentity.hostName(folding: name))
    options.isOffline = offline
    return try store.backup(
      options, connect: { url throws(GitError) in try self.repository.remote(url: url) })
  }

  /// The memory file's bytes: a JSON array, one entry a line.
  public var memoryBytes: [UInt8] {
    var writer = JSONWriter()
    writer.array { array in
      for entry in memory {
        array.object { object in
          object.member("id", entry.id)
          object.member("content", entry.value)
        }
      }
    }
    return writer.bytes
  }

  /// The merge as this store's folder shows it.
  public var unified: [UInt8]? { files.get("/\(name)/unified-memory.json") }

  /// Deletes all private state, as a user may.
  public func deletePrivateState() { files.removeAll(below: paths.privateFolder) }
}
