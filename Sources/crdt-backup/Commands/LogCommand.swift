import ArgumentParser
import CRDT
import CommandSupport
import Git
import Memory
import Replication

struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Show every value an id ever had: when, where, in which commit, and why it won or lost.",
    discussion: "Values that lost are still in the store's history; `restore` brings them back.")

  @Argument(help: ArgumentHelp("The entry's id; for a knowledge graph an entity's name.", valueName: "id"))
  var id: String
  @OptionGroup var sourceOptions: SourceOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("log") {
      let log = try storeOptions.open().valueLog(ByteString(id), in: sourceOptions.choice)
      let versions = log.versions
      for warning in log.warnings { console.warn(warning) }
      guard !versions.isEmpty else {
        throw ReplicationError(.noInput, "no entry ever had the id \(id)", remedy: "Ids are compared byte for byte")
      }
      if output.json {
        console.object("log") { object in
          object.array("versions") { array in versions.forEach { json($0, &array) } }
          object.array("warnings") { array in log.warnings.forEach { array.element($0) } }
          object.member("exitCode", 0)
        }
      }
      for version in versions {
        let metadata = version.entry.metadata
        console.say(
          bold: "\(TimeText.short(metadata.stamp.instant)) \(metadata.stamp.host)",
          "  version \(metadata.version)  commit \(version.commit.short)")
        console.say("  \(version.reason)")
        let value = metadata.isDeleted ? "(deleted)" : String(decoding: version.entry.content, as: UTF8.self)
        console.say("  \(value)")
      }
      return 0
    }
  }

  private func json(_ version: LoggedVersion, _ array: inout JSONWriter) {
    let metadata = version.entry.metadata
    array.object { object in
      object.member("id", version.id)
      object.member("source", metadata.source?.description)
      object.member("uniqueID", metadata.uniqueID)
      object.member("host", metadata.stamp.host)
      object.member("timestamp", metadata.stamp.instant.description)
      object.member("version", Int64(clamping: metadata.version))
      object.member("deleted", metadata.isDeleted)
      object.member("commit", version.commit.description)
      object.member("committed", Instant(unixSeconds: version.commitTimeSeconds).description)
      object.member("fate", version.fateName)
      object.member("reason", version.reason)
      if !metadata.isDeleted { object.raw("value", version.entry.content) }
    }
  }
}

extension LoggedVersion {
  /// The fate as `--json` names it.
  fileprivate var fateName: String {
    switch fate {
    case .shown: "shown"
    case .deletes: "deleted"
    case .otherAddition: "other-addition"
    case .record: "record"
    case .replaced: "replaced"
    case .lostUnseen: "lost-unseen"
    }
  }
}
