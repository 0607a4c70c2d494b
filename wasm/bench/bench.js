// What a check, a filter and a load cost across the border, at 100,000 tuples:
// `npm run bench` (or `node bench/bench.js`) in `wasm/`. Times are of this
// process's CPU, so that a busy machine counts for less.

import { readFileSync } from "node:fs";

import { Policy, init, memoryBytes } from "@deputize/wasm";

const DOCUMENTS = 40_000;
const GROUPS = 2_000;
const USERS = 10_000;
const NOW = 1_763_719_200;

let state = 7;
const random = (below) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

/** 100,000 tuples: documents shared with groups and users, groups of users. */
function snapshot() {
  const tuples = new Map();
  const add = (user, relation, object) => tuples.set(`${user} ${object}`, { user, relation, object });
  for (let n = 0; n < DOCUMENTS; n++) add(`group:g${random(GROUPS)}#member`, "viewer", `document:${n}`);
  while (tuples.size < 60_000) add(`user:u${random(USERS)}`, "viewer", `document:${random(DOCUMENTS)}`);
  while (tuples.size < 100_000) add(`user:u${random(USERS)}`, "member", `group:g${random(GROUPS)}`);
  const model = `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, group#member]
`;
  return { deputize: 1, model, tuples: [...tuples.values()] };
}

/** Milliseconds of CPU of the quickest of some rounds, and of the middle one. */
function measure(what, rounds) {
  const times = [];
  for (let n = 0; n < rounds; n++) {
    const before = process.cpuUsage();
    const start = performance.now();
    what(n);
    const wall = performance.now() - start;
    const used = process.cpuUsage(before);
    // One thread's work: the collector's own threads do not count twice.
    times.push(Math.min(wall, (used.user + used.system) / 1000));
  }
  times.sort((a, b) => a - b);
  return { best: times[0], middle: times[times.length >> 1] };
}

const shown = ({ best, middle }, scale, unit) => `${(best * scale).toFixed(2)} ${unit} (middle ${(middle * scale).toFixed(2)})`;
const row = (name, value, goal) => console.log(`| ${name} | ${value} | ${goal} |`);

console.log(`node ${process.version}\n\n| what | best round | goal |\n|---|---|---|`);

const wasm = readFileSync(new URL("../dist/deputize.wasm", import.meta.url));
const imports = await (async () => {
  const module = new WebAssembly.Module(wasm);
  const found = {};
  for (const { module: room, name } of WebAssembly.Module.imports(module)) (found[room] ??= {})[name] = () => {};
  return found;
})();
// A custom section makes each another module: Node would remember the first.
const fresh = Array.from({ length: 15 }, (_, n) => new Uint8Array([...wasm, 0, 2, 1, 65 + n]));
const loading = measure((n) => new WebAssembly.Instance(new WebAssembly.Module(fresh[n]), imports), 15);
row("compile and instantiate the module", shown(loading, 1, "ms"), "8 ms");

await init();
const text = new TextEncoder().encode(JSON.stringify(snapshot()));
const empty = memoryBytes();
let policy = Policy.fromJson(text);
const image = policy.toCompiled();
const parsed = memoryBytes() - empty;
policy.free();
row("JSON read and compiled", shown(measure(() => Policy.fromJson(text).free(), 5), 1, "ms"), "100 ms");
row("compiled form opened", shown(measure(() => Policy.fromCompiled(image).free(), 5), 1, "ms"), "");
row("memory, from JSON with all it took", `${(parsed / 1e6).toFixed(1)} MB`, "");

policy = Policy.fromCompiled(image);
const held = [];
// The first ones fill what loading has left free.
for (let n = 0; n < 10; n++) held.push(Policy.fromCompiled(image));
const base = memoryBytes();
for (let n = 0; n < 10; n++) held.push(Policy.fromCompiled(image));
row("memory of one more policy", `${((memoryBytes() - base) / 10e6).toFixed(1)} MB`, "20 MB");
for (const one of held) one.free();

const COUNT = 100_000;
const users = Array.from({ length: COUNT }, () => `user:u${random(USERS)}`);
const documents = Array.from({ length: COUNT }, () => `document:${random(DOCUMENTS)}`);
let allowed = 0;
const checks = measure(() => {
  for (let n = 0; n < COUNT; n++) allowed += policy.check(users[n], "viewer", documents[n]);
}, 15);
const same = measure(() => {
  for (let n = 0; n < COUNT; n++) allowed += policy.check("user:u1", "viewer", "document:1");
}, 15);
// The border alone: a question that ends before any tuple is looked at.
const border = measure(() => {
  for (let n = 0; n < COUNT; n++) allowed += policy.check(users[n], "viewer", "document:none");
}, 15);
row("check, random documents and users", shown(checks, 1e3 / COUNT, "µs"), "0.6 µs");
row("check, the same question", shown(same, 1e3 / COUNT, "µs"), "");
row("of which the border, at most (an object that nobody knows)", shown(border, 1e3 / COUNT, "µs"), "");

const ids = documents.slice(0, 10_000);
const filtering = measure((n) => policy.filter(`user:u${n}`, "viewer", ids), 30);
const crossing = measure(() => policy.filter("user:nobody", "viewer", ids.map(() => "document:1")), 30);
row("10,000 ids filtered", shown(filtering, 1, "ms"), "2.5 ms");
row("of which the border, at most (one id, and nobody asks)", shown(crossing, 1, "ms"), "");

const caller = policy.caller("user:u1", { now: NOW });
const can = measure(() => {
  for (let n = 0; n < COUNT; n++) allowed += caller.can("viewer", documents[n]);
}, 15);
row("caller.can, random documents", shown(can, 1e3 / COUNT, "µs"), "");
row("caller.filter, 10,000 ids", shown(measure(() => caller.filter("viewer", ids), 30), 1, "ms"), "");
if (allowed < 0) console.log(allowed);
