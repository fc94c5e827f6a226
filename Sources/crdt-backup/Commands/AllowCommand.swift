import ArgumentParser
import CRDT
import CommandSupport
import Memory
import Replication

struct AllowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allow",
    abstract: "Let an entry that looks like a secret be backed up: by its id, or all that a rule finds.",
    discussion: """
      What looks like a secret stays on this host (`status` lists it). The next backup takes up what is allowed; from \
      then on it is on the remote and in git's history for good.
      """)

  @Argument(help: ArgumentHelp("The id or the rule, as `status` shows it.", valueName: "id|rule"))
  var name: String?
  @Flag(help: "List what is allowed on this host.")
  var list = false
  @Flag(help: "Take the allowance back; what was backed up under it stays.")
  var remove = false
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if list && remove { throw ValidationError("--list and --remove exclude each other") }
    if list && name != nil { throw ValidationError("--list takes no id or rule") }
    if !list && name == nil { throw ValidationError("give the id or the rule to allow, or --list") }
  }

  func run() throws {
    let console = Console(output)
    try console.run("allow", printsResult: list) {
      let store = try storeOptions.open()
      var isChanged = false
      if let name {
        if remove {
          isChanged = try store.disallow(ByteString(name))
          console.say(isChanged ? "No longer allowed: \(name)" : "\(name) was not allowed")
        } else {
          isChanged = try store.allow(ByteString(name))
          console.say(isChanged ? "Allowed \(name): the next backup takes it up" : "\(name) is allowed already")
        }
      }
      let allowed = try store.allowed()
      if list { allowed.forEach { console.say($0.description) } }
      if output.json {
        console.object("allow") { object in
          object.member("changed", isChanged)
          object.array("allowed") { array in allowed.forEach { array.element($0.description) } }
          object.member("exitCode", 0)
        }
      }
      return 0
    }
  }
}

/// Entries that look like secrets, as a run and `status` show them.
enum HeldBackText {
  /// `1 held back: aws-access-key in entry X`
  static func line(_ entries: [HeldBackEntry]) -> String {
    let shown = entries.prefix(5).map(\.description).joined(separator: ", ")
    return "\(entries.count) held back: \(shown)" + (entries.count > 5 ? ", …" : "")
  }

  static func warning(_ entries: [HeldBackEntry]) -> String {
    line(entries) + "; on this host only. Take the secret out, or let it through with: crdt-backup allow ID|RULE"
  }

  static func json(_ entries: [HeldBackEntry], _ object: inout JSONWriter) {
    object.array("heldBack") { array in
      for entry in entries {
        array.object { object in
          object.member("id", entry.id)
          object.member("rule", entry.rule)
          object.member("member", entry.member)
        }
      }
    }
  }
}
