// Times for people: a date in UTC, and how far away it is.

const LAST = 253_402_300_799;

const DATE = new Intl.DateTimeFormat("en-GB", {
  timeZone: "UTC",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** `15 Jan 2026, 10:04:00 UTC`. */
export function spell(at: number): string {
  if (!(at >= 0 && at <= LAST)) return "a time beyond the year 9999";
  return `${DATE.format(at * 1000)} UTC`;
}

/** `in 4 minutes`, `3 hours ago`, `now`. */
export function distance(at: number, now: number): string {
  const seconds = Math.trunc(at) - now;
  if (seconds === 0) return "now";
  return seconds > 0 ? `in ${span(seconds)}` : `${span(-seconds)} ago`;
}

/** Seconds in the two largest units that say something. */
function span(seconds: number): string {
  const units: [string, number][] = [
    ["year", 31_557_600],
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
    ["second", 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  let left = seconds;
  const parts = units.slice(first, first + 2).map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count === 0 ? "" : `${count} ${unit}${count === 1 ? "" : "s"}`;
  });
  return parts.filter((part) => part !== "").join(" ");
}

const SINCE: { [claim: string]: [past: string, future: string] } = {
  exp: ["expired", "expires"],
  iat: ["issued", "issued"],
  nbf: ["began", "begins"],
  auth_time: ["signed in", "signed in"],
  updated_at: ["updated", "updated"],
};

/** The seconds that a claim is, where it is a time. */
export function seconds(claim: string, value: unknown): number | undefined {
  return Object.hasOwn(SINCE, claim) && typeof value === "number" ? value : undefined;
}

/** `expired 3 hours ago`, `expires in 4 minutes`. */
export function event(claim: string, at: number, now: number): string {
  const words = SINCE[claim] ?? ["", ""];
  const past = Math.trunc(at) <= now;
  return `${words[past ? 0 : 1]} ${distance(at, now)}`;
}
