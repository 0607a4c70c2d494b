// Everything on this machine: the bank's snapshot in a KV of wrangler's, the
// Worker and the API behind it, and tokens to try it with.

import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

import { deputize, local, writeBank } from "./bank.js";
import { API, ISSUER, snapshotOf } from "./snapshot.js";

const root = fileURLToPath(new URL(".", import.meta.url));
const port = process.env.PORT ?? "8787";
const origin = `http://localhost:${port}`;
const env = { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" };
const here = (name) => `${local}/${name}`;

// A day's snapshot, whose tokens the bank's key and the gate's own sign.
const bank = writeBank();
rmSync(here("gate.json"), { force: true });
rmSync(here("state"), { recursive: true, force: true });
const gate = JSON.parse(deputize("keys", "-o", here("gate.json"), "--kid", "gate"));
const document = JSON.parse(readFileSync(`${bank}/snapshot.json`, "utf8"));
const issuedAt = Math.floor(Date.now() / 1000);
const keys = [...document.issuers[0].keys.keys, ...gate.keys];
const snapshot = snapshotOf(document, { keys, revision: new Date(issuedAt * 1000).toISOString(), issuedAt, lifetime: 86_400 });
writeFileSync(here("snapshot.json"), JSON.stringify(snapshot));
deputize("compile", "-s", here("snapshot.json"), "-o", here("policy.deputize"));
const published = spawnSync(process.execPath, [`${root}/publish.js`, here("policy.deputize"), "--local", "--persist-to", here("state")], { env, stdio: "inherit" });
if (published.status !== 0) process.exit(1);
writeFileSync(here("dev.vars"), `ORIGIN=${origin}\nSIGNING_KEY='${JSON.stringify(JSON.parse(readFileSync(here("gate.json"), "utf8")))}'\n`, { mode: 0o600 });

function token(name, words) {
  const common = ["--key", `${bank}/key.json`, "--issuer", ISSUER, "--audience", API, "--expires-in", "3600"];
  const file = here(`${name}.jwt`);
  writeFileSync(file, deputize("token", ...common, ...words).trim(), { mode: 0o600 });
  return `$(cat ${relative(process.cwd(), file)})`;
}

const called = (person) => ["--sub", person, "--act", "coordinator", "--act", "documents", "--scope", "documents:read"];
const nora = token("nora-documents", called("nora"));
const sara = token("sara-documents", called("sara"));
const login = token("nora", ["--sub", "nora", "--scope", "documents:read calendars:read"]);
const coordinator = token("coordinator", ["--sub", "coordinator", "--scope", "documents:read"]);
const gateway = token("gateway", ["--sub", "gateway", "--scope", "authzen:evaluate"]);

console.log(`
The API behind the gate will be at ${origin}, for an hour with these tokens. Ctrl-C ends it.

# Nora of legal, by way of two agents, reads the third section; Sara of support may not.
curl -i ${origin}/sections/dispute-policy-3 -H "Authorization: Bearer ${nora}"
curl -i ${origin}/sections/dispute-policy-3 -H "Authorization: Bearer ${sara}"

# Nobody in particular.
curl -i ${origin}/documents/fees
curl ${origin}/.well-known/oauth-protected-resource

# Nora starts the coordinator: the token that it gets is narrower and says so.
curl ${origin}/oauth/token -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \\
  -d subject_token="${login}" -d subject_token_type=urn:ietf:params:oauth:token-type:access_token \\
  -d actor_token="${coordinator}" -d actor_token_type=urn:ietf:params:oauth:token-type:access_token \\
  -d scope=documents:read

# Another gateway asks about somebody of its own.
curl ${origin}/access/v1/evaluation -H "Authorization: Bearer ${gateway}" -H "Content-Type: application/json" \\
  -d '{"subject":{"type":"user","id":"tom"},"action":{"name":"can_read"},"resource":{"type":"document","id":"case-118"}}'
`);

const wrangler = `${root}/node_modules/wrangler/bin/wrangler.js`;
const words = ["dev", "--local", "-c", "wrangler.jsonc", "-c", "upstream/wrangler.jsonc", "--port", port, "--env-file", here("dev.vars"), "--persist-to", here("state"), "--show-interactive-dev-session=false"];
const running = spawn(process.execPath, [wrangler, ...words], { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => running.kill(signal));
running.on("exit", (status) => process.exit(status ?? 0));
