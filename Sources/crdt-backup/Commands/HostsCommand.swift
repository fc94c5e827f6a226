import ArgumentParser
import CRDT
import CommandSupport
import CommandText
import Git
import Memory
import Replication

struct HostsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hosts",
    abstract: "List every host that writes to the store, with its newest stamp; retire those that are gone.",
    subcommands: [HostListCommand.self, HostRetireCommand.self, HostUnretireCommand.self],
    defaultSubcommand: HostListCommand.self)
}

struct HostListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List every host.")

  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("hosts") {
      let store = try storeOptions.open()
      let hosts = try store.hosts()
      if output.json {
        console.object("hosts") { object in
          object.array("hosts") { array in hosts.forEach { HostTable.json($0, &array) } }
          object.member("exitCode", 0)
        }
      }
      HostTable.lines(hosts, now: store.wall).forEach { console.say($0) }
      return 0
    }
  }
}

struct HostRetireCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retire",
    abstract: "Say that a host is gone, so that `gc` no longer waits for it.",
    discussion: """
      Its memory stays. The store is synced before, and the command refuses while something that host wrote is not \
      merged here. When it writes again after all, it counts as before.
      """)

  @Argument(help: ArgumentHelp("The host, as `hosts` lists it.", valueName: "name"))
  var name: String
  @OptionGroup var change: HostChange

  func run() throws { try change.run(name, isGone: true) }
}

struct HostUnretireCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unretire", abstract: "Take it back: `gc` waits for that host again.")

  @Argument(help: ArgumentHelp("The host, as `hosts` lists it.", valueName: "name"))
  var name: String
  @OptionGroup var change: HostChange

  func run() throws { try change.run(name, isGone: false) }
}

/// What `hosts retire` and `hosts unretire` share.
struct HostChange: ParsableArguments {
  @Flag(help: "Save here only, and go by what is known here.")
  var offline = false
  @Flag(help: "Tell what would be done, and write nothing.")
  var dryRun = false
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run(_ name: String, isGone: Bool) throws {
    let console = Console(output)
    try console.run("hosts", printsResult: false) {
      let store = try storeOptions.open()
      let options = BackupOptions.following(store, offline: offline, dryRun: dryRun)
      if isGone, !offline, !dryRun { try merge(store, options, console) }
      let isNews = isGone ? try store.retire(name, options: options) : try store.unretire(name, options: options)
      let done = isGone ? "retired" : "no longer retired"
      if dryRun {
        if output.json {
          console.object("hosts") { object in
            object.member("dryRun", true)
            object.member("host", name)
            object.member("changed", isNews)
            object.member("exitCode", 0)
          }
        }
        console.say(isNews ? "\(name) would be \(done)" : "\(name) is \(isGone ? "retired already" : "not retired")")
        return 0
      }
      console.say(isNews ? "\(name) is \(done)" : "\(name) is \(isGone ? "retired already" : "not retired")")
      return try store.shareChange(options, command: "hosts", console: console) { object in
        object.member("host", name)
        object.member("changed", isNews)
      }
    }
  }

  /// What the host has shared has to be here before it can be called gone.
  private func merge(_ store: Store, _ options: BackupOptions, _ console: Console) throws {
    let report = try store.backUp(options, console)
    guard case .notOnRemote(let error) = report.outcome else { return }
    throw ReplicationError(
      error.code, "cannot tell what the host has shared: \(error.message)",
      remedy: "Nothing was retired. Try again when the remote is there, or give --offline to go by what is known here",
      isRetryable: error.isRetryable)
  }
}

/// Hosts as a table and as JSON.
enum HostTable {
  static func lines(_ hosts: [HostStatus], now: Instant) -> [String] {
    let names = hosts.map { TerminalText.shown($0.name) }
    let width = names.map(\.count).max() ?? 0
    return zip(hosts, names).map { host, shown in
      let name = shown + String(repeating: " ", count: width - shown.count)
      let last = host.lastStamp.map { "\(TimeText.short($0)) (\(TimeText.ago($0, now: now)))" } ?? "nothing written yet"
      let entries =
        "\(host.liveEntries) entr\(host.liveEntries == 1 ? "y" : "ies")"
        + (host.tombstones > 0 ? ", \(host.tombstones) deleted" : "")
      return "\(name)  \(last)  \(entries)" + (host.isThisHost ? "  this host" : "")
        + (host.isRetired ? "  retired" : host.isSilent ? "  silent" : "")
    }
  }

  static func json(_ host: HostStatus, _ array: inout JSONWriter) {
    array.object { object in
      object.member("name", host.name)
      object.member("thisHost", host.isThisHost)
      object.member("replica", host.replica)
      object.member("created", host.created?.description)
      object.member("lastStamp", host.lastStamp?.description)
      object.member("liveEntries", host.liveEntries)
      object.member("tombstones", host.tombstones)
      object.member("silent", host.isSilent)
      object.member("retired", host.isRetired)
    }
  }
}
