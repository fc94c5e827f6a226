// Everything that is known of secrets, as tables. A rule is found by the plain characters its pattern starts with; see
// `SecretPattern` for the language. Where two rules fit, the first is named.

extension SecretRule {
  /// The rules of this version.
  public static let builtIn: [SecretRule] = [
    builtIn("private-key", "-----BEGIN PRIVATE KEY-----", .keyBlock),
    builtIn("private-key", "-----BEGIN RSA PRIVATE KEY-----", .keyBlock),
    builtIn("private-key", "-----BEGIN EC PRIVATE KEY-----", .keyBlock),
    builtIn("private-key", "-----BEGIN DSA PRIVATE KEY-----", .keyBlock),
    builtIn("private-key", "-----BEGIN OPENSSH PRIVATE KEY-----", .keyBlock),
    builtIn("private-key", "-----BEGIN ENCRYPTED PRIVATE KEY-----", .keyBlock),
    builtIn("private-key", "-----BEGIN PGP PRIVATE KEY BLOCK-----", .keyBlock),
    builtIn("private-key", "PuTTY-User-Key-File-[0-9]: ", .keyBlock),
    builtIn("age-secret-key", "AGE-SECRET-KEY-1[A-Z0-9]{58}", .random),

    builtIn("aws-access-key", "AKIA[A-Z0-9]{16}", .random),
    builtIn("aws-access-key", "ASIA[A-Z0-9]{16}", .random),
    builtIn("google-api-key", "AIza[A-Za-z0-9_-]{35}", .random),
    builtIn("google-oauth", "GOCSPX-[A-Za-z0-9_-]{20,}", .random),
    builtIn("google-oauth", "ya29.[A-Za-z0-9_-]{20,}", .random),
    builtIn("azure-storage-key", "AccountKey=[A-Za-z0-9+/=]{40,}", .random),
    builtIn("digitalocean-token", "dop_v1_[a-f0-9]{64}", .random),

    builtIn("github-token", "ghp_[A-Za-z0-9]{36,}", .random),
    builtIn("github-token", "gho_[A-Za-z0-9]{36,}", .random),
    builtIn("github-token", "ghu_[A-Za-z0-9]{36,}", .random),
    builtIn("github-token", "ghs_[A-Za-z0-9]{36,}", .random),
    builtIn("github-token", "ghr_[A-Za-z0-9]{36,}", .random),
    builtIn("github-token", "github_pat_[A-Za-z0-9_]{22,}", .random),
    builtIn("gitlab-token", "glpat-[A-Za-z0-9_.-]{20,}", .random),
    builtIn("gitlab-token", "gldt-[A-Za-z0-9_-]{20,}", .random),
    builtIn("gitlab-token", "glrt-[A-Za-z0-9_.-]{20,}", .random),
    builtIn("atlassian-token", "ATATT3[A-Za-z0-9_=-]{40,}", .random),

    builtIn("anthropic-key", "sk-ant-[A-Za-z0-9_-]{20,}", .random),
    builtIn("openai-key", "sk-proj-[A-Za-z0-9_-]{20,}", .random),
    builtIn("openai-key", "sk-svcacct-[A-Za-z0-9_-]{20,}", .random),
    builtIn("openai-key", "sk-[A-Za-z0-9_-]{20,}", .random),
    builtIn("huggingface-token", "hf_[A-Za-z0-9]{30,}", .random),

    builtIn("slack-token", "xox[abeoprs]-[A-Za-z0-9-]{10,}", .random),
    builtIn("slack-token", "xapp-[A-Za-z0-9-]{20,}", .random),
    builtIn("slack-webhook", "https://hooks.slack.com/services/[A-Z0-9]{6,}/[A-Z0-9]{6,}/[A-Za-z0-9]{16,}", .random),
    builtIn("stripe-key", "sk_live_[A-Za-z0-9]{16,}", .random),
    builtIn("stripe-key", "rk_live_[A-Za-z0-9]{16,}", .random),
    builtIn("stripe-webhook-secret", "whsec_[A-Za-z0-9]{24,}", .random),
    builtIn("sendgrid-key", "SG.[A-Za-z0-9_-]{16,}.[A-Za-z0-9_-]{16,}", .random),
    builtIn("shopify-token", "shpat_[a-f0-9]{32}", .random),
    builtIn("vault-token", "hvs.[A-Za-z0-9_-]{24,}", .random),

    builtIn("npm-token", "npm_[A-Za-z0-9]{36}", .random),
    builtIn("pypi-token", "pypi-[A-Za-z0-9_-]{32,}", .random),
    builtIn("docker-token", "dckr_pat_[A-Za-z0-9_-]{20,}", .random),
    builtIn("jwt", "eyJ[A-Za-z0-9_-]{8,}.eyJ[A-Za-z0-9_-]{24,}", .random),
  ]

  private static func builtIn(_ name: String, _ pattern: String, _ check: Check) -> SecretRule {
    guard let pattern = try? SecretPattern(pattern) else { preconditionFailure("the pattern of \(name) is malformed") }
    return SecretRule(name: name, pattern: pattern, check: check)
  }
}

/// Rules that look at what stands around a value rather than at its form.
public enum ContextualSecret: String, CaseIterable, Sendable {
  /// A value under or behind a word such as `password`.
  case password
  /// A value drawn by lot under or behind a word such as `api_key` or `token`.
  case secretAssignment = "secret-assignment"
  /// 40 characters behind an access key's name.
  case awsSecretKey = "aws-secret-key"
  /// `https://user:pass@host`
  case urlCredentials = "url-credentials"
  /// A string drawn by lot near a word such as `token` or `secret`.
  case highEntropy = "high-entropy"
}

enum SecretWords {
  /// Words a name ends with when its value is a password.
  static let password = ["password", "passwd", "passphrase", "passwort", "pwd"]
  /// Words a name ends with when its value is a key of some kind.
  static let token = [
    "token", "secret", "apikey", "secretkey", "accesskey", "privatekey", "credential", "authorization", "bearer",
  ]
  /// Words that make a following `key` one to keep secret.
  static let beforeKey: Set<String> = [
    "access", "account", "api", "auth", "encryption", "master", "private", "secret", "service", "signing",
  ]
  /// Words near which a string drawn by lot is taken for a secret.
  static let nearby = [
    "token", "secret", "password", "passwd", "credential", "api key", "apikey", "api_key", "api-key", "access key",
  ]
  /// Members that say what another member of the object is.
  static let naming: Set<String> = ["id", "key", "label", "name", "title"]
  /// Members that hold what a naming member names.
  static let holding: Set<String> = ["content", "contents", "text", "value"]

  /// Whoever writes these means no secret.
  static let placeholderParts = [
    "example", "xxxxxxxx", "placeholder", "changeme", "change-me", "change_me", "changeit", "redacted", "your-",
    "your_",
    "...", "\u{2026}", "****",
  ]
  /// Nor these, in a value so short that they are not there by chance.
  static let shortPlaceholderParts = ["dummy", "xxxx"]
  /// Nor these, as the whole value.
  static let placeholders: Set<String> = [
    "bearer", "default", "disabled", "enabled", "expired", "foobar", "forgotten", "hidden", "incorrect", "invalid",
    "keyring", "masked", "missing", "optional", "passphrase", "password", "passwd", "postgres", "prompt", "required",
    "secret", "string", "unknown", "username", "string?", "unset", "pass1234",
  ]
  /// Names of methods, which hold digits and are no passwords.
  static let methods = [
    "argon2", "base32", "base64", "bcrypt", "blake", "ed25519", "hmac", "http", "md5", "oauth", "pbkdf2", "rfc", "rsa",
    "scrypt", "sha1", "sha2", "sha3", "sha5", "sha-", "totp", "utf-", "utf8",
  ]
}
