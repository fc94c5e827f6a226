import Durability

/// Where the state of one project is kept below the data folder: `crs/<project>/…`.
public struct ProjectFolder: Hashable, Sendable {
  /// `crs/<project>`.
  public let path: String

  public init(_ path: String) { self.path = path }

  /// The project's names, from which the index of all can be made again.
  public var identity: String { path + "/project.json" }
  public var journal: String { path + "/journal.sqlite" }
  /// What the journal's file looked like when its last writer closed it.
  public var journalMark: String { path + "/journal.mark" }
  /// How far the session of the last writer went when it was last acknowledged.
  public var journalAcknowledgement: String { path + "/journal.acknowledged" }
  /// How far each session of the journal went when its last writer began or closed it.
  public var journalPosition: String { path + "/journal.position" }
  /// ``RecordLosses``.
  public var losses: String { path + "/journal.losses" }
  /// Held by who applies.
  public var journalLock: String { path + "/journal.lock" }
  public var backups: String { path + "/backups" }
  public var latestBackup: String { backups + "/latest.backup.gz" }
  public var previousBackup: String { backups + "/previous.backup.gz" }
  /// Held by who saves or loads.
  public var backupLock: String { latestBackup + ".lock" }
  public var metadata: String { path + "/metadata.json" }
  public var previousMetadata: String { path + "/previous.metadata.json" }
  public var export: String { path + "/export.json" }
  public var metrics: String { path + "/metrics.json" }
}
