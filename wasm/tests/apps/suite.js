// All vectors, wherever this runs.

import { faults, policies } from "./vectors.js";

/** @returns {Promise<{ faults: string[], ran: { vectors: number, jose: number } }>} */
export async function run(deputize, { snapshots, vectors, jose }) {
  const found = await faults(deputize, policies(deputize, snapshots), vectors);
  for (const asked of jose) found.push(...wrong(asked, await answers(deputize, asked)));
  return { faults: found, ran: { vectors: vectors.length, jose: jose.length } };
}

/** What the package answers, by itself and with WebCrypto. */
async function answers({ verifySignature, verifySignatureAsync }, { token, keys, options }) {
  const codes = [];
  for (const verify of [verifySignature, verifySignatureAsync]) {
    try {
      codes.push(await verify(token, keys, options));
    } catch (error) {
      if (error?.name !== "DeputizeError") throw error;
      codes.push(error.code);
    }
  }
  return codes;
}

/** What is wrong with the answers to a case; nothing, where they are right. */
function wrong({ name, expected }, [here, there]) {
  const same = JSON.stringify(here) === JSON.stringify(there);
  const right = typeof expected === "string" ? here === expected : (typeof here === "object") === expected;
  return same && right ? [] : [`${name}: expected ${expected}, found ${JSON.stringify(here)} and ${JSON.stringify(there)}`];
}
