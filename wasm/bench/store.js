// What the benchmarks ask, and how they are timed.

export const DOCUMENTS = 40_000;
export const GROUPS = 2_000;
export const USERS = 10_000;

let state = 7;
/** A number below this one: the same numbers in every run. */
export const random = (below) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

/** 100,000 tuples: documents shared with groups and users, groups of users. */
export function snapshot() {
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
export function measure(what, rounds) {
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
