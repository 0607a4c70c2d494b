// `npm start`: tells the story, and shows its audit trail from the human down.

import { tell } from "./story.js";

const colours = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
const [strong, faint, good, bad, title] = [1, 2, 32, 31, "1;36"].map(paint);
const mark = (allowed) => (allowed ? good("✓") : bad("✗"));

/** What a refusal's code says, in words. */
const WHY = {
  "audience.mismatch": "its token is for another service",
  "subject.no_grant": "Lena herself may not",
  "actor.no_grant": "the agent itself may not",
  "scope.insufficient": "its token is not for this",
  "chain.hop_not_permitted": "nobody lets it call that agent",
  "exchange.scope": "its own token has no such scope",
};
const why = (code) => bad(code.padEnd(25)) + faint(WHY[code] ?? "");

const life = (seconds) => (seconds >= 60 ? `${Math.round(seconds / 60)} min` : `${seconds} s`);

/** Draws `[line, children]` below a line. */
function draw(children, indent = "  ") {
  children.forEach(([line, below = []], place) => {
    const last = place === children.length - 1;
    console.log(`${indent}${faint(last ? "└─" : "├─")} ${line}`.trimEnd());
    draw(below, `${indent}${last ? "  " : `${faint("│")} `} `);
  });
}

/** A line about something done, or not; each level of the tree moves it by three. */
const done = (depth, allowed, what, where, outcome) => [`${mark(allowed)} ${what.padEnd(41 - 3 * depth)}${faint(where.padEnd(16))}${outcome}`];

/** What an agent did, and to whom it handed on. What it did at once is sorted. */
function branch(agent, story, depth = 0) {
  const { tokens, decisions, asked } = story;
  const own = decisions.filter((decision) => decision.agent === agent);
  own.sort((one, other) => other.allowed - one.allowed || one.resource.localeCompare(other.resource) || one.service.localeCompare(other.service));
  const did = own.map(({ allowed, action, resource, service, reason }) => {
    const approved = asked.some(({ input }) => action === "can_open_account" && resource === `company:${input.company}`);
    return done(
      depth,
      allowed,
      `${action} ${resource}`,
      `at ${service}`,
      allowed ? faint(approved ? "Lena was asked, and agreed" : "") : why(reason),
    );
  });
  // The agents run at once: who was handed a token first differs from run to run.
  const handed = tokens.filter(({ from }) => from === agent).sort((one, other) => one.to.localeCompare(other.to));
  const refused = handed
    .filter(({ refused }) => refused)
    .map(({ to, scope, refused }) => done(depth, false, `a token for ${scope}`, to === agent ? "for itself" : `for ${to}`, why(refused)));
  const given = handed.filter(({ token }) => token !== undefined).map((token) => [head(token), branch(token.to, story, depth + 1)]);
  return [...did, ...refused, ...given];
}

const head = ({ to, scope, audience, seconds }) => {
  const where = audience.length === 1 ? `for ${new URL(audience[0]).hostname} alone` : "for every service";
  return `${strong(to)}  ${faint(`${scope} · ${where} · ${life(seconds)}`)}`;
};

const story = await tell();
console.log(`\n${title("A business account for the bakery")}\n`);
console.log("  Lena of business banking asks the coordinator. It hands on to three agents, each with");
console.log("  a token of its own for one thing, at one service. An invitation in Lena's calendar tells");
console.log("  whichever agent reads it to fetch documents, check credit, cancel the bakery, and more.\n");
console.log(`  ${good("✓")} ${story.answer}\n`);
console.log(`${title("Who did what, for whom: the audit trail from the human down")}\n`);
console.log(`  ${strong("Lena")}  ${faint("logged in")}`);
draw(branch("lena", story));

console.log(`\n${title("Had its token been given carelessly: what the invitation's orders would have met")}\n`);
console.log(`  ${faint("the calendar agent's token".padEnd(44))}${faint("at documents".padEnd(22))}${faint("at credit")}`);
for (const { how, documents, credit } of story.careless) {
  console.log(`  ${how.padEnd(44)}${bad(documents.padEnd(22))}${bad(credit)}`);
}
console.log();
