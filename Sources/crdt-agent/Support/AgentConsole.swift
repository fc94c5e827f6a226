import CommandSupport

extension Console {
  /// The console of this program.
  init(agent options: OutputOptions) { self.init(options, program: "crdt-agent") }
}
