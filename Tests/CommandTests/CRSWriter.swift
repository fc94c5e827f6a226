import Glibc
import Processes

/// A `crs apply` at work, line by line: what it says is kept is waited for before it is killed.
enum CRSWriter {
  static func send(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if sent < 0 { return }
      rest = rest.dropFirst(sent)
    }
  }

  /// Reads until the text holds `needle`; false at the end of the stream.
  static func wait(for needle: String, from descriptor: Int32, _ text: inout String) -> Bool {
    while !text.contains(needle) {
      var polls = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
      guard poll(&polls, 1, 60_000) > 0 else { return false }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let got = read(descriptor, &buffer, buffer.count)
      if got == 0 { return false }
      if got > 0 { text += String(decoding: buffer[..<got], as: UTF8.self) }
    }
    return true
  }
}
