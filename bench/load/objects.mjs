// Load on shared objects over WebSockets, one process for writers and one for readers. Prints one line of JSON.
//   objects.mjs increment URL KEY SECONDS WINDOW FILE    a connection for each {channel, counter} in FILE
//   objects.mjs read URL KEY SECONDS READERS CHANNEL     counts changes from when all are attached
//   objects.mjs attach URL KEY TIMES CHANNEL             how long until all objects are there
import { readFileSync } from "node:fs";
import WebSocket from "ws";

const OBJECT_SUBSCRIBE = 1 << 24;
const OBJECT_PUBLISH = 1 << 25;
const ATTACH_AT_ONCE = 50;
const [mode, url, key, ...rest] = process.argv.slice(2);

/** A connection that tells `onFrame` of every frame; what it resolves to is attached. */
async function attach(channel, flags, onFrame) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/?key=${key}&format=json&v=6&heartbeats=false`, {
    perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (data) => {
      // A look at the number is enough: the generator must not be what is measured.
      const action = Number.parseInt(data.toString("latin1", 10, 12), 10);
      if (action === 4) socket.send(JSON.stringify({ action: 10, channel, flags }));
      else if (action === 2 || action === 9) reject(new Error(data.toString()));
      else if (action === 11) resolve();
      onFrame(action, data, socket);
    });
  });
  return socket;
}

async function increment([seconds, window, file]) {
  const targets = JSON.parse(readFileSync(file));
  const latencies = [];
  let acknowledged = 0;
  let measuring = false;
  const writers = [];
  for (let from = 0; from < targets.length; from += ATTACH_AT_ONCE) {
    writers.push(...(await Promise.all(targets.slice(from, from + ATTACH_AT_ONCE).map(writer))));
  }
  async function writer({ channel, counter }) {
    let next = 0;
    let answered = 0;
    const sentAt = [];
    const state = [{ operation: { action: 4, objectId: counter, counterInc: { number: 1 } } }];
    const send = () => {
      sentAt.push(performance.now());
      socket.send(JSON.stringify({ action: 19, channel, msgSerial: next++, state }));
    };
    const socket = await attach(channel, OBJECT_PUBLISH, (action, data) => {
      if (action !== 1) return;
      const { count } = JSON.parse(data);
      const now = performance.now();
      for (let n = 0; n < count; n++) {
        const sent = sentAt[answered++];
        if (measuring) latencies.push(now - sent);
        if (!stopped) send();
      }
      if (measuring) acknowledged += count;
    });
    return () => Array.from({ length: Number(window) }, send);
  }
  let stopped = false;
  writers.forEach((start) => start());
  await new Promise((resolve) => setTimeout(resolve, 2000));
  measuring = true;
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  measuring = false;
  const took = (performance.now() - began) / 1000;
  stopped = true;
  latencies.sort((a, b) => a - b);
  return { perSecond: acknowledged / took, p50: latencies.at(latencies.length / 2), p99: latencies.at(latencies.length * 0.99) };
}

async function read([seconds, readers, channel]) {
  let changes = 0;
  let measuring = false;
  for (let from = 0; from < readers; from += ATTACH_AT_ONCE) {
    const some = Array.from({ length: Math.min(ATTACH_AT_ONCE, readers - from) }, () =>
      attach(channel, OBJECT_SUBSCRIBE, (action, data) => {
        if (action === 19 && measuring) changes += data.toString("latin1").split('"counterInc"').length - 1;
      }),
    );
    await Promise.all(some);
  }
  console.error("attached");
  measuring = true;
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  measuring = false;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: changes / seconds, generatorShare: (user + system) / 1e6 / seconds };
}

async function attachAgain([times, channel]) {
  const took = [];
  let bytes = 0;
  for (let n = 0; n < times; n++) {
    let synced;
    const done = new Promise((resolve) => (synced = resolve));
    let began = 0;
    bytes = 0;
    const socket = await attach(channel, OBJECT_SUBSCRIBE, (action, data) => {
      if (action === 4) began = performance.now();
      if (action !== 20) return;
      bytes += data.length;
      if (JSON.parse(data).channelSerial.endsWith(":")) synced(performance.now() - began);
    });
    took.push(await done);
    socket.close();
  }
  took.sort((a, b) => a - b);
  return { ms: took.at(took.length / 2), max: took.at(-1), bytes };
}

const modes = { increment, read, attach: attachAgain };
console.log(JSON.stringify(await modes[mode](rest)));
process.exit(0);
