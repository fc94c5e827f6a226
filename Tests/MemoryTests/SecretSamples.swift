/// Secrets made up for tests; none is written here whole, so that no other scanner takes this file for a leak.
enum SecretSamples {
  /// Letters and digits as if drawn by lot, the same every time.
  static func lot(
    _ count: Int, of alphabet: String = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", seed: UInt64 = 7
  )
    -> String
  {
    let letters = Array(alphabet)
    var state = seed
    return String(
      (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return letters[Int(state >> 33) % letters.count]
      })
  }

  static let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
  static let hex = "0123456789abcdef"

  /// A text, the rule that finds it, and the secret in it.
  static let all: [(rule: String, text: String, secret: String)] = [
    formed("private-key", "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + lot(70) + "\n"),
    formed("private-key", "-----BEGIN " + "PRIVATE KEY-----\\n" + lot(64) + "\\n"),
    formed("aws-access-key", "AK" + "IA" + lot(16, of: upper)),
    ("aws-secret-key", "aws_secret_access_key = " + lot(40), lot(40)),
    formed("github-token", "gh" + "p_" + lot(36)), formed("github-token", "gh" + "o_" + lot(36)),
    formed("github-token", "github" + "_pat_" + lot(22) + "_" + lot(59)),
    formed("gitlab-token", "glp" + "at-" + lot(20)),
    formed("slack-token", "xo" + "xb-123456789012-" + lot(24)),
    formed("anthropic-key", "sk-" + "ant-api03-" + lot(90)),
    formed("openai-key", "sk-" + "proj-" + lot(48)), formed("openai-key", "sk-" + lot(48)),
    formed("google-api-key", "AI" + "za" + lot(35)),
    formed("stripe-key", "sk_" + "live_" + lot(24)),
    formed("npm-token", "np" + "m_" + lot(36)), formed("pypi-token", "py" + "pi-AgEIcHlwaS5vcmc" + lot(60)),
    formed("jwt", "ey" + "J" + lot(30) + ".ey" + "J" + lot(60) + "." + lot(43)),
    ("url-credentials", "clone https://ada:" + "s3cr3tpw" + "@git.example.org/x.git", "s3cr3tpw"),
    ("url-credentials", "postgres://app:" + lot(12) + "@db:5432/app", lot(12)),
    ("password", "password=" + "hunter2x", "hunter2x"),
    ("password", "DB_PASSWORD: '" + "Tr0ub4dor&3" + "'", "Tr0ub4dor&3"),
    ("password", "the admin password is " + "hunter22" + ", do not tell", "hunter22"),
    ("password", "{\"pwd\": \"" + "hunter2x" + "\"}", "hunter2x"),
    ("secret-assignment", "api_key: \"" + lot(32) + "\"", lot(32)),
    ("secret-assignment", "export MY_API_KEY=" + lot(32, of: hex), lot(32, of: hex)),
    ("secret-assignment", "Authorization: Bearer " + lot(40), lot(40)),
    ("secret-assignment", "API key: " + lot(24), lot(24)),
    ("high-entropy", "use the deploy token " + lot(28) + "7a9K2b for CI", lot(28)),
  ]

  private static func formed(_ rule: String, _ text: String) -> (rule: String, text: String, secret: String) {
    (rule, "note: " + text, String(text.suffix(16)))
  }

  /// What people write every day.
  static let ordinary = [
    "Prefers tabs in Go, two spaces everywhere else", "The flaky test waits for a port; give it port 0",
    "Password policy: at least 12 characters, one digit", "The password is bcrypt2-hashed with cost 12",
    "password: argon2id, cost 3", "Passwords are kept in the keyring, never in memory",
    "Ask Zoë for the password: she keeps it in the vault", "password: required", "password: <password>",
    "password=$DB_PASSWORD", "password=${DB_PASSWORD}", "PASSWORD=changeme", "password: xxxxxxxx", "password: ********",
    "api_key: \"YOUR_API_KEY\"", "api_key = os.environ[\"API_KEY\"]", "token = request.headers.get('X-Token')",
    "let token = parser.nextToken(after: 12)", "token: string; // from config.auth.token2",
    "token: /run/secrets/deploy-token1",
    "The token bucket uses TokenBucketRateLimiterV2Factory123", "max_tokens: 200000, tokenizer: cl100k_base_2024_06_01",
    "Secrets are rotated on 2026-09-30; secret: 2026-09-30T10:00:00Z",
    "The token fix landed in 3f786850e387550fdab836ed7e6dc881de23001b",
    "commit: 3f786850e387550fdab836ed7e6dc881de23001b",
    "sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "session_id: 550e8400-e29b-41d4-a716-446655440000", "key: value", "primary key: customer_id_2024_partitioned",
    "the secret scanner is in Sources/Memory/Secrets/SecretScanner2Test.swift",
    "see https://example.com/runbook?a=1&b=2",
    "https://user:password@localhost/ is the form", "https://user:$PASS@host/x",
    "git@github.com:ada/notes.git at 10:30",
    "ssh://git@host:2222/memory.git", "AKIAIOSFODNN7EXAMPLE is the key in the manual",
    "sk-learn is spelled scikit-learn; sk-ecommerce-platform-integration-tests", "task-1234-abcd5678-efgh9012-ijkl",
    "Tokens start with ghp_ and have 36 characters: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "A key file begins with -----BEGIN PRIVATE KEY----- and ends likewise",
    "xoxb- tokens are for bots; xoxb-your-token-here",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "Rollback: git revert, never force", "the build is 20260212.3 on x86_64-unknown-linux-gnu",
    "secret santa is on 24 December",
    "The secret is to run make clean first", "auth: uses OAuth2 with PKCE; authorization: required for /admin",
    "access key rotation happens every 90 days", "credentials: see 1Password item \"staging\"",
    "first-pass: 12 of 14 tests",
    "password: 8-16 characters", "Bearer tokens expire after 3600 seconds",
    "token is refreshed every 15 minutes by cron",
    "api_key: see vault path secret/data/ci", "secret_name: prod/db/password-2", "token: deploy-token-2026-03",
  ]
}
