import CCrypto

/// SHA-256 (FIPS 180-4), by the system's libcrypto.
enum SHA256Digest {
  /// Bytes of a digest.
  static let count = 32

  /// The digest of some bytes.
  static func of(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { digest, initialized in
      // The one-shot function fails only for a null output.
      let written = bytes.withUnsafeBufferPointer { SHA256($0.baseAddress, $0.count, digest.baseAddress) }
      precondition(written != nil, "libcrypto computes SHA-256")
      initialized = count
    }
  }
}
