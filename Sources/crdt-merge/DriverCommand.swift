import ArgumentParser
import Durability
import Memory

/// `crdt-merge driver %O %A %B %P`: what git calls to merge a memory file.
struct DriverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "driver",
    abstract: "Merge two versions of a memory file for git (see install).",
    discussion: """
      Git calls this as 'crdt-merge driver %O %A %B %P'. The join of ours (%A) and theirs (%B) is written to %A. When \
      one of them is no sound memory file, %A is left as it is and the exit status makes git report a conflict.
      """)

  // The base is not read. What both sides no longer hold was removed on both, a purge for one, and must not come
  // back; and whatever only the base could add is in git's history anyhow.
  @Argument(help: ArgumentHelp("The common ancestor (%O); not read.", valueName: "base"))
  var base: String

  @Argument(help: ArgumentHelp("Our version (%A); receives the result.", valueName: "ours"), completion: .file())
  var ours: String

  @Argument(help: ArgumentHelp("Their version (%B).", valueName: "theirs"), completion: .file())
  var theirs: String

  @Argument(help: ArgumentHelp("The file's path in the repository (%P).", valueName: "path"))
  var path: String?

  func run() throws {
    let path = path ?? ours
    // Entries without metadata take their host from the file's name, not from git's temporary one.
    let host = Source.hostName(fromFileName: path)
    let table = try EntryTable.reading([
      Source(name: "\(path) (ours)", bytes: try InputFiles.readFile(ours), host: host),
      Source(name: "\(path) (theirs)", bytes: try InputFiles.readFile(theirs), host: host),
    ])
    let winners = table.join()
    _ = try OutputFile.replaceIfChanged(ours, byteCount: table.writtenCount(winners)) { consume throws(StorageError) in
      try table.write(winners, to: consume)
    }
  }
}
