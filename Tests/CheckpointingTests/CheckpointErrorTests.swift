import Checkpointing
import Testing

@Suite struct CheckpointErrorTests {
  @Test func everyCodeHasAnExitCodeOfSysexits() {
    for code in CheckpointError.Code.allCases {
      #expect((64...78).contains(CheckpointError(code, "x").exitCode), "\(code)")
    }
    #expect(CheckpointError(.store, "x", underlyingExitCode: 75).exitCode == 75)
  }
}
