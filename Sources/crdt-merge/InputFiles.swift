import Glibc
import Memory

/// The files that the arguments of a merge stand for.
enum InputFiles {
  /// Reads files, folders and `-`.
  ///
  /// Reports every one that cannot be read, not only the first; a folder without host files is an error too.
  static func read(_ arguments: [String]) throws(CommandFailure) -> [Source] {
    var sources: [Source] = []
    for path in try paths(arguments) {
      let bytes = path == "-" ? try read(STDIN_FILENO, sizeHint: 0, name: "standard input") : try readFile(path)
      sources.append(Source(name: path == "-" ? "stdin" : path, bytes: bytes))
    }
    return sources
  }

  /// Replaces each folder by its host files, in byte order.
  private static func paths(_ arguments: [String]) throws(CommandFailure) -> [String] {
    var paths: [String] = []
    for argument in arguments {
      if argument == "-" {
        if !paths.contains("-") { paths.append("-") }
        continue
      }
      var information = stat()
      guard stat(argument, &information) == 0 else { throw CommandFailure(reading: argument, errno: errno) }
      if information.st_mode & S_IFMT == S_IFDIR {
        let found = try hostFiles(in: argument)
        guard !found.isEmpty else {
          throw CommandFailure(CommandFailure.noInput, "\(argument): no host files (memory-<host>.json) in this folder")
        }
        paths += found
      } else {
        paths.append(argument)
      }
    }
    return paths
  }

  /// `memory-<host>.json` and `memory-<host>/<xx>.json`; or, in such a folder of shards itself, `<xx>.json`.
  /// `unified-memory` is derived from these and left out.
  private static func hostFiles(in folder: String) throws(CommandFailure) -> [String] {
    let prefix = folder.hasSuffix("/") ? folder : folder + "/"
    let names = try list(folder)
    var found: [String] = []
    for name in names where name.hasPrefix("memory-") && name.utf8.count > 7 {
      let path = prefix + name
      var information = stat()
      guard stat(path, &information) == 0 else { throw CommandFailure(reading: path, errno: errno) }
      if information.st_mode & S_IFMT == S_IFDIR {
        found += try list(path).filter(isShard).map { path + "/" + $0 }
      } else if name.hasSuffix(".json"), name.utf8.count > 12 {
        found.append(path)
      }
    }
    return found.isEmpty ? names.filter(isShard).map { prefix + $0 } : found
  }

  /// `<xx>.json`, two lower-case hex digits.
  private static func isShard(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    return bytes.count == 7 && name.hasSuffix(".json")
      && bytes[..<2].allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  /// The names in a folder, in byte order.
  private static func list(_ folder: String) throws(CommandFailure) -> [String] {
    guard let directory = opendir(folder) else { throw CommandFailure(reading: folder, errno: errno) }
    defer { closedir(directory) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw CommandFailure(reading: folder, errno: errno) }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// A whole file.
  static func readFile(_ path: String) throws(CommandFailure) -> [UInt8] {
    let file: FileDescriptor
    do throws(SystemError) {
      file = try FileDescriptor(path, O_RDONLY)
    } catch {
      throw CommandFailure(reading: path, errno: error.number)
    }
    var information = stat()
    guard fstat(file.number, &information) == 0 else { throw CommandFailure(reading: path, errno: errno) }
    let isFile = information.st_mode & S_IFMT == S_IFREG
    return try read(file.number, sizeHint: isFile ? Int(information.st_size) : 0, name: path)
  }

  /// Everything up to the end of a stream; one buffer where the size is known.
  private static func read(_ descriptor: Int32, sizeHint: Int, name: String) throws(CommandFailure) -> [UInt8] {
    var failure: Int32 = 0
    var isAtEnd = false
    func fill(_ buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
      var count = 0
      while count < buffer.count {
        let got = Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = errno }
        isAtEnd = got <= 0
        if isAtEnd { break }
        count += got
      }
      return count
    }
    // One byte more than the size, so that the end is seen by the same loop.
    var bytes = [UInt8](unsafeUninitializedCapacity: sizeHint + 1) { buffer, count in
      adviseHugePages(buffer)
      count = fill(buffer)
    }
    while !isAtEnd {
      bytes += [UInt8](unsafeUninitializedCapacity: max(1 << 16, bytes.count)) { buffer, count in count = fill(buffer) }
    }
    if failure != 0 { throw CommandFailure(reading: name, errno: failure) }
    return bytes
  }

  /// Asks for large pages where a file is large: half of reading one is otherwise spent on page faults (measured).
  private static func adviseHugePages(_ buffer: UnsafeMutableBufferPointer<UInt8>) {
    guard buffer.count >= 1 << 21, let start = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
    let intoPage = Int(bitPattern: start) & 4095
    // Advice only: where it is not taken, nothing is lost but time.
    _ = madvise(start - intoPage, buffer.count + intoPage, MADV_HUGEPAGE)
  }
}
