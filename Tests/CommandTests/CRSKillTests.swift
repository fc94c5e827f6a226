import Foundation
import Glibc
import Processes
import TestKit
import Testing

/// A writer of the journal that is killed at any record.
struct CRSKillTests {
  private func line(_ number: Int) -> String {
    #"{"type":"proof","source":"hard","updates":[{"node":"n\#(number)"}]}"# + "\n"
  }

  private func nodes(_ host: SceneHost) throws -> Set<String> {
    let outcome = try host.crs("query", "proofs", "--json")
    // Killed before it took the project up.
    if outcome.code == 66 { return [] }
    let items = try #require(try outcome.json()["items"] as? [[String: Any]])
    return Set(items.compactMap { $0["node"] as? String })
  }

  @Test func whatWasAcknowledgedSurvivesAKillAtEveryRecord() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    var first = 1
    for count in 0..<12 {
      var child = try ChildProcess(host.agentCommand(["crs", "apply", "-v", "--project", "p"]))
      var text = ""
      for number in 0..<count {
        CRSWriter.send(line(first + number), to: child.connection.number)
        try #require(
          CRSWriter.wait(for: "kept through line \(number + 1)\n", from: child.errors.number, &text), "\(text)")
      }
      // The next record is on its way when the signal comes: it may be there or not, whole.
      CRSWriter.send(line(first + count), to: child.connection.number)
      child.signal(SIGKILL)
      _ = child.wait(until: .after(seconds: 10))
      let there = try nodes(host)
      let acknowledged = Set((1..<(first + count)).map { "n\($0)" })
      #expect(there.isSuperset(of: acknowledged), "killed after \(count): lost \(acknowledged.subtracting(there))")
      #expect(there.subtracting(acknowledged).isSubset(of: ["n\(first + count)"]))
      // What was cut off is written again by whoever did not hear of it.
      #expect(try host.crs("apply", input: line(first + count)).code == 0)
      first += count + 1
      #expect(try host.crs("verify").code == 0)
    }
    #expect(try nodes(host).count == first - 1)
  }

  @Test func writersAtOnceLoseNothing() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    onThreads(4) { writer in
      for number in 0..<3 {
        let outcome = try? host.crs("apply", input: line(writer * 100 + number))
        #expect(outcome?.code == 0, "\(String(describing: outcome))")
      }
    }
    #expect(try nodes(host).count == 12)
    #expect(try host.crs("verify").code == 0)
  }
}
