import ArgumentParser
import CRDT
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
      let versions = try storeOptions.open().log(ByteString(id), in: sourceOptions.choice)
      guard !versions.isEmpty else {
        throw ReplicationError(.noInput, "no entry ever had the id \(id)", remedy: "Ids are compared byte for byte")
      }
      if output.json {
        console.object("log") { object in
          object.array("versions") { array in versions.forEach { json($0, &array) } }
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
    case .replaced: "replaced"
    case .lostUnseen: "lost-unseen"
    }
  }
}

struct ConflictsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conflicts",
    abstract: "List ids that hold more than one value nobody has decided between.",
    discussion: """
      The later value is the one shown, and stays shown; the others are kept. An edit of the entry in the memory file \
      changes one value and leaves the others. To be left with one value: `forget ID` deletes all of them on all hosts, \
      then add the entry again.
      """)

  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("conflicts") {
      let conflicts = try storeOptions.open().conflicts()
      if output.json {
        console.object("conflicts") { object in
          object.array("conflicts") { array in
            for conflict in conflicts {
              array.object { object in
                object.member("id", conflict.id)
                object.object("shown") { value(conflict.shown, &$0) }
                object.array("others") { array in
                  for other in conflict.others { array.object { value(other, &$0) } }
                }
              }
            }
          }
          object.member("exitCode", 0)
        }
      }
      if conflicts.isEmpty { console.say("No conflicts") }
      for conflict in conflicts {
        console.say(bold: conflict.id.description)
        console.say("  shown  \(line(conflict.shown))")
        for other in conflict.others { console.say("  other  \(line(other))") }
      }
      return 0
    }
  }

  private func line(_ entry: Entry) -> String {
    let stamp = entry.metadata.stamp
    return "\(TimeText.short(stamp.instant)) \(stamp.host)  \(String(decoding: entry.content, as: UTF8.self))"
  }

  private func value(_ entry: Entry, _ object: inout JSONWriter) {
    object.member("host", entry.metadata.stamp.host)
    object.member("timestamp", entry.metadata.stamp.instant.description)
    object.member("uniqueID", entry.metadata.uniqueID)
    object.raw("value", entry.content)
  }
}
