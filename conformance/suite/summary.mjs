// A vitest reporter: names each failure as it happens and counts. Everything that is neither a pass nor skipped on
// purpose is a failure: also a test that never ran, and an error outside any test.
export class Summary {
  totals = { passed: 0, failed: 0, skipped: 0 }

  onTestCaseResult(test) {
    const { state, errors = [] } = test.result()
    if (state === "failed") this.#show(test.fullName, errors[0])
  }

  onTestRunEnd(modules, unhandledErrors) {
    const outside = [...unhandledErrors, ...modules.flatMap(module => module.errors())]
    for (const error of outside) this.#show("outside any test", error)
    this.totals.failed += outside.length
    for (const test of modules.flatMap(module => [...module.children.allTests()])) {
      const { state } = test.result()
      this.totals[state === "passed" || state === "skipped" ? state : "failed"]++
    }
  }

  #show(name, error) {
    console.log(`FAILED ${name}\n       ${error?.message ?? "no message"}`)
  }
}
