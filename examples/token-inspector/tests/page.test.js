import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";

import { examples, policies } from "../examples.js";
import { serve } from "../serve.js";
import { PAGE, launch } from "./chromium.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { browser, why } = await launch();
const skip = browser === undefined ? why : false;
if (skip) console.log(`skipped: ${why}`);
after(() => browser?.close());

/** A page of its own; what it asks for and what its policy stops is kept. */
async function open(where = "", { width = 1280, height = 900, scheme = "light", page: address = PAGE } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
  const page = await context.newPage();
  const seen = { requests: [], stopped: [], violations: [], errors: [] };
  const note = (request) => seen.requests.push(request.url().split("#")[0]);
  context.on("request", note);
  context.on("requestfailed", (request) => request.failure()?.errorText === "csp" && seen.stopped.push(request.url()));
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("console", (line) => line.type() === "error" && seen.errors.push(line.text()));
  await page.exposeFunction("violated", (what) => seen.violations.push(what));
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) => window.violated(event.effectiveDirective)));
  await page.goto(address + where);
  await page.waitForSelector("#verdict > *");
  return {
    page,
    seen,
    /** What is shown once the page has seen to what was typed. */
    async text(selector) {
      await page.evaluate(() => new Promise((done) => setTimeout(done)));
      return page.locator(selector).innerText();
    },
    /** Nothing was asked for but the page, nothing was stopped, nothing failed. */
    async close() {
      await page.waitForTimeout(20);
      await context.close();
      assert.deepEqual(seen.requests, [address]);
      assert.deepEqual(seen.violations, []);
      assert.deepEqual(seen.errors, []);
    },
  };
}

const base64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const token = (claims, header = { alg: "EdDSA", kid: "k", typ: "JWT" }) => `${base64(header)}.${base64(claims)}.AAAA`;
const example = (name) => examples.find((each) => each.name === name);

/** Title of the verdict, a code that stands there, and the answer to the question. */
const EXPECTED = {
  delegated: ["Verified", "agent:documents acts for user:sara", "Yes."],
  "not-for-sara": ["Verified", "agent:documents acts for user:sara", "subject.no_grant"],
  limit: ["Verified", "agent:business acts for user:lena", "subject.no_grant"],
  nightly: ["Verified", "agent:documents acts for service:nightly", "Yes."],
  dpop: ["Verified", "agent:documents acts for user:sara", "Yes."],
  "dpop-stolen": ["Refused", "proof.missing", "proof.missing"],
  expired: ["Refused", "token.expired", "token.expired"],
  "alg-none": ["Refused", "token.algorithm", "token.algorithm"],
  tampered: ["Refused", "token.signature", "token.signature"],
  "wrong-audience": ["Refused", "audience.mismatch", "audience.mismatch"],
  "hop-not-permitted": ["Refused", "chain.hop_not_permitted", "chain.hop_not_permitted"],
  "wide-scope": ["Verified", "agent:calendar acts for user:nora", "actor.no_grant"],
  cycle: ["Refused", "chain.cycle", "chain.cycle"],
  keys: ["The signature fits", "bank-2026", "Only a snapshot can answer this"],
  nothing: ["Not verified", "anyone could have written", "Only a snapshot can answer this"],
};

describe("examples", { skip }, () => {
  it("are the same bytes in every build", () => {
    const html = readFileSync(new URL(PAGE), "utf8");
    const built = JSON.parse(/<script type="application\/json" id="built-in">(.*?)<\/script>/s.exec(html)[1]);
    assert.deepEqual(built, JSON.parse(JSON.stringify({ examples, policies })));
    const print = 'import("./examples.js").then(({ examples }) => console.log(JSON.stringify(examples)))';
    const again = spawnSync(process.execPath, ["-e", print], { cwd: new URL("..", import.meta.url), encoding: "utf8" });
    assert.equal(again.stdout.trim(), JSON.stringify(examples));
    assert.deepEqual(Object.keys(EXPECTED).sort(), examples.map((each) => each.name).sort());
  });

  for (const [name, [title, says, answer]] of Object.entries(EXPECTED)) {
    it(`${name}: ${title}`, async () => {
      const { page, text, close } = await open(`#example=${name}`);
      assert.equal(await text("#verdict .title"), title);
      assert.ok((await text("#verdict")).includes(says), await text("#verdict"));
      assert.ok((await text("#answer")).includes(answer), await text("#answer"));
      assert.equal(await page.inputValue("#token"), example(name).token);
      await close();
    });
  }

  it("show each hop with its rule, or what was lacking", async () => {
    const { page, text, close } = await open("#example=hop-not-permitted");
    assert.deepEqual(await page.locator(".chain .party strong").allInnerTexts(), ["user:sara", "agent:coordinator", "agent:documents", "agent:calendar"]);
    assert.deepEqual(await page.locator(".chain .by").allInnerTexts(), ["can_invoke", "can_invoke", "not permitted"]);
    assert.match(await text(".hops > li:first-child"), /user:sara hands on to agent:coordinator\s*by the rule \{from\} can_invoke \{to\}/);
    assert.match(await text(".hops > li:last-child"), /agent:documents may not hand on to agent:calendar[^]*needs agent:documents/);
    await close();
  });

  it("say times as dates and distances, of the time that is looked at", async () => {
    const { page, text, close } = await open("#example=expired");
    assert.match(await text("#claims"), /15 Jan 2026, 10:04:00 UTC\s*expired 3 hours ago/);
    assert.match(await text("#claims"), /issued 3 hours 5 minutes ago/);
    await page.getByRole("button", { name: "Look at it as of when it began" }).click();
    assert.equal(await text("#verdict .title"), "Verified");
    assert.equal(await page.inputValue("#time"), "2026-01-15T09:59");
    await page.fill("#time", "2026-01-15T10:03:30");
    assert.match(await text("#claims"), /expires in 30 seconds/);
    await page.click("#now");
    assert.equal(await text("#verdict .title"), "Refused");
    await close();
  });

  it("say scopes in words, and what is odd", async () => {
    const { text, close } = await open("#example=wide-scope");
    assert.match(await text("#scopes"), /every action on everything/i);
    assert.match(await text("#findings"), /lint\.wide_scope/);
    await close();
  });

  it("explain an answer", async () => {
    const { page, text, close } = await open("#example=limit");
    assert.match(await text("#answer"), /but the condition within_limit does not hold/);
    await page.fill("#context", '{"amount": 9000, "segment": "private"}');
    assert.match(await text("#answer"), /^Yes\./);
    await page.fill("#context", "{");
    assert.match(await text("#answer"), /not JSON/);
    await close();
  });
});

describe("what is at hand", { skip }, () => {
  it("may be a snapshot, a part of one, a JWKS, a JWK, PEM, or nothing", async () => {
    const { page, text, close } = await open("#example=delegated");
    const title = async (policy) => {
      await page.fill("#policy", policy);
      return text("#verdict .title");
    };
    const { issuers, principals, delegation } = JSON.parse(policies.snapshot);
    const [jwk] = JSON.parse(policies.keys).keys;
    await page.fill("#time", "2026-01-15T10:00:00");
    assert.equal(await title(policies.keys), "The signature fits");
    assert.equal(await title(JSON.stringify(jwk)), "The signature fits");
    assert.equal(await title(JSON.stringify({ ...jwk, kid: undefined })), "The signature fits");
    const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(jwk.x, "base64url")]).toString("base64");
    assert.equal(await title(`-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`), "The signature fits");
    assert.equal(await title(JSON.stringify({ issuers, principals, delegation })), "Refused");
    assert.match(await text("#verdict"), /chain\.hop_not_permitted/);
    assert.equal(await title('{"keys": [{"kty": "OKP", "kid": "bank-2026"}]}'), "Not verified");
    assert.match(await text("#policy-note"), /\w/);
    for (const bad of ["{", "7", '{"deputize": 1, "tuples": 7}', '{"deputize": 2}', '{"a": 1}']) {
      assert.equal(await title(bad), "Not verified");
      assert.match(await text("#policy-note"), /\w/);
    }
    assert.equal(await title(""), "Not verified");
    assert.equal(await title(policies.snapshot), "Verified");
    await page.fill("#audience", "https://calendars.bank.example");
    assert.match(await text("#verdict"), /audience\.mismatch/);
    await close();
  });

  it("follows the clock where it is now", async () => {
    const { page } = await open();
    await page.clock.install({ time: 1_800_000_000_000 });
    await page.reload();
    await page.waitForSelector("#verdict > *");
    const claims = { iss: "i", sub: "s", aud: "a", iat: 1_799_999_990, exp: 1_800_000_020 };
    await page.fill("#token", token(claims));
    const shown = (selector) => page.locator(selector).innerText();
    await page.clock.runFor(100);
    assert.equal(await shown("#verdict .title"), "Not verified");
    await page.clock.runFor(30_000);
    assert.equal(await shown("#verdict .title"), "Not acceptable");
    assert.match(await shown("#claims"), /expired \d+ seconds? ago/);
    await page.context().close();
  });
});

describe("nothing leaves the page", { skip }, () => {
  it("neither by the address nor by anything that is kept", async () => {
    const { page, close } = await open("#example=delegated");
    const own = token({ iss: "https://id.example", sub: "a-very-own-name", exp: 1 });
    await page.fill("#token", own);
    await page.fill("#policy", policies.snapshot);
    await page.click("#theme");
    const kept = await page.evaluate(async () => ({
      address: location.href,
      history: JSON.stringify(history.state),
      name: window.name,
      cookie: document.cookie,
      databases: (await indexedDB.databases?.())?.length ?? 0,
    }));
    assert.equal(kept.address, PAGE);
    assert.deepEqual([kept.history, kept.name, kept.cookie, kept.databases], ["null", "", "", 0]);
    const { cookies, origins } = await page.context().storageState();
    assert.deepEqual([cookies, origins], [[], []]);
    await close();
  });

  it("since its policy stops whatever tries", async () => {
    const { page, seen } = await open("#example=delegated");
    const tried = await page.evaluate(async () => {
      const outcome = async (run) => Promise.resolve().then(run).then((value) => `went: ${String(value)}`, () => "stopped");
      return {
        fetch: await outcome(() => fetch("https://example.com/?token")),
        own: await outcome(() => fetch(location.href)),
        socket: await outcome(() => new Promise((resolve, reject) => Object.assign(new WebSocket("wss://example.com/"), { onopen: resolve, onerror: reject }))),
        image: await outcome(() => new Promise((resolve, reject) => Object.assign(new Image(), { onload: resolve, onerror: reject, src: "https://example.com/i.png" }))),
        script: await outcome(() => new Promise((resolve, reject) => document.head.append(Object.assign(document.createElement("script"), { onload: resolve, onerror: reject, text: "window.ran = 1" })) ?? setTimeout(() => (window.ran ? resolve() : reject(new Error())), 50))),
        markup: await outcome(() => (document.body.innerHTML = "<p>")),
        code: await outcome(() => (0, eval)("1")),
      };
    });
    assert.deepEqual(new Set(Object.values(tried)), new Set(["stopped"]), JSON.stringify(tried));
    assert.deepEqual(seen.requests.filter((url) => !seen.stopped.includes(url)), [PAGE]);
    assert.ok(seen.violations.includes("connect-src"));
    await page.context().close();
  });

  it("from a server, which is asked for the page alone", async () => {
    const { server, address } = await serve();
    try {
      const { text, close } = await open("#example=delegated", { page: address });
      assert.equal(await text("#verdict .title"), "Verified");
      await close();
      assert.equal((await fetch(`${address}package.json`)).status, 404);
      assert.equal((await fetch(`${address}..%2fpackage.json`)).status, 404);
      assert.equal((await fetch(address, { method: "POST" })).status, 404);
      assert.equal(server.address().address, "127.0.0.1");
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe("hostile tokens", { skip }, () => {
  let opened;
  before(async () => {
    if (!skip) opened = await open();
  });
  after(() => opened?.close());
  const paste = async (text, policy = "") => {
    await opened.page.evaluate(
      ([token, policy]) => {
        for (const [id, value] of Object.entries({ policy, token })) {
          document.getElementById(id).value = value;
          document.getElementById(id).dispatchEvent(new Event("input"));
        }
      },
      [text, policy],
    );
  };

  it("are text, whatever they say", async () => {
    const markup = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>';
    const claims = { iss: "https://id.bank.example", sub: markup, [markup]: markup, scope: markup, aud: [markup], act: { sub: markup, iss: markup }, exp: 9e9, jti: `\`${markup}\`` };
    const header = { alg: markup, kid: markup, typ: markup };
    for (const policy of ["", policies.keys, policies.snapshot]) {
      await paste(token(claims, header), policy);
      assert.ok((await opened.text("#claims")).includes(markup));
      await opened.page.fill("#action", markup);
      await opened.page.fill("#resource", `document:${markup}`);
    }
    const { page } = opened;
    assert.equal(await page.evaluate(() => window.hit), undefined);
    assert.equal(await page.locator("main img, main script").count(), 0);
  });

  it("show what cannot be seen", async () => {
    const claims = { iss: "i", sub: "admin\u202Enimda\u202C", "na\u200Bme": "\u2066x\u2069\u0000\u001b[31m", exp: 9e9, list: ["\uFEFFa", "\u{E0041}"] };
    await paste(token(claims));
    const shown = await opened.text("#claims");
    for (const code of ["U+202E", "U+202C", "U+200B", "U+2066", "U+2069", "U+0000", "U+001B", "U+FEFF", "U+E0041"]) assert.ok(shown.includes(code), code);
    const chain = await opened.text("#chain");
    assert.ok(chain.includes("adminU+202EnimdaU+202C"), chain);
    assert.equal(/[\u202A-\u202E\u2066-\u2069\u200B]/.test(await opened.text("main")), false);
  });

  it("of any size and depth are answered at once", async () => {
    const deep = (depth, open, close) => open.repeat(depth) + "1" + close.repeat(depth);
    let act = { sub: "a" };
    for (let n = 0; n < 50; n++) act = { sub: `agent-${n}`, act };
    const cases = [
      [token({ sub: "a".repeat(200_000) }), /token\.too_large/],
      [token(`{"a":${deep(20_000, "[", "]")}}`), /token\.too_deep/],
      [token(`{"a":${deep(10_000, '{"a":', "}")}}`), /token\.(too_deep|too_large)/],
      [token({ iss: "i", sub: "s", aud: "a", exp: 9e9, act }), /lint\.long_chain/],
      [token('{"sub":"\\ud800"}'), /token\.malformed/],
      [token('{"sub":"a","sub":"b"}'), /token\.duplicate_member/],
      [token({ __proto__: null, toString: 5, constructor: 1, exp: 1e300, iat: -5, nbf: 1.5 }), /token\.claim/],
      ["{}", /token\.malformed/],
      ["not.base64url!.x", /token\.malformed/],
      ["..", /token\.malformed/],
      ["é.\u202E.\u0000", /token\.malformed/],
    ];
    for (const [text, code] of cases) {
      for (const policy of ["", policies.snapshot]) {
        const began = Date.now();
        await paste(text, policy);
        assert.match(await opened.text("main"), code);
        assert.ok(Date.now() - began < 3_000, `${text.slice(0, 40)} took ${Date.now() - began} ms`);
      }
    }
    await paste(token({ iss: "i", sub: "s", aud: "a", exp: 9e9, note: "b".repeat(30_000) }));
    assert.match(await opened.text("#claims"), /27,000 more characters/);
    await opened.page.click("#claims .more");
    assert.ok((await opened.text("#claims")).includes("b".repeat(30_000)));
  });

  it("with half a character in them are said to be unreadable", async () => {
    await paste("");
    await opened.page.evaluate(() => {
      const field = document.getElementById("token");
      field.value = "\ud800.a.b";
      field.dispatchEvent(new Event("input"));
    });
    assert.match(await opened.text("#verdict"), /This cannot be read/);
    await paste(token({ sub: "s" }));
    assert.match(await opened.text("#verdict"), /Not acceptable/);
  });

  it("are read however they were copied", async () => {
    const { token: good } = example("nothing");
    await paste(`  Bearer ${good.slice(0, 50)}\n  ${good.slice(50)}\n`);
    assert.match(await opened.text("#token-note"), /White space/);
    assert.match(await opened.text("#chain"), /nora/);
  });
});

describe("for everyone", { skip }, () => {
  for (const scheme of ["light", "dark"]) {
    for (const width of [360, 1280]) {
      it(`axe finds nothing, ${scheme}, ${width} pixels wide, and nothing is wider`, async () => {
        const { page, close } = await open("", { width, height: 800, scheme });
        await page.evaluate(AXE);
        // Each example both ways; the two other ways a few that hold every part.
        const all = (scheme === "light") === (width === 360);
        for (const name of ["", ...(all ? Object.keys(EXPECTED) : ["limit", "expired", "cycle", "nothing"])]) {
          if (name !== "") {
            await page.evaluate((hash) => (location.hash = hash), `#example=${name}`);
            await page.waitForFunction((title) => document.querySelector("#story strong")?.textContent === title, example(name).title);
          }
          const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
          const said = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
          assert.deepEqual(said, [], name);
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the page`);
        }
        await close();
      });
    }
  }

  it("the other colours are a button away", async () => {
    const { page, close } = await open("", { scheme: "light" });
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    await page.click("#theme");
    assert.equal(await paper(), light);
    await page.click("#theme");
    assert.notEqual(await paper(), light);
    assert.match(await page.getAttribute("#theme", "title"), /dark/);
    await close();
  });

  it("a keyboard is enough", async () => {
    const { page, text, close } = await open();
    const focused = () => page.evaluate(() => ({ id: document.activeElement.id, text: document.activeElement.textContent.trim().slice(0, 40), ring: getComputedStyle(document.activeElement).outlineStyle }));
    const until = async (wanted) => {
      for (let n = 0; n < 80; n++) {
        await page.keyboard.press("Tab");
        const on = await focused();
        if (on.id === wanted || on.text === wanted) {
          assert.notEqual(on.ring, "none", `${wanted} shows that it has the focus`);
          return;
        }
      }
      assert.fail(`${wanted} cannot be reached`);
    };
    await until("Skip to what it says");
    await until("token");
    await page.keyboard.insertText(example("nothing").token);
    assert.match(await text("#verdict"), /Not acceptable|Not verified/);
    await until("policy");
    await page.keyboard.insertText(policies.snapshot);
    assert.match(await text("#verdict"), /token\.expired/);
    await until("Look at it as of when it began");
    await page.keyboard.press("Enter");
    assert.equal(await text("#verdict .title"), "Verified");
    await until("action");
    await page.keyboard.insertText("can_read");
    await until("resource");
    await page.keyboard.insertText("calendar:nora");
    await page.keyboard.press("Enter");
    assert.match(await text("#answer"), /^Yes\. agent:calendar for user:nora may can_read on calendar:nora/);
    await page.keyboard.press("Home");
    await page.evaluate(() => document.activeElement.blur());
    await until("Claims changed");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("#verdict .code")?.textContent === "token.signature");
    assert.equal(new URL(page.url()).hash, "#example=tampered");
    await close();
  });

  it("a screen reader hears the verdict, the chain and the marks", async () => {
    const { page, close } = await open("#example=hop-not-permitted");
    const verdict = await page.locator("#verdict").ariaSnapshot();
    assert.match(verdict, /status "Verdict"/);
    assert.match(verdict, /Refused/);
    const chain = await page.locator("#chain").ariaSnapshot();
    assert.match(chain, /listitem:.*user:.*sara/s);
    assert.match(chain, /no: .*not permitted/s);
    assert.equal(await page.locator("#answer").getAttribute("role"), "status");
    await close();
  });
});
