// The Worker as it would be deployed, in real workerd: the bundle that wrangler
// makes, with the settings of `wrangler.jsonc`.

import { once } from "node:events";
import { readdirSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { fileURLToPath } from "node:url";

import { Miniflare } from "miniflare";
import { unstable_readConfig } from "wrangler";
import { WebSocket } from "ws";

import { compiled, signingKey } from "./world.js";

const built = process.env.DEPUTIZE_BUILT;
const config = unstable_readConfig({ config: fileURLToPath(new URL("../wrangler.jsonc", import.meta.url)) });
const wasm = readdirSync(built).find((name) => name.endsWith(".wasm"));

/** A port of its own for each Worker: nothing stands before it that could make a path right. */
const DIRECT = { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] };

/**
 * An upstream that is a Worker: it says what came to it. And it writes to the
 * KV for the tests: Miniflare's own way in is now and then without an answer.
 */
const ECHO = `export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/kv/put") return new Response(await env[searchParams.get("kv")].put(searchParams.get("key"), await request.arrayBuffer()));
    if (pathname === "/kv/delete") return new Response(await env[searchParams.get("kv")].delete(searchParams.get("key")));
    if (searchParams.has("throw")) throw new Error("no");
    if (searchParams.has("wait")) await scheduler.wait(60_000);
    if (searchParams.has("status")) return new Response("as it is", { status: Number(searchParams.get("status")), headers: { location: "https://elsewhere.example/", "x-own": "1" } });
    return Response.json({ method: request.method, url: request.url, path: pathname, body: await request.text(), headers: Object.fromEntries(request.headers) });
  },
}`;

/** The upstream's options; it may write to these namespaces, by name. */
export function echoWorker(...kvNamespaces) {
  return { name: "echo", modules: true, script: ECHO, compatibilityDate: config.compatibility_date, kvNamespaces, ...DIRECT };
}

/** A namespace to write to. */
export async function openKv(miniflare, kv = "policies") {
  const echo = await miniflare.unsafeGetDirectURL("echo");
  const write = async (what, key, body) => {
    const { ok } = await fetch(new URL(`/kv/${what}?${new URLSearchParams({ kv, key })}`, echo), { method: "POST", body });
    if (!ok) throw new Error(`KV: ${what} ${key}`);
  };
  return { put: (key, body) => write("put", key, body), delete: (key) => write("delete", key) };
}

/** A Worker's options, for Miniflare; `vars` stand in place of those in `wrangler.jsonc`, `undefined` for none. */
export function gateWorker(name, { vars = {}, without = [], kv = "policies" } = {}) {
  const bindings = { ...config.vars, REFRESH_SECONDS: 1, SIGNING_KEY: signingKey(), ...vars };
  for (const [name, value] of Object.entries(bindings)) if (value === undefined) delete bindings[name];
  return {
    name,
    modulesRoot: built,
    modules: [
      { type: "ESModule", path: `${built}/index.js` },
      { type: "CompiledWasm", path: `${built}/${wasm}` },
    ],
    compatibilityDate: config.compatibility_date,
    bindings,
    ...DIRECT,
    ...(without.includes("POLICIES") ? {} : { kvNamespaces: { POLICIES: kv } }),
    ...(without.includes("UPSTREAM") ? {} : { serviceBindings: { UPSTREAM: "echo" } }),
  };
}

/** Publishes a snapshot as `publish.js` does: first the bytes, then the manifest. */
export async function publish(kv, options, { manifest = {}, damage = (bytes) => bytes } = {}) {
  const { bytes, digest, revision } = options.bytes === undefined ? compiled(options) : options;
  const key = `snapshot/${digest}`;
  await kv.put(key, damage(bytes));
  await kv.put("snapshot/newest", JSON.stringify({ revision, digest, key, ...manifest }));
}

/**
 * Starts the Worker.
 *
 * @param snapshot What lies in KV at first; `null` for nothing.
 */
export async function start({ vars = {}, snapshot = {} } = {}) {
  let logged = "";
  const miniflare = new Miniflare({
    inspectorPort: 0,
    handleRuntimeStdio(out, err) {
      for (const stream of [out, err]) {
        stream.setEncoding("utf8");
        stream.on("data", (chunk) => (logged += chunk));
      }
    },
    workers: [gateWorker("gate", { vars }), echoWorker("policies")],
  });
  await miniflare.ready;
  const url = await miniflare.unsafeGetDirectURL("gate");
  const kv = await openKv(miniflare);
  const gate = {
    kv,
    /** Everything that the Worker has logged, one object a line. */
    log: () => logged.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)),
    raw: () => logged,
    /** Calls `watch` with what says how many bytes the Worker's JavaScript takes, garbage included. */
    watchHeap: async (watch) => watchHeap(await miniflare.getInspectorURL(), watch),
    /** The line of the log that fits; it may come after the answer. */
    async logged(fits) {
      const until = Date.now() + 5_000;
      for (;;) {
        const found = gate.log().find(fits);
        if (found !== undefined || Date.now() > until) return found;
        await later(10);
      }
    },
    /** Publishes a snapshot as `publish.js` does: first the bytes, then the manifest. */
    publish: (options, how) => publish(kv, options, how),
    /** One request, its path sent as it is written; `body` may be a function that writes it. */
    ask(path, { method = "GET", token, headers = {}, body, agent, signal } = {}) {
      const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return new Promise((resolve, reject) => {
        const options = { agent: agent ?? false, host: url.hostname, port: url.port, method, path, signal, headers: { ...authorization, ...headers } };
        const sent = httpRequest(options, (answer) => {
          let text = "";
          answer.setEncoding("utf8");
          answer.on("data", (chunk) => (text += chunk));
          answer.on("end", () => {
            const json = /json/.test(answer.headers["content-type"] ?? "") && text !== "" ? JSON.parse(text) : undefined;
            resolve({ status: answer.statusCode, headers: answer.headers, text, json });
          });
          answer.on("error", reject);
        });
        sent.on("error", reject);
        if (typeof body === "function") body(sent);
        else sent.end(body);
      });
    },
    form(fields, options = {}) {
      const headers = { "content-type": "application/x-www-form-urlencoded", ...options.headers };
      return gate.ask("/oauth/token", { method: "POST", ...options, headers, body: new URLSearchParams(fields).toString() });
    },
    async stop() {
      await miniflare.dispose();
    },
  };
  if (snapshot !== null) await gate.publish(snapshot);
  return gate;
}

/** Asks until it comes out as wanted; fails after ten seconds. */
export async function eventually(ask, fits) {
  const until = Date.now() + 10_000;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > until) throw new Error(`still ${answer.status} ${answer.text}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export const later = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function watchHeap(inspector, watch) {
  const list = await fetch(new URL("/json/list", String(inspector).replace(/^ws/, "http")));
  const { webSocketDebuggerUrl } = (await list.json()).find(({ id }) => id === "core:user:gate");
  const socket = new WebSocket(webSocketDebuggerUrl);
  await once(socket, "open");
  try {
    return await watch(async () => {
      socket.send(JSON.stringify({ id: 1, method: "Runtime.getHeapUsage" }));
      const [said] = await once(socket, "message");
      return JSON.parse(said).result.usedSize;
    });
  } finally {
    socket.close();
    await once(socket, "close");
  }
}
