import Foundation
import Memory
import TestKit
import Testing

/// An export whose times lie in the future, up to the last there is.
struct CRSFinalStampTests {
  private func proof(_ number: Int) -> String {
    #"{"type":"proof","source":"hard","updates":[{"node":"n","proof":\#(number)}]}"# + "\n"
  }

  /// The host's export, its one time another, its checksum right.
  private func export(of host: SceneHost, at time: String) throws -> String {
    let text = try host.crs("export", "-o", "-").output
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let digest = try #require(object["state_sha256"] as? String)
    let start = try #require(text.range(of: #""state":"#)).upperBound
    let end = try #require(text.lastIndex(of: "}"))
    let state = String(text[start..<end])
      .replacing(/20\d\d-\d\d-\d\dT[0-9:.]+Z/, with: time)
    #expect(state.contains(time))
    let changed = text[..<start].replacingOccurrences(of: digest, with: EntryIdentity.hexDigest(of: Array(state.utf8)))
    return changed + state + "}\n"
  }

  private func query(_ host: SceneHost) throws -> String { try host.crs("query", "proofs").output }

  @Test func aDeltaThatCannotTakeEffectIsNotAcknowledged() throws {
    let sandbox = try Sandbox(remote: false)
    // By name one host is below and one above the host of the export.
    let (of, below, above) = (sandbox.host("hostm"), sandbox.host("hosta"), sandbox.host("hostz"))
    #expect(try of.crs("apply", input: proof(9)).code == 0)
    let file = try export(of: of, at: "9999-12-31T23:59:59.999999999Z")
    for host in [below, above] {
      let imported = try host.crs("import", "-", input: file)
      #expect(imported.code == 0 && imported.output.contains("1 element was new here"), "\(imported)")
      #expect(imported.errorOutput.contains("lies in the future; nothing can be written over it"), "\(imported)")
      let before = try host.crsDigest()
      for number in [5, 7, 3, 9] {
        let applied = try host.crs("apply", input: proof(number))
        #expect(applied.code == 65 && applied.errorOutput.contains("nothing can be written over it"), "\(applied)")
      }
      #expect(try host.crsDigest() == before)
      // Again it is no news.
      let again = try host.crs("import", "-", input: file)
      #expect(again.code == 0 && again.errorOutput.isEmpty, "\(again)")
    }
  }

  @Test func aTimeFarAheadIsToldAndWrittenOver() throws {
    let sandbox = try Sandbox(remote: false)
    let (of, host) = (sandbox.host("hostz"), sandbox.host("hosta"))
    #expect(try of.crs("apply", input: proof(9)).code == 0)
    let imported = try host.crs("import", "-", input: try export(of: of, at: "2999-12-31T23:59:59.000000001Z"))
    #expect(imported.code == 0 && imported.errorOutput.contains("lies in the future"), "\(imported)")
    #expect(!imported.errorOutput.contains("nothing can be written"), "\(imported)")
    for number in [5, 7, 3] {
      #expect(try host.crs("apply", input: proof(number)).code == 0)
      #expect(try query(host).contains(#""proof":\#(number)"#))
    }
  }
}
