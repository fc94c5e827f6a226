import Memory
import Synchronization

@testable import Checkpointing

extension InMemoryCheckpointStore {
  /// Replaces a payload or a content's bytes as a broken disk would.
  func damage(_ change: (_ content: [UInt8]) -> [UInt8]?, blob: (_ bytes: [UInt8]) -> [UInt8]? = { $0 }) {
    content.withLock { content in
      for (key, value) in content.values where value.isLive {
        content.values[key] = change(value.content).map { Entry(content: $0, metadata: value.metadata) }
      }
      for (digest, bytes) in content.blobs { content.blobs[digest] = blob(bytes) }
      content.revision += 1
    }
  }
}
