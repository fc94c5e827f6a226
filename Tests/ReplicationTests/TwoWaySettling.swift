import Replication
import TestKit
import Testing

/// Runs all hosts until nothing moves any more, and says that every file agrees.
func settle(_ hosts: [TwoWayHost], sourceLocation: SourceLocation = #_sourceLocation) throws {
  for _ in 0..<2 { for host in hosts { #expect(try host.run().exitCode == 0, sourceLocation: sourceLocation) } }
  let tip = hosts[0].store.server.refs["refs/heads/main"]
  let texts = hosts.map(\.text)
  for host in hosts {
    let report = try host.run()
    #expect(report.unnamed?.writeBack?.isWritten == false, sourceLocation: sourceLocation)
    #expect(try host.memory == hosts[0].memory, sourceLocation: sourceLocation)
  }
  #expect(
    hosts[0].store.server.refs["refs/heads/main"] == tip, "a quiet round committed", sourceLocation: sourceLocation)
  #expect(hosts.map(\.text) == texts, "a quiet round wrote", sourceLocation: sourceLocation)
}
