// What happens, in order; and what was decided on the way.

import { createHash } from "node:crypto";

import { ANY, Identity } from "deputize/ai";
import { Audit } from "deputize/audit";
import { delegate } from "deputize/sign";

import { SCOPES, runCoordinator } from "./agents.js";
import { SERVICES, open } from "./bank.js";
import { startAll } from "./services.js";

const digestOf = (token) => createHash("sha256").update(token).digest("hex");

/** Tells the story: the answer, the tokens that were given, and each decision's record, with where it was taken. */
export async function tell() {
  const bank = await open();
  const records = [];
  const audit = new Audit({ sink: (batch) => void records.push(...batch), delay: 0 });
  const places = new Map();
  const onRuling = (service, { decisions }) => {
    for (const decision of decisions) {
      places.set(decision.record.id, service);
      audit.record(decision);
    }
  };
  const tokens = [];
  const asked = [];
  const services = await startAll(bank.policy, onRuling);
  const world = {
    ...bank,
    places: services.places,
    onRuling,
    onHandedOn: (token) => tokens.push(token),
    /** Lena reads what is to be done, and agrees. */
    ask: async (person, tool, input) => asked.push({ person, tool, input }) > 0,
  };
  try {
    const answer = await runCoordinator(world, await bank.login("lena"), "lena");
    const careless = await carelessly(world);
    await audit.flush();
    /** Whose token it was, where the token itself was refused: the bank knows which it gave to whom. */
    const owners = new Map(tokens.filter(({ token }) => token !== undefined).map(({ token, to }) => [digestOf(token), to]));
    const decisions = records.map((record) => ({
      service: places.get(record.id),
      agent: record.actor.replace("agent:", "") || owners.get(record.inputs.presented?.digest),
      ...record,
    }));
    return { answer, asked, tokens, decisions, careless };
  } finally {
    services.stop();
    await audit.close();
  }
}

/**
 * What holds where whoever sets an agent up was careless: the calendar agent's
 * token, given for more and more, in the same hands.
 */
async function carelessly(world) {
  const login = Identity.of(world.policy, { token: await world.login("lena"), audience: ANY });
  const all = Object.values(SERVICES);
  const scope = Object.values(SCOPES).join(" ");
  const coordinator = await delegate(login, "agent:coordinator", { scope }, world.sign);
  const from = Identity.of(world.policy, { token: coordinator.token, audience: ANY });
  const rows = [];
  for (const [how, wanted] of Object.entries({
    "as it is given, for the calendar alone": { scope: SCOPES.calendar, audiences: [SERVICES.calendar] },
    "for every service, but to read calendars": { scope: SCOPES.calendar, audiences: all },
    "for every service, and everything": { scope, audiences: all },
  })) {
    const { token } = await delegate(from, "agent:calendar", wanted, world.sign);
    const codes = {};
    for (const [service, action, resource] of [
      ["documents", "can_read", "document:bakery-statutes"],
      ["credit", "can_check_credit", "company:bakery"],
    ]) {
      const { record } = world.policy.decide(token, { action, resource }, { audience: SERVICES[service] });
      codes[service] = record.reason;
    }
    rows.push({ how, ...codes });
  }
  return rows;
}
