// DPoP proofs that were used: each counts once (RFC 9449 §11.1).

import type { DpopUse } from "@deputize/wasm";

/** How old a proof may be, and how far ahead of this clock it may have been made, in seconds. */
export const PROOF_MAX_AGE = 60;
export const PROOF_MAX_AHEAD = 5;

/** From the second that a proof is first good to the last. */
const WINDOW = PROOF_MAX_AGE + PROOF_MAX_AHEAD + 1;

/** The longest `jti` that is remembered; the usual UUID has 36 characters. */
const LONGEST = 200;

/**
 * The proofs of the last minute, in this isolate's memory and up to a limit.
 *
 * Another isolate, of which a busy Worker has several in every city, does not
 * know them. Where a proof must not count twice anywhere, ask one Durable
 * Object a key (named by the thumbprint) instead.
 */
export class UsedProofs {
  #recent = new Set<string>();
  #before = new Set<string>();
  #since = 0;

  /** @param most How many are remembered for each half. */
  constructor(readonly most = 50_000) {}

  /**
   * Whether this is the proof's first use. Where that cannot be remembered it
   * is `false` too.
   *
   * @param now Seconds since the Unix epoch.
   */
  first(use: DpopUse, now: number): boolean {
    if (now - this.#since >= WINDOW) {
      // What both halves forget is older than any proof that still counts.
      this.#before = now - this.#since >= 2 * WINDOW ? new Set() : this.#recent;
      this.#recent = new Set();
      this.#since = now;
    }
    const key = `${use.thumbprint} ${use.id}`;
    if (use.id.length > LONGEST || this.#recent.has(key) || this.#before.has(key)) return false;
    if (this.#recent.size >= this.most) return false;
    this.#recent.add(key);
    return true;
  }
}
