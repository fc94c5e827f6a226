import CRDT
import CRS
import Durability
import TestKit

/// One project's folder, and sessions of it that come and go as processes do.
struct SessionFolder {
  let folder = TemporaryFolder()
  let context = Fixture.context()
  let files = RealFileSystem()
  var project: ProjectFolder { ProjectFolder(folder.path + "/crs/p") }

  func open(_ change: (inout ReasoningSession.Options) -> Void = { _ in }) throws -> ReasoningSession {
    var options = ReasoningSession.Options()
    change(&options)
    return try ReasoningSession(project, project: "p", context: context, options: options)
  }

  func save(_ session: ReasoningSession, incomplete: Bool = false) throws -> BackupMetadata {
    try StateTransfer.save(
      session, project: ProjectIdentity(name: "p"), to: nil, context: context, allowsIncomplete: incomplete
    ).backup.metadata
  }

  /// A process that proves some nodes, and may save.
  func apply(_ names: String..., save: Bool = false) throws {
    let session = try open()
    try session.take(names.map { try Fixture.proof($0) })
    if save { _ = try self.save(session) }
    try session.close()
  }
}
