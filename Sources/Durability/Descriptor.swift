import Glibc

/// Owns one open file descriptor. Closed once, in `deinit` or by `close()`.
struct Descriptor: ~Copyable {
  let number: Int32

  init(adopting number: Int32) { self.number = number }

  deinit { _ = Glibc.close(number) }

  /// Closes and reports what a delayed write may report only now.
  consuming func close() -> Int32 {
    let result = Glibc.close(number)
    let failure = result == 0 ? 0 : errno
    discard self
    // On Linux the descriptor is gone after EINTR too; data was synced before.
    return failure == EINTR ? 0 : failure
  }
}

/// Repeats a call while a signal interrupts it; returns its value, or the negated errno.
func retrying(_ call: () -> Int) -> Int {
  while true {
    let result = call()
    if result >= 0 { return result }
    let failure = errno
    if failure != EINTR { return -Int(failure) }
  }
}

/// The folder part of a path: "/a/b" → "/a", "b" → ".", "/b" → "/".
func folder(of path: String) -> String {
  let bytes = Array(path.utf8)
  guard let slash = bytes.lastIndex(of: 0x2F) else { return "." }
  return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
}
