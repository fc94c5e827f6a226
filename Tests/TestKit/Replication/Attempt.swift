import Replication

/// What a body gives, or `nil` where it ended with an error of one of these codes; any other error is thrown on.
///
/// For programs of simulations, whose steps may be refused for what came before, and may not fail otherwise.
public func attempting<Value>(_ codes: Set<ReplicationError.Code>, _ body: () throws -> Value) throws -> Value? {
  do { return try body() } catch let error as ReplicationError {
    guard codes.contains(error.code) else { throw error }
    return nil
  }
}
