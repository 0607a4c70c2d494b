import assert from "node:assert/strict";
import { createServer, request as send } from "node:http";
import { describe, it } from "node:test";

import * as forExpress from "deputize/express";
import * as forHono from "deputize/hono";
import express from "express";
import { Hono } from "hono";

import { AUDIENCE, bound, expired, foreign, narrow, now, policy, proof, stricter, token } from "./world.js";

const {
  url: metadata,
  path,
  document,
} = forHono.resourceMetadata({
  resource: AUDIENCE,
  authorizationServers: ["https://id.example"],
  scopes: ["document:read"],
  name: "Documents",
  dpop: { required: true },
});

/** What a server answers to `GET path`; headers are a list, as they may come twice. */
const servers = {
  "hono 4": async (options, resource) => {
    const guard = forHono.guardRoutes(options);
    const app = new Hono();
    app.get(path, (context) => context.json(document));
    app.use("/documents/*", guard.authenticate);
    app.get("/documents/:id", guard.permit("can_read", resource ?? ((context) => `document:${context.req.param("id")}`)), (context) =>
      context.text(`${context.get("caller").actor} ${context.get("identity").ask(({ subject }) => subject)}`),
    );
    app.get("/open/:id", guard.permit("can_read", "document:1"), (context) => context.text("open"));
    app.onError((error, context) => context.text(error.code ?? "thrown", 500));
    return {
      get: async (path, headers = []) => {
        const all = new Headers();
        for (const [name, value] of headers) all.append(name, value);
        const answer = await app.request(`https://elsewhere.example${path}`, { headers: all });
        return { status: answer.status, headers: answer.headers, text: await answer.text() };
      },
      close: () => {},
    };
  },
  "express 5": async (options, resource) => {
    const guard = forExpress.guardRoutes(options);
    const app = express();
    app.get(path, (_, response) => response.json(document));
    app.use("/documents", guard.authenticate);
    app.get("/documents/:id", guard.permit("can_read", resource ?? ((request) => `document:${request.params.id}`)), (request, response) =>
      response.send(`${request.caller.actor} ${request.identity.ask(({ subject }) => subject)}`),
    );
    app.get("/open/:id", guard.permit("can_read", "document:1"), (_, response) => response.send("open"));
    app.use((error, _request, response, _next) => response.status(500).send(error.code ?? "thrown"));
    const http = createServer(app).listen(0, "127.0.0.1");
    await new Promise((ready) => http.once("listening", ready));
    return {
      get: (path, headers = []) =>
        new Promise((resolve, reject) => {
          const asked = send(
            { host: "127.0.0.1", port: http.address().port, path, headers: [["Host", "elsewhere.example"], ...headers].flat() },
            (answer) => {
              let text = "";
              answer
                .setEncoding("utf8")
                .on("data", (chunk) => (text += chunk))
                .on("end", () =>
                  resolve({
                    status: answer.statusCode,
                    headers: new Headers(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
                    text,
                  }),
                );
            },
          );
          asked.on("error", reject).end();
        }),
      close: () => (http.closeAllConnections(), http.close()),
    };
  },
};

const ALGORITHMS = 'algs="ES256 ES384 EdDSA RS256 PS256"';
const bearer = (token) => [["Authorization", `Bearer ${token}`]];

for (const [name, serve] of Object.entries(servers)) {
  describe(name, () => {
    async function served(run, options = {}, resource) {
      const rulings = [];
      const server = await serve(
        { policy: policy(), audience: AUDIENCE, metadata, onRuling: (ruling) => rulings.push(ruling), ...options },
        resource,
      );
      try {
        await run(server.get, rulings);
      } finally {
        server.close();
      }
    }
    /** The status, the code of the problem, and the challenge. */
    const short = ({ status, headers, text }) => {
      const problem = JSON.parse(text);
      assert.equal(headers.get("content-type"), "application/problem+json");
      assert.equal(headers.get("cache-control"), "no-store");
      assert.equal(problem.status, status);
      return [status, problem.code, headers.get("www-authenticate")];
    };

    it("sets the caller", () =>
      served(async (get, rulings) => {
        const answer = await get("/documents/1", bearer(token()));
        assert.deepEqual([answer.status, answer.text], [200, "agent:triage user:anne"]);
        assert.equal(rulings[0].decisions[0].record.actor, "agent:triage");
        assert.equal((await get("/documents/1", [["Authorization", `bearer  ${token()}`]])).status, 200);
      }));

    it("challenges whoever shows nothing, and says no more (RFC 6750 §3.1)", () =>
      served(async (get) => {
        const challenge = `Bearer resource_metadata="${metadata}", DPoP resource_metadata="${metadata}", ${ALGORITHMS}`;
        assert.deepEqual(short(await get("/documents/1")), [401, "guard.no_caller", challenge]);
        assert.deepEqual(short(await get("/documents/1", [["Authorization", "Basic YTpi"]])), [401, "guard.no_caller", challenge]);
      }));

    it("refuses requests that are malformed", () =>
      served(async (get) => {
        const good = token();
        const odd = ["Bearer", "Bearer ", `Bearer ${good} x`, `Bearer ${good}\t`.trimEnd() + ", Bearer x", `Bearer "${good}"`, good].map((value) => [
          ["Authorization", value],
        ]);
        for (const headers of [...odd, [...bearer(good), ...bearer(good)]]) {
          const [status, code, challenge] = short(await get("/documents/1", headers));
          assert.deepEqual([status, code], [400, "guard.malformed"]);
          assert.match(challenge, /^Bearer error="invalid_request"/);
        }
      }));

    it("refuses tokens that are not good, and leaves a record of each", () =>
      served(async (get, rulings) => {
        for (const [bad, reason] of [
          [expired(), "token.expired"],
          [foreign(), "audience.mismatch"],
          ["x.y.z", "token.malformed"],
          [`${token()}x`, "token.malformed"],
        ]) {
          const [status, code, challenge] = short(await get("/documents/1", bearer(bad)));
          assert.equal(status, 401);
          if (reason !== "token.malformed") assert.equal(code, reason);
          const { record } = rulings.at(-1).decisions[0];
          assert.deepEqual([record.reason, record.action, record.resource], [code, "GET", "/documents/1"]);
          assert.ok(
            challenge.startsWith(
              `Bearer error="invalid_token", error_description="${code}", resource_metadata="${metadata}", DPoP error="invalid_token"`,
            ),
          );
        }
      }));

    it("refuses what is not permitted, and names a scope that is too narrow", () =>
      served(
        async (get) => {
          assert.deepEqual(short(await get("/documents/2", bearer(token()))), [403, "subject.no_grant", null]);
          const [status, code, challenge] = short(await get("/documents/1", bearer(narrow())));
          assert.deepEqual([status, code], [403, "scope.insufficient"]);
          assert.match(challenge, /^Bearer error="insufficient_scope", error_description="scope.insufficient", scope="document:read"/);
          for (const id of ["*", "1%0a", "1%23viewer", "%20"]) assert.equal((await get(`/documents/${id}`, bearer(token()))).status, 403);
        },
        { scope: "document:read" },
      ));

    it("denies where the decision fails, and where nobody was authenticated", async () => {
      await served(
        async (get) => assert.deepEqual(short(await get("/documents/1", bearer(token()))), [503, "guard.error", null]),
        {},
        () => {
          throw new Error("broken");
        },
      );
      await served(async (get) => assert.deepEqual(short(await get("/documents/1", bearer(token()))), [503, "guard.callback", null]), {
        onRuling: () => {
          throw new Error("disk full");
        },
      });
      await served(async (get) => {
        const { status, text } = await get("/open/1", bearer(token()));
        assert.deepEqual([status, text], [500, "guard.options"]);
      });
    });

    it("asks the snapshot that is in force; one that is stale is the server's fault", async () => {
      let current = policy();
      await served(
        async (get) => {
          assert.equal((await get("/documents/1", bearer(token()))).status, 200);
          current = stricter();
          assert.equal((await get("/documents/1", bearer(token()))).status, 403);
          current = policy({ not_after: now() - 1 });
          assert.deepEqual(short(await get("/documents/1", bearer(token()))), [503, "snapshot.stale", null]);
        },
        { policy: () => current },
      );
      await served(async (get) => assert.deepEqual(short(await get("/documents/1", bearer(token()))), [503, "guard.error", null]), {
        policy: () => {
          throw new Error("no policy");
        },
      });
    });

    it("takes a token that is bound to a key with a proof, once (RFC 9449)", () =>
      served(async (get, rulings) => {
        const uri = `${AUDIENCE}/documents/1`;
        const show = (token, proofs, scheme = "DPoP") =>
          get("/documents/1", [["Authorization", `${scheme} ${token}`], ...proofs.map((proof) => ["DPoP", proof])]);
        const good = bound();
        const first = proof(good, "GET", uri);
        assert.equal((await show(good, [first])).status, 200);
        assert.equal((await show(good, [proof(good, "GET", uri)])).status, 200);
        const again = short(await show(good, [first]));
        assert.deepEqual(again.slice(0, 2), [401, "guard.proof_used"]);
        assert.match(again[2], /^DPoP error="invalid_dpop_proof"/);
        const refused = {
          "of another method": [good, [proof(good, "POST", uri)]],
          "of another place": [good, [proof(good, "GET", "https://elsewhere.example/documents/1")]],
          "of another token": [good, [proof(bound({ jti: "t-2" }), "GET", uri)]],
          "too old": [good, [proof(good, "GET", uri, { iat: now() - 120 })]],
          missing: [good, []],
          "as a bearer's": [good, [], "Bearer"],
          "as a bearer's, with a proof": [good, [proof(good, "GET", uri)], "Bearer"],
          "not bound": [token(), [proof(token(), "GET", uri)]],
          malformed: [good, ["x.y.z"]],
        };
        for (const [what, given] of Object.entries(refused)) {
          const before = rulings.length;
          const [status, code, challenge] = short(await show(...given));
          assert.equal(status, 401, what);
          if (what !== "not bound") assert.equal(rulings[before].decisions[0].record.reason, code, what);
          assert.match(challenge, /DPoP error="invalid_(token|dpop_proof)"/);
        }
        assert.equal((await show(good, [proof(good, "GET", uri), proof(good, "GET", uri)])).status, 400);
      }));

    it("can insist on bound tokens and on a nonce, and share what was used", async () => {
      const uri = `${AUDIENCE}/documents/1`;
      const taken = [];
      await served(
        async (get) => {
          const good = bound();
          const [status, , challenge] = short(await get("/documents/1", bearer(token())));
          assert.equal(status, 401);
          assert.ok(challenge.startsWith("DPoP "));
          const show = (proof) =>
            get("/documents/1", [
              ["Authorization", `DPoP ${good}`],
              ["DPoP", proof],
            ]);
          const answer = await show(proof(good, "GET", uri));
          assert.deepEqual([answer.status, answer.headers.get("dpop-nonce")], [401, "n-1"]);
          assert.match(answer.headers.get("www-authenticate"), /error="use_dpop_nonce"/);
          assert.equal((await show(proof(good, "GET", uri, { nonce: "n-1" }))).status, 200);
          assert.equal(taken.length, 1);
        },
        { dpop: { required: true, nonce: () => "n-1", take: (use) => taken.push(use) === 1 } },
      );
      await served(
        async (get) => {
          const good = bound();
          assert.equal(
            (
              await get("/documents/1", [
                ["Authorization", `DPoP ${good}`],
                ["DPoP", proof(good, "GET", uri)],
              ])
            ).status,
            401,
          );
          assert.equal((await get("/documents/1", bearer(token()))).status, 200);
        },
        { dpop: false },
      );
    });

    it("serves its metadata (RFC 9728)", () =>
      served(async (get) => {
        const { status, text } = await get(path);
        assert.equal(status, 200);
        assert.deepEqual(JSON.parse(text), {
          resource: AUDIENCE,
          authorization_servers: ["https://id.example"],
          scopes_supported: ["document:read"],
          bearer_methods_supported: ["header"],
          resource_name: "Documents",
          dpop_signing_alg_values_supported: ["ES256", "ES384", "EdDSA", "RS256", "PS256"],
          dpop_bound_access_tokens_required: true,
        });
      }));
  });
}

it("says where metadata lies (RFC 9728 §3.1)", () => {
  const at = (resource) => forHono.resourceMetadata({ resource, authorizationServers: [], dpop: false }).url;
  assert.equal(at("https://api.example"), "https://api.example/.well-known/oauth-protected-resource");
  assert.equal(at("https://api.example/mcp"), "https://api.example/.well-known/oauth-protected-resource/mcp");
  assert.equal(at("https://api.example/a/b?c=d"), "https://api.example/.well-known/oauth-protected-resource/a/b?c=d");
});
