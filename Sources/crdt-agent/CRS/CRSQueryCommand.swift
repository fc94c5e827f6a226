import ArgumentParser
import CRDT
import CRS
import CommandSupport
import Memory

struct CRSQueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query",
    abstract: "Print elements of an index, one JSON object a line, or what follows from assumptions.",
    discussion: """
      Pairs and clauses are shown within limits (10,000 pairs, 1,000 clauses, 7 days): --all shows every one. \
      `propagate` assumes the literals given (kind:value, !kind:value) and prints what follows by unit propagation over \
      the clauses, and a conflict if there is one.
      """)

  enum Index: String, ExpressibleByArgument, CaseIterable {
    case proofs, constraints, similarities, dependencies, dependents, cycles, history, streaming, clauses, propagate
  }

  @Argument(
    help: ArgumentHelp(
      "What: " + Index.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "index"))
  var index: Index
  @Argument(help: ArgumentHelp("Only these nodes, ids or items; the literals of `propagate`.", valueName: "key"))
  var keys: [String] = []
  @Flag(help: "Without limits.")
  var all = false
  @OptionGroup var options: CRSOptions

  func run() throws {
    try options.run("query") { console in
      let access = try options.access()
      let (project, session) = try access.reader(console)
      let query = StateQuery(
        state: session.engine.state, keys: Set(keys.map { ByteString($0) }),
        limits: all ? .none : Limits(), now: access.context.wallClock())
      let items: [[UInt8]]
      switch index {
      case .propagate: items = query.propagation(try literals())
      case .proofs: items = query.proofs
      case .constraints: items = query.constraints
      case .similarities: items = query.similarities
      case .dependencies: items = query.dependencies
      case .dependents: items = query.dependents
      case .cycles: items = query.cycles
      case .history: items = query.history
      case .streaming: items = query.streaming
      case .clauses: items = query.clauses
      }
      if options.output.json {
        console.object("crs query") { object in
          object.member("project", project.identity.key)
          object.member("index", index.rawValue)
          object.raw("generation", Array(String(session.engine.generation).utf8))
          object.reliability(of: session)
          object.member("count", items.count)
          object.array("items") { list in
            for item in items { list.rawElement(item) }
          }
        }
      } else {
        console.result(items.flatMap { $0 + [0x0A] })
      }
      return session.exitCode
    }
  }

  private func literals() throws -> [Literal] {
    try keys.map { text in
      guard let literal = Literal(parsing: ByteString(text)) else {
        throw CRSError(.usage, "'\(text)' is no literal", remedy: "Write kind:value, or !kind:value for its negation")
      }
      return literal
    }
  }
}
