import CRDT
import Durability
import Memory

/// What was measured of saves and loads of one project on this host, over all processes.
public struct BackupMetrics: Hashable, Sendable {
  public enum Operation: String, CaseIterable, Sendable { case save, load, export, `import` }

  /// Upper bounds of the buckets of durations, in seconds.
  public static let bucketSeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]

  /// Durations in buckets, as Prometheus counts them.
  public struct Histogram: Hashable, Sendable {
    /// Durations at most as long as the bound of the same index, and longer than the one before; the last: all longer.
    public internal(set) var counts = [UInt64](repeating: 0, count: BackupMetrics.bucketSeconds.count + 1)
    public internal(set) var sumMicroseconds: UInt64 = 0

    public var count: UInt64 { counts.reduce(0, +) }

    public mutating func observe(seconds: Double) {
      let index = BackupMetrics.bucketSeconds.firstIndex { seconds <= $0 } ?? BackupMetrics.bucketSeconds.count
      counts[index] += 1
      sumMicroseconds += UInt64(max(0, min(seconds, 1e9)) * 1e6)
    }
  }

  public var backupDuration = Histogram()
  public var restoreDuration = Histogram()
  /// Operation and result (`success`, `failure`) → how often.
  public internal(set) var operations: [String: UInt64] = [:]

  public init() {}

  public mutating func count(_ operation: Operation, isSuccess: Bool) {
    operations["\(operation.rawValue) \(isSuccess ? "success" : "failure")", default: 0] += 1
  }

  func count(_ operation: Operation, _ result: String) -> UInt64 { operations["\(operation.rawValue) \(result)"] ?? 0 }

  /// Adds one operation to the file of a project. What cannot be written is let go: measuring must not fail a backup.
  public static func record(
    _ operation: Operation, seconds: Double, isSuccess: Bool, folder: ProjectFolder, context: CRSContext
  ) {
    guard let lock = try? FileLock.acquire(folder.metrics + ".lock", waitSeconds: 1) else { return }
    var metrics = read(folder, context)
    metrics.count(operation, isSuccess: isSuccess)
    if isSuccess, operation == .save { metrics.backupDuration.observe(seconds: seconds) }
    if isSuccess, operation == .load { metrics.restoreDuration.observe(seconds: seconds) }
    try? context.fileSystem.replace(folder.metrics, with: metrics.bytes)
    extendLifetime(lock)
  }

  /// What was recorded so far; nothing where the file is missing or damaged.
  public static func read(_ folder: ProjectFolder, _ context: CRSContext) -> BackupMetrics {
    guard let bytes = try? context.fileSystem.read(folder.metrics, limitBytes: 1 << 20),
      let metrics = try? BackupMetrics(bytes)
    else { return BackupMetrics() }
    return metrics
  }

  private var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      for (name, histogram) in [("backup", backupDuration), ("restore", restoreDuration)] {
        writer.object(name) { writer in
          writer.array("counts") { counts in
            for count in histogram.counts { counts.rawElement(Array(String(count).utf8)) }
          }
          writer.unsigned("sum_microseconds", histogram.sumMicroseconds)
        }
      }
      writer.object("operations") { writer in
        for (name, count) in operations.sorted(by: { $0.key < $1.key }) { writer.unsigned(name, count) }
      }
    }
    return writer.bytes + [0x0A]
  }

  private init(_ bytes: [UInt8]) throws(CRSError) {
    self.init()
    var cursor = JSONCursor(bytes)
    var backup = Histogram()
    var restore = Histogram()
    var operations: [String: UInt64] = [:]
    try cursor.object { name, cursor throws(CRSError) in
      switch name {
      case "backup": backup = try cursor.histogram()
      case "restore": restore = try cursor.histogram()
      case "operations":
        try cursor.object { name, cursor throws(CRSError) in operations[name] = try cursor.saturatingUnsigned() }
      default: try cursor.skipValue()
      }
    }
    self.backupDuration = backup
    self.restoreDuration = restore
    self.operations = operations
  }
}

extension JSONCursor {
  fileprivate mutating func histogram() throws(CRSError) -> BackupMetrics.Histogram {
    var histogram = BackupMetrics.Histogram()
    try object { name, cursor throws(CRSError) in
      switch name {
      case "counts":
        var counts: [UInt64] = []
        try cursor.array { cursor throws(CRSError) in counts.append(try cursor.saturatingUnsigned()) }
        guard counts.count == histogram.counts.count else { throw cursor.failure("other buckets") }
        histogram.counts = counts
      case "sum_microseconds": histogram.sumMicroseconds = try cursor.saturatingUnsigned()
      default: try cursor.skipValue()
      }
    }
    return histogram
  }
}
