// Decisions on their way to where they are kept. Nothing here can change a
// decision, make it wait, or make it fail. All times here are in seconds.

import type { AuditRecord, Caller, Context, Decision } from "deputize";

import { type AtOnce, type Options, adrift, misuse, number, strict } from "./guards/strict.js";

/**
 * Takes a batch of records, oldest first. It is called again only once it is
 * done: when it returns, or when its promise is settled. One that throws, or
 * takes too long, gets the same array again; what it did not keep then is lost
 * and counted.
 */
export type Sink = (records: readonly AuditRecord[]) => unknown;

/** Sees each decision at once, in the midst of the request. What takes longer is a {@link Sink}'s. */
export type Observer = (decision: Decision) => AtOnce;

/** What an audit has not kept, and why. */
export interface Problem {
  /** `full`: the queue was; `sink`: the sink kept failing; `observer`: one threw; `closed`: it came after the end. */
  readonly kind: "full" | "sink" | "observer" | "closed";
  /** How many records are lost by it. */
  readonly lost: number;
  /** What was thrown. */
  readonly error?: unknown;
}

export interface AuditOptions {
  /** Where batches go. */
  readonly sink?: Sink;
  /** What sees each decision at once, like {@link spans}. */
  readonly observers?: readonly Observer[];
  /** How many records make a batch; 100 by default. */
  readonly batch?: number;
  /** How long a record waits for others; 1 by default. */
  readonly delay?: number;
  /** How many records may wait, those on their way included; further ones are dropped. 10,000 by default. */
  readonly capacity?: number;
  /** How often a batch is offered to the sink; 3 by default, each time after twice the wait (0.2 at first). */
  readonly attempts?: number;
  /** How long the sink may take for a batch; 30 by default. */
  readonly timeout?: number;
  /** Is told what is lost. */
  readonly onProblem?: (problem: Problem) => unknown;
}

const OPTIONS: Options<AuditOptions> = {
  ...{ sink: "function", observers: "any", onProblem: "function" },
  ...{ batch: "any", delay: "any", capacity: "any", attempts: "any", timeout: "any" },
};

/** How many records went where. */
export interface Counts {
  /** The sink has kept them. */
  readonly written: number;
  /** They are on their way. */
  readonly waiting: number;
  /** There was no room for them, or they came after the end. */
  readonly dropped: number;
  /** The sink failed to keep them. */
  readonly failed: number;
}

/** Keeps the records of decisions: in batches, in order, in a queue that is bounded. */
export class Audit implements AsyncDisposable {
  readonly #options: Required<Omit<AuditOptions, "sink" | "onProblem">> & Pick<AuditOptions, "sink" | "onProblem">;
  #queue: AuditRecord[] = [];
  #onTheirWay = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;
  #written = 0;
  #dropped = 0;
  #failed = 0;

  /** @throws {DeputizeError} of the kind `misuse`: an option is not known, or not what it must be. */
  constructor(options: AuditOptions) {
    const { observers = [], batch = 1, delay = 0, capacity = 1, attempts = 1, timeout = 1 } = strict<AuditOptions>(options, "an audit", OPTIONS);
    if (options.sink === undefined && observers.length === 0) throw misuse("an audit needs a `sink` or `observers`: without, nothing is kept");
    if (!Array.isArray(observers)) throw misuse("`observers` must be a list of functions");
    for (const observer of observers) strict({ observer }, "`observers`", { observer: "sync" });
    for (const [name, value] of Object.entries({ batch, capacity, attempts })) number(value, name, 1);
    for (const [name, value] of Object.entries({ delay, timeout })) number(value, name, 0);
    this.#options = { observers: [], batch: 100, delay: 1, capacity: 10_000, attempts: 3, timeout: 30, ...options };
  }

  /** Takes note of a decision, and gives it back as it was. Never throws. */
  record<D extends Decision>(decision: D): D {
    for (const observe of this.#options.observers) {
      const failed = (error: unknown): void => this.#tell({ kind: "observer", lost: 0, error });
      try {
        adrift(observe(decision), failed);
      } catch (error) {
        failed(error);
      }
    }
    if (this.#options.sink !== undefined) this.#keep(decision.record);
    return decision;
  }

  /** Decides, and takes note of it. */
  decide(caller: Caller, action: string, resource: string, context?: Context): Decision {
    return this.record(caller.decide(action, resource, context));
  }

  /** As {@link Audit.decide}: yes or no. */
  can(caller: Caller, action: string, resource: string, context?: Context): boolean {
    return this.decide(caller, action, resource, context).allowed;
  }

  /** How many records went where. */
  get counts(): Counts {
    return { written: this.#written, waiting: this.#queue.length + this.#onTheirWay, dropped: this.#dropped, failed: this.#failed };
  }

  /** Waits until what was recorded so far is written, or has failed. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined || this.#queue.length > 0) {
      await this.#start();
    }
  }

  /** {@link Audit.flush}, and the end: what comes after is dropped. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  /** {@link Audit.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #keep(record: AuditRecord): void {
    const { batch, capacity, delay } = this.#options;
    if (this.#closed || this.#queue.length + this.#onTheirWay >= capacity) {
      this.#dropped++;
      this.#tell({ kind: this.#closed ? "closed" : "full", lost: 1 });
      return;
    }
    this.#queue.push(record);
    if (this.#writing !== undefined) return;
    // Never at once: the sink is not to run in the midst of a request.
    if (this.#queue.length === batch) this.#wake(0);
    else if (this.#timer === undefined) this.#wake(delay);
  }

  #wake(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), delay * 1000);
  }

  #start(): Promise<void> {
    return (this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#queue.length > 0) this.#wake(0);
    }));
  }

  async #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#queue.length > 0) {
      const records = this.#queue.splice(0, this.#options.batch);
      this.#onTheirWay = records.length;
      const error = await this.#deliver(records);
      this.#onTheirWay = 0;
      if (error === undefined) {
        this.#written += records.length;
      } else {
        this.#failed += records.length;
        this.#tell({ kind: "sink", lost: records.length, error: error.thrown });
      }
    }
  }

  async #deliver(records: readonly AuditRecord[]): Promise<{ thrown: unknown } | undefined> {
    const { sink, attempts, timeout } = this.#options;
    for (let attempt = 1; ; attempt++) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const tooLate = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`the sink took longer than ${timeout} seconds`)), timeout * 1000);
      });
      try {
        await Promise.race([sink?.(records), tooLate]);
        return undefined;
      } catch (thrown) {
        if (attempt >= attempts) return { thrown };
      } finally {
        clearTimeout(timer);
      }
      await new Promise((done) => setTimeout(done, 100 * 2 ** attempt));
    }
  }

  #tell(problem: Problem): void {
    // Whoever is told of problems has no say in decisions either; nobody is left to tell but the process.
    const failed = (): void => console.error(`what an audit has lost could not be told: ${problem.kind}, ${problem.lost} records`);
    try {
      adrift(this.#options.onProblem?.(problem), failed);
    } catch {
      failed();
    }
  }
}

/**
 * A sink of JSON lines, one a record, as `deputize replay` reads them.
 *
 * @param write Takes the text of a batch, e.g. {@link appendTo}.
 */
export function jsonLines(write: (lines: string) => unknown): Sink {
  return (records) => write(records.map((record) => `${JSON.stringify(record)}\n`).join(""));
}

/** In Node, Deno and Bun: appends to a file, which its owner alone may read if it is new. */
export function appendTo(path: string): (text: string) => Promise<void> {
  const { appendFile } = process.getBuiltinModule("node:fs/promises");
  return (text) => appendFile(path, text, { mode: 0o600 });
}

/** As much of a span as is needed here. */
export interface SpanLike {
  setAttribute(name: string, value: string | boolean): unknown;
  addEvent(name: string, attributes: { [name: string]: string | boolean | string[] }): unknown;
}

/**
 * An observer that writes to OpenTelemetry's active span: an event
 * `deputize.decision` for each decision, and attributes that say who acted, and
 * for whom. `deputize.denied` is set from the first denial on.
 *
 * @param trace The `trace` of `@opentelemetry/api`.
 */
export function spans(trace: { getActiveSpan(): SpanLike | undefined }): Observer {
  return ({ allowed, reason, message, record }) => {
    const span = trace.getActiveSpan();
    if (span === undefined) return;
    const [subject = record.actor] = record.chain;
    span.setAttribute("deputize.actor", record.actor);
    span.setAttribute("deputize.subject", subject);
    span.setAttribute("deputize.revision", record.revision);
    if (!allowed) span.setAttribute("deputize.denied", true);
    span.addEvent("deputize.decision", {
      "deputize.allowed": allowed,
      "deputize.reason": reason,
      "deputize.message": message,
      "deputize.action": record.action,
      "deputize.resource": record.resource,
      "deputize.chain": record.chain,
      "deputize.digest": record.digest,
      "deputize.id": record.id,
      ...(record.tenant !== null && { "deputize.tenant": record.tenant }),
    });
  };
}

/** A record as an entry of FusionAuth's audit log (`POST /api/system/audit-log`). */
export interface FusionAuthEntry {
  readonly auditLog: {
    readonly insertUser: string;
    readonly message: string;
    readonly reason: string;
    readonly data: AuditRecord;
  };
}

/** A record as an entry of FusionAuth's audit log. */
export function fusionAuthEntry(record: AuditRecord): FusionAuthEntry {
  const { actor, actingOnBehalfOf, allowed, action, resource, reason } = record;
  const whose = actingOnBehalfOf === null ? "" : ` for ${actingOnBehalfOf}`;
  const message = `${allowed ? "allowed" : "denied"}: ${actor}${whose}, ${action} on ${resource}`;
  return { auditLog: { insertUser: actor, message, reason, data: record } };
}

/** A sink that writes to FusionAuth's audit log, an entry a record. */
export function fusionAuth(options: {
  /** Where FusionAuth is, e.g. `https://auth.example`. */
  readonly url: string;
  /** A key that may `POST /api/system/audit-log`. */
  readonly apiKey: string;
  /** By default the global one. */
  readonly fetch?: typeof fetch;
}): Sink {
  const target = new URL("/api/system/audit-log", options.url);
  const headers = { authorization: options.apiKey, "content-type": "application/json" };
  // A batch that failed half-way goes on where it failed.
  const done = new WeakMap<readonly AuditRecord[], number>();
  return async (records) => {
    const send = options.fetch ?? fetch;
    for (const record of records.slice(done.get(records) ?? 0)) {
      const response = await send(target, { method: "POST", headers, body: JSON.stringify(fusionAuthEntry(record)) });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`FusionAuth answered ${response.status}`);
      done.set(records, (done.get(records) ?? 0) + 1);
    }
  };
}
