import CRDT
import Checkpointing
import Memory
import Testing

@Suite struct CheckpointModelTests {
  private let state = """
    {"zeta":[1.0, 1e2 ,"\\u00e9"],"workingFolder":"/tmp/ü","environment":{"LANG":"C"},"metrics":{"b":1.50,"a":12345678901234567890},
     "hypotheses":[{"id":"h2","statement":"s","prior":0.5,"posterior":0.75,"status":"confirmed","dependencies":["h1","h1"],
      "changes":[{"from":"proposed","to":"testing","at":"2026-01-02T03:04:05Z"},{"from":"testing","to":"confirmed"}],
      "evidence":[{"text":"e","bearing":"supports","weight":2.0,"more":{"x":1}}],"mine":null},{"id":"h1","statement":""}]}
    """

  private func checkpoint(_ state: String? = nil) throws -> Checkpoint {
    let id = try #require(CheckpointID("00112233-4455-4677-8899-AABBCCDDEEFF"))
    let header = CheckpointHeader(
      id: id, sequence: 7, stamp: Stamp(instant: Instant(unixSeconds: 1_767_322_800), host: "a"), session: id,
      message: "m\u{0}\n\u{202E}", tags: ["y", "x", "\u{E9}", "e\u{301}"], trigger: .automatic(.gapFilled))
    return Checkpoint(header: header, state: try CheckpointState(json: Array((state ?? self.state).utf8)))
  }

  @Test func theCanonicalFormIsSortedAndKeepsEveryNumberAndMember() throws {
    let json = String(decoding: try checkpoint().state.json, as: UTF8.self)
    #expect(
      json == """
        {"environment":{"LANG":"C"},"hypotheses":[{"id":"h1","statement":"","status":"proposed"},{"changes":[{"at":"2026-01-02T03:04:05.000000000Z","from":"proposed","to":"testing"},{"from":"testing","to":"confirmed"}],"dependencies":["h1"],"evidence":[{"bearing":"supports","more":{"x":1},"text":"e","weight":2.0}],"id":"h2","mine":null,"posterior":0.75,"prior":0.5,"statement":"s","status":"confirmed"}],"metrics":{"a":12345678901234567890,"b":1.50},"workingFolder":"/tmp/ü","zeta":[1.0,1e2,"\\u00e9"]}
        """)
    #expect(try CheckpointState(json: Array(json.utf8)).json == Array(json.utf8))
  }

  @Test func theChecksumIsTheSameAfterAnyReload() throws {
    let original = try checkpoint()
    var stored = try StoredCheckpoint(json: original.json)
    for _ in 0..<3 {
      guard case .inline(let bytes) = stored.payload else { throw CheckpointError(.badData, "not inline") }
      #expect(stored.checksum == original.checksum)
      #expect(stored.verdict(state: bytes).verdict == .valid)
      let again = try stored.checkpoint(state: bytes)
      #expect(again == original)
      #expect(again.checksum == original.checksum)
      stored = try StoredCheckpoint(json: again.json)
    }
    #expect(EntryIdentity.hexDigest(of: original.canonicalBytes) == original.checksum)
  }

  @Test func everyFieldIsInTheChecksum() throws {
    let original = try checkpoint()
    var others: [Checkpoint] = []
    func vary(_ change: (inout Checkpoint) throws -> Void) rethrows {
      var other = original
      try change(&other)
      others.append(other)
    }
    vary { $0.header.id = CheckpointID(random: [UInt8](repeating: 1, count: 16)) }
    vary { $0.header.session = CheckpointID(random: [UInt8](repeating: 2, count: 16)) }
    vary { $0.header.sequence += 1 }
    vary { $0.header.stamp.instant = $0.header.stamp.instant.nextTick }
    vary { $0.header.stamp.host = "b" }
    vary { $0.header.message = "" }
    vary { $0.header.tags.removeLast() }
    vary { $0.header.trigger = .manual }
    vary { $0.state.environment["LANG"] = "D" }
    vary { $0.state.metrics["b"] = ExactNumber("1.5") }
    vary { $0.state.workingFolder = nil }
    try vary { try $0.state.set([]) }
    #expect(Set(others.map(\.checksum)).count == others.count)
    #expect(!others.map(\.checksum).contains(original.checksum))
  }

  @Test func everyFlippedByteIsNoticed() throws {
    let bytes = try checkpoint().json
    for index in bytes.indices {
      for bit: UInt8 in [0x01, 0x20, 0x80] {
        var damaged = bytes
        damaged[index] ^= bit
        guard let stored = try? StoredCheckpoint(json: damaged), case .inline(let state) = stored.payload else {
          continue
        }
        // A byte of the name "checksum" makes one that has none: then it is at least not called valid.
        #expect(stored.verdict(state: state).verdict != .valid, "byte \(index)")
      }
    }
  }

  @Test func hostileBytesAreRefusedWithTypedErrors() throws {
    let deep = "{\"x\":" + String(repeating: "[", count: 505) + String(repeating: "]", count: 505) + "}"
    for bad in [
      "", "[]", "null", "{", "{\"a\":1}x", "{\"a\":1,\"a\":2}", "{\"environment\":[]}", "{\"environment\":{\"A\":1}}",
      "{\"metrics\":{\"m\":\"1\"}}", "{\"metrics\":{\"m\":01}}", "{\"hypotheses\":{}}", "{\"hypotheses\":[1]}",
      "{\"hypotheses\":[{}]}", "{\"hypotheses\":[{\"id\":\"\"}]}", "{\"hypotheses\":[{\"id\":\"a\",\"prior\":1.1}]}",
      "{\"hypotheses\":[{\"id\":\"a\",\"prior\":1e999}]}", "{\"hypotheses\":[{\"id\":\"a\",\"status\":\"odd\"}]}",
      "{\"hypotheses\":[{\"id\":\"a\"},{\"id\":\"a\"}]}", "{\"hypotheses\":[{\"id\":\"a\",\"dependencies\":[\"a\"]}]}",
      "{\"hypotheses\":[{\"id\":\"a\",\"dependencies\":[\"b\"]}]}",
      "{\"hypotheses\":[{\"id\":\"a\",\"dependencies\":[\"b\"]},{\"id\":\"b\",\"dependencies\":[\"a\"]}]}",
      "{\"workingFolder\":7}", deep,
    ] {
      #expect(code { try CheckpointState(json: Array(bad.utf8)) } == .badData, "\(bad.prefix(80))")
    }
    #expect(code { try CheckpointState(json: [0x7B, 0xFF, 0x7D]) } == .badData)
    let good = String(decoding: try checkpoint().json, as: UTF8.self)
    for (old, new) in [
      ("\"sequence\":7", "\"sequence\":0"), ("\"sequence\":7", "\"sequence\":9007199254740992"),
      ("\"sequence\":7", "\"sequence\":1e3"), ("\"host\":\"a\"", "\"host\":\"../a\""), ("\"form\":1", "\"form\":2"),
      ("00112233-", "0011223--"), ("gap-filled", "gap"), ("\"state\":{", "\"state\":[{"), ("\"state\":", "\"stat\":"),
      ("\"created\":\"2", "\"created\":\"x"),
    ] {
      let bad = good.replacing(old, with: new)
      #expect(bad != good)
      #expect(code { try StoredCheckpoint(json: Array(bad.utf8)) } == .badData, "\(new)")
    }
  }

  @Test func oddAndHugeIDsAreKeptByteForByte() throws {
    let huge = String(repeating: "x", count: 65_536)
    let ids = ["\u{E9}", "e\u{301}", "../../etc", "a\"b\\", "\\ud800", "😀", "\\u0000", huge]
    let list = ids.map { id in
      "{\"id\":\"\(id == "a\"b\\" ? "a\\\"b\\\\" : id)\",\"statement\":\"\"}"
    }.joined(separator: ",")
    let state = try CheckpointState(json: Array("{\"hypotheses\":[\(list)]}".utf8))
    #expect(state.hypotheses.count == ids.count)
    let again = try CheckpointState(json: state.json)
    #expect(again == state && again.json == state.json)
    #expect(again.hypotheses.map(\.id) == again.hypotheses.map(\.id).sorted())
    #expect(code { try CheckpointState(json: Array("{\"hypotheses\":[{\"id\":\"\(huge)x\"}]}".utf8)) } == .badData)
  }

  @Test func aHypothesisGoesOnlyWhereTheMachineLets() throws {
    for from in HypothesisStatus.allCases {
      for to in HypothesisStatus.allCases {
        var hypothesis = Hypothesis(id: "h", statement: "", status: from)
        let isAllowed = from.successors.contains(to)
        #expect(code { try hypothesis.move(to: to) } == (isAllowed ? nil : .invalidTransition))
        #expect(hypothesis.status == (isAllowed ? to : from))
        #expect(hypothesis.changes.count == (isAllowed ? 1 : 0))
        let written = """
          {"hypotheses":[{"id":"h","status":"\(to.rawValue)","changes":[{"from":"\(from.rawValue)","to":"\(to.rawValue)"}]}]}
          """
        #expect(code { try CheckpointState(json: Array(written.utf8)) } == (isAllowed ? nil : .invalidTransition))
      }
    }
    for bad in [
      // Ends elsewhere; does not follow on.
      #"{"id":"h","status":"testing","changes":[{"from":"testing","to":"confirmed"}]}"#,
      #"{"id":"h","status":"refuted","changes":[{"from":"proposed","to":"testing"},{"from":"suspended","to":"testing"}]}"#,
    ] {
      #expect(code { try CheckpointState(json: Array(#"{"hypotheses":[\#(bad)]}"#.utf8)) } == .invalidTransition)
    }
  }

  @Test func triggersAndIDsReadWhatTheyWrite() {
    #expect(CheckpointTrigger.allCases.count == 12)
    for trigger in CheckpointTrigger.allCases { #expect(CheckpointTrigger(trigger.description) == trigger) }
    #expect(CheckpointTrigger("automatic") == nil)
    let id = CheckpointID(random: Array(0..<16))
    #expect(id.text == "00010203-0405-4607-8809-0a0b0c0d0e0f")
    #expect(CheckpointID(id.text.uppercased()) == id)
    let others = (0..<200).map { number in
      CheckpointID(random: (0..<16).map { UInt8(truncatingIfNeeded: number &* 73 &+ $0 &* 151 &+ number &* $0) })
    }
    #expect(others.sorted().map(\.text) == others.map(\.text).sorted())
    #expect(others.allSatisfy { CheckpointID($0.text) == $0 })
    for bad in ["", "00010203", id.text + "0", id.text.replacing("-", with: "0"), id.text.replacing("a", with: "g")] {
      #expect(CheckpointID(bad) == nil)
    }
  }

  @Test func onlyAllowedVariablesEnterAndNoSecretAmongThem() {
    let environment: [ByteString: ByteString] = [
      "LANG": "C", "AWS_SECRET_ACCESS_KEY": "short", "GITHUB_TOKEN": "x", "ODD": "1",
      "HOME": "/home/a", "EDITOR": "ghp_012345678901234567890123456789AbCdEf",
    ]
    let (kept, refused) = EnvironmentAllowList().chosen(from: environment)
    #expect(kept == ["LANG": "C", "HOME": "/home/a"])
    #expect(refused == ["EDITOR"])
    let more = EnvironmentAllowList(adding: ["ODD", "AWS_SECRET_ACCESS_KEY"]).chosen(from: environment)
    #expect(more.kept["ODD"] == "1" && more.kept["AWS_SECRET_ACCESS_KEY"] == nil)
    #expect(more.refused == ["AWS_SECRET_ACCESS_KEY", "EDITOR"])
    #expect(EnvironmentAllowList(only: []).chosen(from: environment).kept.isEmpty)
  }
}
