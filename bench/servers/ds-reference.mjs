// Starts the Durable Streams reference server: `node ds-reference.mjs memory|file PORT DATA_DIR`.
import { DurableStreamTestServer } from "@durable-streams/server";

const [mode, port, dataDir] = process.argv.slice(2);
const server = new DurableStreamTestServer({
  port: Number(port),
  host: "127.0.0.1",
  ...(mode === "file" ? { dataDir } : {}),
});
const url = await server.start();
process.on("SIGTERM", () => server.stop().then(() => process.exit(0)));
console.log(`listening on ${url}`);
