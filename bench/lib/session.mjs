// A plain client of sessions, for what the generator in load/ does not do: it waits for what it is told.
import WebSocket from "ws";
import { webSocket } from "./realtime.mjs";

const ACK = 1;
const NACK = 2;
const CONNECTED = 4;
const ERROR = 9;
const ATTACH = 10;
const ATTACHED = 11;
const MESSAGE = 15;

export const APPEND = 5;

export class Session {
  bytes = 0;
  #serial = 0;
  #waiting = new Map();
  #attaching = new Map();
  #socket;
  #onMessage;

  /** Connects with the root key. `onMessage` hears of every frame with messages. */
  static async connect(server, onMessage = () => {}) {
    const session = new Session();
    session.#onMessage = onMessage;
    const url = `ws://127.0.0.1:${server.port}/?key=${webSocket(server).key}&format=json&v=6&heartbeats=false`;
    session.#socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
    await new Promise((resolve, reject) => {
      session.#socket.on("error", reject);
      session.#socket.on("message", (data) => {
        session.bytes += data.length;
        session.#receive(JSON.parse(data.toString()), resolve, reject);
      });
    });
    return session;
  }

  #receive(frame, connected, failed) {
    switch (frame.action) {
      case CONNECTED:
        connected();
        break;
      case ACK:
        for (let n = 0; n < frame.count; n++) {
          this.#waiting.get(frame.msgSerial + n)(frame.res?.[n]?.serials);
          this.#waiting.delete(frame.msgSerial + n);
        }
        break;
      case ATTACHED:
        this.#attaching.get(frame.channel)?.(frame);
        this.#attaching.delete(frame.channel);
        break;
      case MESSAGE:
        this.#onMessage(frame);
        break;
      case NACK:
      case ERROR:
        failed(new Error(JSON.stringify(frame)));
        // Also after the connection is there: nothing of this is expected, and whoever waits would wait for ever.
        throw new Error(JSON.stringify(frame));
    }
  }

  /** Resolves to the ATTACHED frame. */
  attach(channel) {
    return new Promise((resolve) => {
      this.#attaching.set(channel, resolve);
      this.#socket.send(JSON.stringify({ action: ATTACH, channel }));
    });
  }

  /** Publishes messages; resolves to their serials when they are acknowledged. */
  publish(channel, ...messages) {
    return new Promise((resolve) => {
      const msgSerial = this.#serial++;
      this.#waiting.set(msgSerial, resolve);
      this.#socket.send(JSON.stringify({ action: MESSAGE, channel, msgSerial, messages }));
    });
  }

  close() {
    this.#socket.close();
  }
}

/** Pages through the history of a channel before an attachment; gives the messages, oldest first, and the bytes they took. */
export async function historyUntil(server, attached) {
  const authorization = `Basic ${Buffer.from(webSocket(server).key).toString("base64")}`;
  const origin = `http://127.0.0.1:${server.port}`;
  const pages = [];
  let bytes = 0;
  let next = `/channels/${attached.channel}/messages?limit=1000&from_serial=${encodeURIComponent(attached.channelSerial)}`;
  while (next) {
    const response = await fetch(new URL(next, `${origin}/channels/${attached.channel}/messages`), { headers: { authorization } });
    if (!response.ok) throw new Error(`history: ${response.status} ${await response.text()}`);
    const body = await response.text();
    bytes += body.length;
    pages.push(JSON.parse(body));
    next = response.headers.get("link")?.match(/<([^>]+)>; rel="next"/)?.[1];
  }
  return { messages: pages.flat().reverse(), bytes };
}
