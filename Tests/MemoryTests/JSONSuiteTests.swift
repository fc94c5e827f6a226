import Foundation
import Testing

@testable import Memory

/// All of JSONTestSuite (see SOURCE.md beside the cases), as whole texts, as memory files, and as an entry's content.
struct JSONSuiteTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var bytes: [UInt8]
    var testDescription: String { name }
  }

  static let all: [Case] = {
    let folder = Bundle.module.resourceURL?.appendingPathComponent("json-test-suite/test_parsing")
    guard let folder, let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else { return [] }
    return names.sorted().compactMap { name in
      (try? Data(contentsOf: folder.appendingPathComponent(name))).map { Case(name: name, bytes: Array($0)) }
    }
  }()

  /// What the suite leaves open: accepted are numbers of any size and lone surrogates written as escapes (the user's
  /// bytes come back), and 500 levels; refused is what is no UTF-8, and a byte order mark.
  static let open: [String: Bool] = [
    "i_number_double_huge_neg_exp.json": true,
    "i_number_huge_exp.json": true,
    "i_number_neg_int_huge_exp.json": true,
    "i_number_pos_double_huge_exp.json": true,
    "i_number_real_neg_overflow.json": true,
    "i_number_real_pos_overflow.json": true,
    "i_number_real_underflow.json": true,
    "i_number_too_big_neg_int.json": true,
    "i_number_too_big_pos_int.json": true,
    "i_number_very_big_negative_int.json": true,
    "i_object_key_lone_2nd_surrogate.json": true,
    "i_string_1st_surrogate_but_2nd_missing.json": true,
    "i_string_1st_valid_surrogate_2nd_invalid.json": true,
    "i_string_UTF-16LE_with_BOM.json": false,
    "i_string_UTF-8_invalid_sequence.json": false,
    "i_string_UTF8_surrogate_U+D800.json": false,
    "i_string_incomplete_surrogate_and_escape_valid.json": true,
    "i_string_incomplete_surrogate_pair.json": true,
    "i_string_incomplete_surrogates_escape_valid.json": true,
    "i_string_invalid_lonely_surrogate.json": true,
    "i_string_invalid_surrogate.json": true,
    "i_string_invalid_utf-8.json": false,
    "i_string_inverted_surrogates_U+1D11E.json": true,
    "i_string_iso_latin_1.json": false,
    "i_string_lone_second_surrogate.json": true,
    "i_string_lone_utf8_continuation_byte.json": false,
    "i_string_not_in_unicode_range.json": false,
    "i_string_overlong_sequence_2_bytes.json": false,
    "i_string_overlong_sequence_6_bytes.json": false,
    "i_string_overlong_sequence_6_bytes_null.json": false,
    "i_string_truncated-utf-8.json": false,
    "i_string_utf16BE_no_BOM.json": false,
    "i_string_utf16LE_no_BOM.json": false,
    "i_structure_500_nested_arrays.json": true,
    "i_structure_UTF-8_BOM_empty_object.json": false,
  ]

  /// The cases that are sound memory files as they are: an array of nothing, or of objects.
  static let memoryFiles: Set<String> = ["y_array_empty.json", "y_structure_whitespace_array.json"]

  static func isAccepted(_ name: String) -> Bool { name.hasPrefix("y_") || open[name] == true }

  @Test func `the suite is complete`() {
    #expect(JSONSuiteTests.all.count == 318)
    #expect(Set(JSONSuiteTests.all.map(\.name).filter { $0.hasPrefix("i_") }) == Set(JSONSuiteTests.open.keys))
  }

  @Test(arguments: all)
  func `as a whole text`(_ test: Case) {
    let found = scanFailure(test.bytes)
    #expect((found == nil) == JSONSuiteTests.isAccepted(test.name), "\(found as Any)")
  }

  @Test(arguments: all)
  func `as a memory file`(_ test: Case) throws {
    var table = EntryTable()
    do throws(MemoryError) {
      try table.add(Source(name: "memory-hosta.json", bytes: test.bytes))
      #expect(JSONSuiteTests.memoryFiles.contains(test.name), "accepted as a memory file")
    } catch {
      #expect(!JSONSuiteTests.memoryFiles.contains(test.name), "\(error)")
      #expect(error.source == "memory-hosta.json")
      #expect(error.line >= 1 && error.column >= 1)
      #expect(table.count == 0 && table.sources.isEmpty)
    }
  }

  /// Spliced in as a member's value. What is wrong with a text only as a whole (nothing there, text behind the end,
  /// one bracket too many) is then wrong with the entry, so no case becomes right by being spliced in.
  @Test(arguments: all)
  func `as an entry's content`(_ test: Case) throws {
    let head = #"{"id":"x","content":"#
    let tail =
      #","_crdt_metadata":{"host":"hosta","timestamp":"2026-01-02T03:04:05.678000001Z","version":1,"#
      + #""unique_id":"hosta_x_2026-01-02T03:04:05.678000001Z"}}"#
    let file = Array("[\n".utf8) + Array(head.utf8) + test.bytes + Array(tail.utf8) + Array("\n]\n".utf8)
    do throws(MemoryError) {
      let table = try EntryTable([Source(name: "memory-hosta.json", bytes: file)])
      #expect(JSONSuiteTests.isAccepted(test.name), "accepted as content")
      let output = table.write(table.join())
      let kept = withoutSpace(test.bytes)
      #expect(output == Array("[\n".utf8) + Array(head.utf8) + kept + Array(tail.utf8) + Array("\n]\n".utf8))
      if kept == test.bytes { #expect(output == file) }
      #expect(table.entries(table.join()).map(\.content) == [Array(head.utf8) + kept + [0x7D]])
    } catch {
      #expect(!JSONSuiteTests.isAccepted(test.name), "\(error)")
      #expect(error.line >= 2 || test.bytes.contains(0x0A))
      #expect(error.column >= 1)
    }
  }

  /// Written apart from the product's: drops white space where the number of unescaped quotes before it is even.
  private func withoutSpace(_ bytes: [UInt8]) -> [UInt8] {
    var isInside = false
    var isEscaped = false
    return bytes.filter { byte in
      if isInside {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInside = false
        }
        return true
      }
      isInside = byte == UInt8(ascii: "\"")
      return ![0x20, 0x09, 0x0A, 0x0D].contains(byte)
    }
  }
}
