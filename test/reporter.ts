/** Adds the run's sum as the very last line: `12 passed, 0 failed`, with `, 1 skipped` where there are any. */
import type { SerializedError } from "vitest";
import type { Reporter, TestModule } from "vitest/node";

export default class SumReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<SerializedError>): void {
    const sum = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests += 1;
        const { state } = test.result();
        if (state === "passed") sum.passed += 1;
        else if (state === "skipped") sum.skipped += 1;
        else sum.failed += 1;
      }
      // A file that could not be loaded, or whose hooks failed, has no failed test of its own.
      const failedTests = [...module.children.allTests("failed")].length;
      if (!module.ok() && (failedTests === 0 || tests === 0)) sum.failed += 1;
    }
    if (modules.length === 0 && errors.length === 0) sum.failed = 1;
    const line = `${sum.passed} passed, ${sum.failed} failed${sum.skipped ? `, ${sum.skipped} skipped` : ""}`;
    // After everything else has been written, whichever reporter comes last.
    process.once("exit", () => process.stdout.write(`${line}\n`));
  }
}
