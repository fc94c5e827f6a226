import Memory

/// Keeps secrets out of what goes to every host.
public enum SecretRefusal {
  /// - Throws: `secretFound`, with the rule and the element, never with the secret.
  /// - Complexity: O(*n*)
  public static func check(_ json: [UInt8], _ scanner: SecretScanner) throws(CRSError) {
    guard let finding = scanner.findings(in: json).first else { return }
    throw CRSError(
      .secretFound, "\(finding.member) looks like a secret (\(finding.rule))",
      remedy: "Nothing of it was kept. Take it out, or let the rule through with --allow \(finding.rule)")
  }
}
