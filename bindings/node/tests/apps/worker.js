// A Worker that answers from snapshots in KV and R2.
import { engine } from "deputize";
import { Audit } from "deputize/audit";
import { Source, kv, r2, sha256 } from "deputize/source";

import { run } from "./readme.js";

const codeOf = (promise) => promise.then(() => "none", (error) => error.code);

export default {
  async fetch(_, { KV, R2 }) {
    const answers = [engine, await run()];
    for (const origin of [kv(KV, "policy"), r2(R2, "policy")]) {
      const source = await Source.open(origin, { refresh: 0 });
      const first = source.policy.revision;
      const unchanged = await source.refresh();
      const next = new TextEncoder().encode(JSON.stringify({ deputize: 1, revision: "next" }));
      await KV.put("policy", next, { metadata: { sha256: "0".repeat(64) } });
      await R2.put("policy", next, { customMetadata: { sha256: "0".repeat(64) } });
      answers.push([first, unchanged, await source.refresh(), source.policy.revision]);
      answers.push(await codeOf(Source.open(origin, { check: sha256() })));
      const written = [];
      const audit = new Audit({ sink: (records) => written.push(...records) });
      audit.can(source.policy.caller("user:anne"), "viewer", "document:1");
      await audit.close();
      answers.push(written.length);
      source.close();
      await KV.put("policy", '{"deputize":1,"revision":"first"}');
      await R2.put("policy", '{"deputize":1,"revision":"first"}');
    }
    return Response.json(answers);
  },
};
