import Glibc

extension RealFileSystem {
  /// Hands the pieces of a file to its argument, in order. It may be asked twice, and hands out the same each time.
  public typealias Pieces = ((RawSpan) throws(StorageError) -> Void) throws(StorageError) -> Void

  /// Replaces a file as ``replace(_:with:mode:ifStill:)`` does, unless it holds these bytes already; they are never all in
  /// memory here.
  /// - Parameter byteCount: how many bytes the pieces have together.
  /// - Returns: whether it wrote.
  public func replaceIfChanged(_ path: String, byteCount: Int, mode: ReplacementMode, _ pieces: Pieces)
    throws(StorageError) -> Bool
  {
    if let there = try information(path, followingLinks: true), there.kind == .file,
      there.sizeBytes == Int64(byteCount), holds(path, pieces)
    {
      return false
    }
    try replace(path, mode: mode, ifStill: nil, pieces)
    return true
  }

  /// Whether the file's bytes are the pieces. A file that cannot be read is taken as different.
  private func holds(_ path: String, _ pieces: Pieces) -> Bool {
    guard let file = try? open(path, O_RDONLY, operation: "read") else { return false }
    let number = file.number
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    let differs = StorageError(.changed, operation: "compare", path: path)
    do throws(StorageError) {
      try pieces { piece throws(StorageError) in
        var offset = 0
        while offset < piece.byteCount {
          let wanted = min(buffer.count, piece.byteCount - offset)
          let got = buffer.withUnsafeMutableBytes { bytes in retrying { Glibc.read(number, bytes.baseAddress, wanted) }
          }
          guard got > 0 else { throw differs }
          let isEqual = piece.extracting(offset..<offset + got).withUnsafeBytes { expected in
            buffer.withUnsafeBytes { memcmp($0.baseAddress!, expected.baseAddress!, got) == 0 }
          }
          guard isEqual else { throw differs }
          offset += got
        }
      }
      return true
    } catch {
      return false
    }
  }
}
