import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { it } from "node:test";

import { tell } from "./story.js";

const story = await tell();
const rows = (agent) =>
  story.decisions
    .filter((decision) => decision.agent === agent)
    .map(({ service, action, resource, reason }) => `${service}: ${action} ${resource} ${reason}`)
    .sort();

it("opens the account, once Lena has agreed", () => {
  assert.equal(story.answer, "The bakery's business account is open.");
  assert.deepEqual(story.asked, [{ person: "lena", tool: "open_account", input: { company: "bakery" } }]);
  assert.deepEqual(rows("coordinator"), ["coordinator: can_open_account company:bakery allowed"]);
});

it("lets each agent do what it was asked to, for Lena", () => {
  assert.deepEqual(rows("documents"), [
    "documents: can_read document:bakery-register allowed",
    "documents: can_read document:bakery-statutes allowed",
    // The agent may, for others; Lena may not.
    "documents: can_read document:case-118 subject.no_grant",
  ]);
  assert.deepEqual(rows("credit"), ["credit: can_check_credit company:bakery allowed"]);
});

it("refuses the calendar agent all that the invitation tells it to do", () => {
  assert.deepEqual(rows("calendar"), [
    "calendar: can_change calendar:lena scope.insufficient",
    "calendar: can_read calendar:lena allowed",
    "credit: POST /mcp audience.mismatch",
    "documents: POST /mcp audience.mismatch",
  ]);
  const refused = story.tokens
    .filter(({ refused }) => refused !== undefined)
    .map(({ from, to, scope, refused }) => `${from} for ${to}: ${scope} ${refused}`);
  assert.deepEqual(refused, [
    "calendar for calendar: documents:read exchange.scope",
    "calendar for documents: calendar:read chain.hop_not_permitted",
  ]);
});

it("would refuse it with a token that is too good for it", () => {
  assert.deepEqual(
    story.careless.map(({ documents, credit }) => [documents, credit]),
    ["audience.mismatch", "scope.insufficient", "actor.no_grant"].map((code) => [code, code]),
  );
});

it("gives each agent a token that is narrower than the one it comes from", () => {
  const given = story.tokens.filter(({ token }) => token !== undefined);
  assert.deepEqual(given.map(({ from, to, scope, audience }) => `${from} → ${to}: ${scope} at ${audience.length}`).sort(), [
    "coordinator → calendar: calendar:read at 1",
    "coordinator → credit: credit:check at 1",
    "coordinator → documents: documents:read at 1",
    "lena → coordinator: documents:read credit:check calendar:read accounts:open at 4",
  ]);
  assert.ok(given.every(({ from, seconds }) => seconds <= (from === "lena" ? 900 : 300)));
});

it("traces each decision on a token to Lena", () => {
  assert.equal(story.decisions.length, 9);
  for (const { agent, chain, reason, actingOnBehalfOf } of story.decisions) {
    if (reason === "audience.mismatch") continue;
    assert.equal(actingOnBehalfOf, "user:lena");
    assert.deepEqual(chain, ["user:lena", "agent:coordinator", ...(agent === "coordinator" ? [] : [`agent:${agent}`])]);
  }
});

it("shows it all as a tree, the same each time", () => {
  const shown = () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ["main.js"], { cwd: import.meta.dirname, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const text = shown();
  assert.equal(text, shown());
  assert.match(text, /Lena  logged in\n  └─ coordinator /);
  assert.equal(text.match(/✓ can_/g).length, 5);
  assert.equal(text.match(/✗/g).length, 6);
});
