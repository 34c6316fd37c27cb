// What vitest runs. The package's own command line does not work: vitest ignores test files below node_modules.
import { runConformanceTests } from "@durable-streams/server-conformance-tests"

runConformanceTests({ baseUrl: process.env.CONFORMANCE_BASE_URL, subscriptions: true })
