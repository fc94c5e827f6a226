import ArgumentParser
import CRDT
import CRS
import CommandSupport
import Memory

struct CRSExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write the whole state as one JSON object that any host can import.")

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The file (default: export.json in the project's folder); - is standard output.", valueName: "file"),
    completion: .file())
  var out: String?
  @OptionGroup var options: CRSOptions

  func run() throws {
    try options.run("export", printsResult: out == "-") { console in
      let access = try options.access()
      let (project, session) = try access.reader(console)
      let export = try StateTransfer.export(session, project: project.identity, context: access.context)
      let path = out ?? session.folder.export
      if path == "-" {
        if options.output.json { throw CRSError(.usage, "--json and --out - exclude each other") }
        console.result(export.bytes)
        return 0
      }
      _ = try UserFiles.write(export.bytes, to: path)
      console.say("exported generation \(export.generation) to \(path)")
      if options.output.json {
        console.object("crs export") { object in
          object.member("project", project.identity.key)
          object.member("file", path)
          object.raw("generation", Array(String(export.generation).utf8))
          object.reliability(of: session)
        }
      }
      return 0
    }
  }
}

struct CRSImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Join an export into the state here.",
    discussion: "Its checksum is verified; one without a checksum is refused, unless --accept-legacy.")

  @Argument(help: ArgumentHelp("The file; - is standard input.", valueName: "file"), completion: .file())
  var file: String
  @Flag(help: "Join also an export of another project.")
  var otherProject = false
  @Flag(help: "Take an export without a checksum as it is: nothing says that it is what was exported.")
  var acceptLegacy = false
  @OptionGroup var secrets: CRSSecretOptions
  @OptionGroup var options: CRSOptions

  func run() throws {
    try options.run("import", printsResult: false) { console in
      let bytes = try UserFiles.read(file, limitBytes: 4 << 30)
      let export: StateExport
      do throws(CRSError) {
        export = try StateExport(bytes, acceptsLegacy: acceptLegacy)
      } catch {
        let remedy = error.remedy.isEmpty ? "" : ". \(error.remedy)"
        throw CRSError(error.code, "\(file): \(error.message)", remedy: "Nothing was changed" + remedy)
      }
      let access = try options.access()
      let identity = try access.allNames()
      guard
        otherProject || identity.key == export.project || identity.aliases.contains(export.project)
      else {
        throw CRSError(
          .usage, "the export is of another project, \(export.project.shownName), not of \(access.identity.key)",
          remedy: "Nothing was changed. Join it all the same with --other-project")
      }
      let (project, folder) = try access.register()
      let session = try access.session(project, folder)
      let count = try StateTransfer.import(
        export, into: session, context: access.context, scanner: try access.secretScanner(secrets))
      if let degradation = session.degradation { throw degradation }
      let generation = session.engine.generation
      try session.close()
      // What was here already was told of when it came.
      let future = count > 0 ? FutureElements([export.state], wall: access.context.wallClock()) : nil
      if let warning = future?.warning { console.warn(warning) }
      console.say("\(counted(count, "element was", "elements were")) new here, generation \(generation)")
      if options.output.json {
        console.object("crs import") { object in
          object.member("project", project.identity.key)
          object.member("from", export.project)
          object.member("newElements", count)
          object.raw("generation", Array(String(generation).utf8))
        }
      }
      return 0
    }
  }
}

struct CRSMetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Print what saving and loading took, in the Prometheus text format.")

  @OptionGroup var options: CRSOptions

  func run() throws {
    try options.run("metrics") { console in
      let access = try options.access()
      let (project, folder) = try access.known()
      let metrics = BackupMetrics.read(folder, access.context)
      var latest: BackupMetadata?
      do throws(CRSError) {
        let newest = try PersistenceManager(folder, context: access.context).newestMetadata()
        if let fallback = newest.fallback { console.warn(fallback.description) }
        latest = newest.metadata
      } catch {
        if error.code != .notFound { console.warn(error.description) }
      }
      let text = PrometheusText.of(
        metrics, latest: latest, project: project.identity.key, now: access.context.wallClock())
      if options.output.json {
        console.object("crs metrics") { object in
          object.member("project", project.identity.key)
          object.member("prometheus", text)
        }
      } else {
        console.result(Array(text.utf8))
      }
      return 0
    }
  }
}
