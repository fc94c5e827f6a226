import CRDT
import Memory
import Testing

/// What becomes of a memory file when the view is written into it: nothing but what changed.
struct RewriteTests {
  /// The file, rewritten after `change` was made to its items, given as (id, content).
  private func rewritten(
    _ file: String, _ format: MemoryFormat? = nil, keeping isKept: (MemoryDocument.Item) -> Bool = { _ in false },
    _ change: (inout Memory) -> Void
  ) throws -> String {
    let bytes = Array(file.utf8)
    let document = try MemoryDocument.parse(bytes, source: "memory", format: format)
    var memory = Memory(document.items)
    change(&memory)
    let rewritten = document.rewritten(bytes, toHold: memory.entries, keeping: isKept)
    return String(decoding: rewritten, as: UTF8.self)
  }

  /// Entries in the making.
  struct Memory {
    var items: [MemoryDocument.Item]

    init(_ items: [MemoryDocument.Item]) {
      var ids: Set<ByteString> = []
      self.items = items.filter { $0.kind != Quarantine.kind && ids.insert($0.id).inserted }
    }

    mutating func remove(_ id: ByteString) { items.removeAll { $0.id == id } }

    /// Sets an entry, at the end when it is new.
    mutating func set(_ id: ByteString, _ content: String, kind: ByteString? = nil) {
      let item = MemoryDocument.Item(id: id, content: Array(content.utf8), kind: kind)
      if let index = items.firstIndex(where: { $0.id == id }) { items[index] = item } else { items.append(item) }
    }

    mutating func removeObservation(_ text: String, of entity: String) {
      remove(GraphIdentity.observation(of: ByteString(entity), value: Array(text.utf8)))
    }

    mutating func observe(_ text: String, of entity: String) {
      set(
        GraphIdentity.observation(of: ByteString(entity), value: Array(text.utf8)),
        #"{"entity":"\#(entity)","content":\#(text)}"#, kind: "observation")
    }

    var entries: [Entry] {
      items.enumerated().map { index, item in
        let stamp = Stamp(instant: Instant(unixSeconds: Int64(index)), host: "a")
        let uniqueID = UniqueID(host: HostName("a")!, id: item.id, created: stamp.instant).text
        return Entry(
          content: item.content, metadata: Metadata(stamp: stamp, version: 1, uniqueID: uniqueID, kind: item.kind))
      }
    }
  }

  @Test(arguments: [
    (
      "[\n  {\"id\": \"a\"},\n  {\"id\": \"b\"},\n  {\"id\": \"c\"}\n]\n",
      "[\n  {\"id\": \"a\"},\n  {\"id\": \"c\"}\n]\n"
    ),
    ("[{\"id\":\"a\"},{\"id\":\"b\"}]", "[{\"id\":\"a\"}]"),
    ("[ {\"id\":\"b\"} , {\"id\":\"a\"} ]", "[ {\"id\":\"a\"} ]"),
    ("[\n  {\"id\":\"b\"}\n]\n", "[]\n"),
    ("{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}", "{\"id\":\"a\"}\n{\"id\":\"c\"}"),
    ("{\"id\":\"a\"}\r\n\r\n{\"id\":\"b\"}\r\n", "{\"id\":\"a\"}\r\n"),
    (" {\"id\":\"b\"} \n{\"id\":\"a\"}", "{\"id\":\"a\"}"),
    ("{\"id\":\"b\"}\n", ""),
  ])
  func whatIsGoneTakesItsSeparatorAlong(file: String, expected: String) throws {
    #expect(try rewritten(file) { $0.remove("b") } == expected)
  }

  @Test(arguments: [
    ("[]", "[\n{\"id\":\"n\",\"t\":[1,2]}\n]"),
    ("[ ]\n", "[\n{\"id\":\"n\",\"t\":[1,2]}\n]\n"),
    ("[{\"id\":\"a\"}]", "[{\"id\":\"a\"},{\"id\":\"n\",\"t\":[1,2]}]"),
    ("[{\"id\": \"a\"}, {\"id\": \"b\"}]", "[{\"id\": \"a\"}, {\"id\": \"b\"}, {\"id\": \"n\", \"t\": [1, 2]}]"),
    ("[\n{\"id\":\"a\"}\n]\n", "[\n{\"id\":\"a\"},\n{\"id\":\"n\",\"t\":[1,2]}\n]\n"),
    (
      "[\n\t{\n\t\t\"id\": \"a\"\n\t}\n]",
      "[\n\t{\n\t\t\"id\": \"a\"\n\t},\n\t{\n\t\t\"id\": \"n\",\n\t\t\"t\": [\n\t\t\t1,\n\t\t\t2\n\t\t]\n\t}\n]"
    ),
    (
      "[\r\n  {\r\n    \"id\" : \"a\", \"u\" : [0]\r\n  }\r\n]\r\n",
      "[\r\n  {\r\n    \"id\" : \"a\", \"u\" : [0]\r\n  },\r\n  {\r\n    \"id\" : \"n\",\r\n    \"t\" : [1, 2]\r\n  }\r\n]\r\n"
    ),
    ("{\"id\":\"a\"}", "{\"id\":\"a\"}\n{\"id\":\"n\",\"t\":[1,2]}"),
    ("{\"id\": \"a\"}\r\n", "{\"id\": \"a\"}\r\n{\"id\": \"n\", \"t\": [1, 2]}\r\n"),
    ("{}", "{\n\"n\":{\"t\":[1,2]}\n}"),
    ("{\"a\": {}}", "{\"a\": {}, \"n\": {\"t\": [1, 2]}}"),
    ("[\n  \"x\"\n]", "[\n  \"x\",\n  {\n    \"id\":\"n\",\n    \"t\":[\n      1,\n      2\n    ]\n  }\n]"),
  ])
  func whatIsNewLooksLikeWhatIsThere(file: String, expected: String) throws {
    #expect(try rewritten(file) { $0.set("n", #"{"id":"n","t":[1,2]}"#) } == expected)
  }

  /// What goes by its content is edited by taking it out and putting another in.
  @Test func anEditOfWhatHasNoNameTakesItsPlace() throws {
    func id(_ content: String) -> ByteString { EntryIdentity.contentID(of: Array(content.utf8)) }
    let file = "[\n  \"a\",\n  \"b\",\n  \"c\"\n]\n"
    let (b, c, new) = (#"{"content":"b"}"#, #"{"content":"c"}"#, #"{"content":"B"}"#)
    let edited = try rewritten(file) {
      $0.remove(id(b))
      $0.set(id(new), new)
    }
    #expect(edited == "[\n  \"a\",\n  \"B\",\n  \"c\"\n]\n")
    // Of two nobody knows which is which, and another form is another thing.
    let two = try rewritten(file) {
      $0.remove(id(b))
      $0.remove(id(c))
      $0.set(id(new), new)
    }
    #expect(two == "[\n  \"a\",\n  \"B\"\n]\n")
    let other = #"{"content":["b"]}"#
    let object = try rewritten(file) {
      $0.remove(id(b))
      $0.set(id(other), other)
    }
    #expect(object.hasPrefix("[\n  \"a\",\n  \"c\",\n"))

    let graph = #"{"type":"entity","name":"E","entityType":"t","observations":["one","two"]}"# + "\n"
    let observed = try rewritten(graph) {
      $0.removeObservation("\"one\"", of: "E")
      $0.observe("\"1\"", of: "E")
    }
    #expect(observed == graph.replacing("\"one\"", with: "\"1\""))
  }

  @Test func aListThatWasSpreadAndEmptiedIsSpreadAgain() throws {
    let file = "{\"results\": [\n  {\"id\": \"a\"}\n], \"version\": 1.1}\n"
    let empty = "{\"results\": [\n], \"version\": 1.1}\n"
    #expect(try rewritten(empty, .envelope) { $0.set("a", #"{"id":"a"}"#) } == file)
  }

  @Test func aChangedItemKeepsTheMembersThatStay() throws {
    let file = """
      [
        {"id":  "x", "n": 1.0e0},
        {
          "id": "a", "tags" : [ "one",  "two" ],
          "_crdt_metadata": {"k": 1},
          "text": "t\\u00e9", "gone": true
        }
      ]
      """
    let edited = try rewritten(file) {
      $0.set("a", #"{"id":"a","tags":["one","2","three"],"text":"t\u00e9","new":{"x":[]}}"#)
    }
    #expect(
      edited == """
        [
          {"id":  "x", "n": 1.0e0},
          {
            "id": "a", "tags" : [ "one",  "2",  "three" ],
            "_crdt_metadata": {"k": 1},
            "text": "t\\u00e9", "new": {"x": []}
          }
        ]
        """)
  }

  @Test func aMemberThatIsWrittenInAnotherOrderKeepsItsText() throws {
    let edited = try rewritten(#"[{"id" : "a", "v" : [1,  2], "n" : 1}]"#) {
      $0.set("a", #"{"v":[1,2],"n":2,"id":"a"}"#)
    }
    #expect(edited == #"[{"v" : [1,  2], "n" : 2, "id" : "a"}]"#)
  }

  @Test(arguments: MemoryFormat.files)
  func anEntryTooDeepForTheFileIsLeftOutAndTheFileStaysReadable(format: MemoryFormat) throws {
    for depth in 500...511 {
      let content = Array(
        (#"{"id":"deep","c":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}").utf8
      )
      let stamp = Stamp(instant: Instant(unixSeconds: 1), host: "h")
      let entry = Entry(content: content, metadata: Metadata(stamp: stamp, version: 1, uniqueID: "h_deep_x"))
      let file = format.render(format.gainedTogether([entry]))
      if file.isEmpty { continue }
      let items = try MemoryDocument.parse(file, source: "m", format: format).items
      #expect(items.map(\.id) == (format.canGain(entry) ? ["deep"] : []), "\(depth)")
    }
  }

  @Test func anotherSpellingOfTheSameStaysAsItIs() throws {
    let file = #"[{"id" : "a", "v" : 1.0, "t":"caf\u00e9"}]"#
    #expect(try rewritten(file) { $0.set("a", #"{"t":"café","v":1,"id":"a"}"#) } == file)
    #expect(try rewritten(file) { $0.set("a", #"{"t":"café","v":2,"id":"a"}"#) } != file)
  }

  @Test func ofSeveralItemsOfOneIDTheOneThatIsShownStays() throws {
    let file = "{\"id\":\"a\",\"v\":1}\n{\"id\":\"a\", \"v\":2}\n{\"id\":\"b\"}\n"
    #expect(try rewritten(file) { $0.set("a", #"{"id":"a","v":2}"#) } == "{\"id\":\"a\", \"v\":2}\n{\"id\":\"b\"}\n")
    #expect(
      try rewritten(file) { $0.set("a", #"{"id":"a","v":3}"#) } == "{\"id\":\"a\",\"v\":3}\n{\"id\":\"b\"}\n")
  }

  @Test func damagedLinesAndSecretsStayWhereTheyAre() throws {
    let file = "{\"id\":\"a\"}\n <<<<<<< HEAD\t\n{\"id\":\"s\",\"key\":\"k\"}\n{\"id\":\"b\"}\n{\"id\":\"c"
    let edited = try rewritten(file, keeping: { $0.id == "s" }) {
      $0.remove("b")
      $0.set("s", #"{"id":"s"}"#)
      $0.set("n", #"{"id":"n"}"#)
    }
    #expect(edited == "{\"id\":\"a\"}\n <<<<<<< HEAD\t\n{\"id\":\"s\",\"key\":\"k\"}\n{\"id\":\"c\n{\"id\":\"n\"}")
  }

  @Test func anObservationIsAllThatChangesInItsEntity() throws {
    let file = """
      {"type":"_aim","source":"s"}
      {"type":"entity", "name":"A", "observations":[ "x",  "y" ], "entityType":"t"}
      {"type":"entity","name":"B","entityType":"t","observations":[]}
      {"type":"relation","from":"A","to":"B","relationType":"is"}
      """
    let edited = try rewritten(file) {
      $0.removeObservation(#""x""#, of: "A")
      $0.observe(#""z""#, of: "A")
      $0.observe(#""first""#, of: "B")
      $0.observe(#""of nobody""#, of: "C")
      $0.set("entity:D", #"{"type":"entity","name":"D","observations":[]}"#)
      $0.observe(#""d""#, of: "D")
      $0.set("relation:B|is|D", #"{"type":"relation","from":"B","to":"D","relationType":"is"}"#)
    }
    #expect(
      edited == """
        {"type":"_aim","source":"s"}
        {"type":"entity", "name":"A", "observations":[ "z",  "y" ], "entityType":"t"}
        {"type":"entity","name":"B","entityType":"t","observations":["first"]}
        {"type":"entity","name":"D","observations":["d"]}
        {"type":"entity","name":"C","entityType":"(removed)","observations":["of nobody"]}
        {"type":"relation","from":"A","to":"B","relationType":"is"}
        {"type":"relation","from":"B","to":"D","relationType":"is"}
        """)
  }

  @Test func observationsThatOutliveTheirEntityAreStillShown() throws {
    let file = #"{"type":"entity","name":"A","entityType":"t","observations":["x","y"],"more":1}"# + "\n"
    let removed = try rewritten(file) {
      $0.remove("entity:A")
      $0.removeObservation(#""x""#, of: "A")
    }
    #expect(removed == #"{"type":"entity","name":"A","entityType":"(removed)","observations":["y"]}"# + "\n")
    // The entity comes back, and takes the place.
    let back = try rewritten(removed) {
      $0.set("entity:A", #"{"type":"entity","name":"A","entityType":"u","observations":[]}"#)
    }
    #expect(back == #"{"type":"entity","name":"A","entityType":"u","observations":["y"]}"# + "\n")
    #expect(try rewritten(removed) { $0.removeObservation(#""y""#, of: "A") } == "")
  }

  @Test func whatAFileCannotHoldIsLeftOut() throws {
    let file = "{\"type\":\"entity\",\"name\":\"A\",\"observations\":[]}\n"
    let edited = try rewritten(file) { $0.set("7", #"{"id":"7","type":"entity","name":"B","observations":["x"]}"#) }
    #expect(edited == file)
  }

  @Test func aMapChangesMemberByMember() throws {
    let file = "{\n  \"\\u0061\": {\"n\": 1.0,  \"m\": 2},\n  \"b\": \"x\"\n}\n"
    let edited = try rewritten(file, .map) {
      $0.set("a", #"{"id":"\u0061","n":1.0,"m":3}"#)
      $0.set("b", #"{"id":"b","value":"y"}"#)
      $0.set("c", #"{"id":"c","value":7}"#)
    }
    #expect(edited == "{\n  \"\\u0061\": {\"n\": 1.0,  \"m\": 3},\n  \"b\": \"y\",\n  \"c\": 7\n}\n")
  }

  @Test func stringsComeBehindTheLastString() throws {
    let content = #"{"content":"z"}"#
    let edited = try rewritten("[\n  \"x\", \"y\",\n  {\"id\": 1}\n]", .strings) {
      $0.set(EntryIdentity.contentID(of: Array(content.utf8)), content)
    }
    #expect(edited == "[\n  \"x\", \"y\",\n  \"z\",\n  {\"id\": 1}\n]")
  }

  @Test func linesThatWereNothingYetAreWritten() {
    var memory = Memory([])
    memory.set("a", #"{"id":"a"}"#)
    for format in [MemoryFormat.jsonLines, .graph] {
      #expect(
        MemoryDocument(format: format, items: []).rewritten([], toHold: memory.entries)
          == Array("{\"id\":\"a\"}\n".utf8))
    }
    #expect(
      MemoryDocument(format: .jsonArray, items: []).rewritten([], toHold: memory.entries)
        == MemoryFormat.jsonArray.render(memory.entries))
  }

  @Test func linesOfWhichNoneWouldBeNamedAreLeftOut() throws {
    var memory = Memory([])
    let nameless = #"{"text":"x"}"#
    memory.set(EntryIdentity.contentID(of: Array(nameless.utf8)), nameless)
    #expect(MemoryFormat.jsonLines.heldTogether(memory.entries).isEmpty)
    #expect(MemoryFormat.graph.heldTogether(memory.entries).count == 1)
    let file = #"{"id":"a"}"# + "\n" + nameless + "\n"
    #expect(try rewritten(file, .jsonLines) { $0.remove("a") } == "")
    #expect(try rewritten(file, .graph) { $0.remove("a") } == nameless + "\n")
  }
}
