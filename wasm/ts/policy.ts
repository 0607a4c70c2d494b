import { type Filtered, type Ids, type Time, body, bytes, filtered, json, packed, seconds, text, timed } from "./arguments.js";
import * as border from "./border.js";
import { type RawPolicy, type SharedPolicy, call } from "./border.js";
import { Caller, newCaller, policiesHold } from "./caller.js";
import { misuse } from "./error.js";
import type * as shapes from "./shapes.js";

type Timed<T> = Omit<T, "now"> & {
  /** The time of the request: seconds since the Unix epoch, or a `Date`. The host's clock by default; a caller that was given its time is given one with each question too. */
  now?: Time;
};

/** What goes with a token. */
export type VerifyOptions = Timed<shapes.VerifyRequest>;
/** What goes with a caller that the host vouches for, and with AuthZEN's requests. */
export type CallerOptions = Timed<shapes.CallerOptions>;
/** A request for the next token of a chain (RFC 8693 §2.1). */
export type ExchangeRequest = Timed<shapes.ExchangeRequest>;
/** A request for a token of the client credentials grant. */
export type ClientCredentialsRequest = Timed<shapes.ClientCredentialsRequest>;
/** What a token is looked at with; `now: null` leaves its times alone. */
export type InspectOptions = { now?: Time | null };
/** What a token is read with by a policy. */
export type PolicyInspectOptions = Timed<shapes.PolicyInspectOptions>;

/** How a signature is looked at. */
export type SignatureOptions = {
  /** The algorithms that it may have; without, those that the keys name. */
  algorithms?: readonly string[];
  /** The id of the key to take for a token that names none. */
  kid?: string;
};

/** A request of the AuthZEN API: an object, its JSON, or the bytes of that. */
export type AuthZenRequest = object | string | Uint8Array;

/**
 * A compiled snapshot: immutable, and as many side by side as there is memory
 * for. It lies in the module's memory, which `free` (or `using`) gives back.
 */
export class Policy implements Disposable {
  #raw: RawPolicy | undefined;
  #description: shapes.PolicyDescription | undefined;

  static {
    policiesHold((policy) => {
      if (typeof policy !== "object" || policy === null || !(#raw in policy)) throw misuse("call.type", "`policy` must be a `Policy`");
      return policy.#own();
    });
  }

  private constructor(make: () => RawPolicy) {
    this.#raw = call(make);
  }

  /**
   * Reads and compiles a snapshot document.
   *
   * @param document The snapshot: an object, its JSON, or the bytes of that in UTF-8 (the quickest).
   * @throws {DeputizeError} of the kind `input`, with the pointer of what is wrong.
   */
  static fromJson(document: shapes.Snapshot | string | Uint8Array | ArrayBuffer): Policy {
    const said = bytes(document, "document");
    return new Policy(() => border.fromJson(said));
  }

  /** As {@link Policy.fromJson}, on another thread where the runtime has one to give. */
  static async fromJsonAsync(document: shapes.Snapshot | string | Uint8Array | ArrayBuffer): Promise<Policy> {
    const raw = await border.fromJsonLater(bytes(document, "document"));
    return new Policy(() => raw);
  }

  /**
   * Opens what {@link Policy.toCompiled} gave: many times quicker than reading JSON.
   *
   * @throws {DeputizeError} `compiled.*`: it is foreign, of another version, cut off or damaged.
   */
  static fromCompiled(image: Uint8Array | ArrayBuffer): Policy {
    const said = compiled(image);
    return new Policy(() => border.fromCompiled(said));
  }

  /** As {@link Policy.fromCompiled}, on another thread where the runtime has one to give. */
  static async fromCompiledAsync(image: Uint8Array | ArrayBuffer): Promise<Policy> {
    const raw = await border.fromCompiledLater(compiled(image));
    return new Policy(() => raw);
  }

  /**
   * Opens, in another thread, the policy that {@link Policy.share} was called
   * on. Natively it is the same memory; elsewhere a copy in compiled form.
   *
   * @throws {DeputizeError} `call.shared`: it is no such thing, comes from
   *   another process, or nobody holds the policy any longer.
   */
  static fromShared(shared: SharedPolicy): Policy {
    const { handle, image } = shared ?? {};
    if (image instanceof Uint8Array) return Policy.fromCompiled(image);
    if (typeof handle === "string") return new Policy(() => border.open(handle));
    throw misuse("call.shared", "this is no shared policy");
  }

  /**
   * What another thread opens this policy with: post it there as it is. Keep
   * the policy until it has been opened; whoever opened it holds it too.
   */
  share(): SharedPolicy {
    const raw = this.#own();
    return call(() => border.share(raw));
  }

  /** The compiled form: the same bytes for the same policy data, everywhere. */
  toCompiled(): Uint8Array {
    const raw = this.#own();
    return call(() => raw.toCompiled());
  }

  /** The snapshot's revision, as it stood there. */
  get revision(): string {
    return this.#describe().revision;
  }

  /** When the snapshot was made, in seconds since the Unix epoch. */
  get issuedAt(): number | null {
    return this.#describe().issued_at;
  }

  /** The last second at which the policy holds, since the Unix epoch. */
  get notAfter(): number | null {
    return this.#describe().not_after;
  }

  /** How many relationships are in effect. */
  get tupleCount(): number {
    return this.#describe().tuples;
  }

  /** SHA-256 of the compiled form, in lower-case hexadecimal: equal for equal policy data. */
  digest(): string {
    return this.#ask("digest", [], (answer) => answer);
  }

  /** What the snapshot holds that can have no effect. */
  warnings(): shapes.Warning[] {
    return this.#ask("warnings", []);
  }

  /**
   * Whether `user` has `relation` on `object`, by relationships alone.
   *
   * @throws {DeputizeError} `request.*`, `condition.*`, `budget.*`: there is no answer, which is a denial.
   */
  check(user: string, relation: string, object: string, options?: shapes.QueryOptions): boolean {
    const raw = this.#own();
    if (options === undefined && typeof user === "string" && typeof relation === "string" && typeof object === "string") {
      const answer = border.checkAtOnce(raw, user, relation, object);
      if (answer < 2) return answer === 1;
    }
    text(user, "user");
    text(relation, "relation");
    text(object, "object");
    return this.#ask("check", [user, relation, object, json(options, "options")]);
  }

  /** Many checks at once, each with its own answer or error, in the order given. */
  batchCheck(items: readonly shapes.CheckItem[], options?: shapes.QueryOptions): shapes.CheckAnswer[] {
    return this.#ask("batchCheck", [json(items, "items"), json(options, "options")]);
  }

  /**
   * The objects of a type on which `user` has `relation`: sorted, complete.
   *
   * @throws {DeputizeError} as {@link Policy.check}; a list that may lack something is none.
   */
  listObjects(user: string, relation: string, type: string, options?: shapes.QueryOptions): string[] {
    const given = [text(user, "user"), text(relation, "relation"), text(type, "type")];
    return this.#ask("listObjects", [...given, json(options, "options")]);
  }

  /**
   * The users of a type (`user`) or userset (`group#member`) that have `relation` on `object`: sorted, complete.
   *
   * @throws {DeputizeError} as {@link Policy.check}.
   */
  listUsers(object: string, relation: string, type: string, options?: shapes.QueryOptions): string[] {
    const given = [text(object, "object"), text(relation, "relation"), text(type, "type")];
    return this.#ask("listUsers", [...given, json(options, "options")]);
  }

  /**
   * Who has `relation` on `object`, one level down.
   *
   * @throws {DeputizeError} `request.*`.
   */
  expand(relation: string, object: string, options?: shapes.QueryOptions): shapes.Expansion {
    return this.#ask("expand", [text(relation, "relation"), text(object, "object"), json(options, "options")]);
  }

  /**
   * Why `user` has `relation` on `object`, or why not, as a tree.
   *
   * @throws {DeputizeError} `request.*`; an error on the way is part of the tree.
   */
  explain(user: string, relation: string, object: string, options?: shapes.QueryOptions): shapes.Explanation {
    const given = [text(user, "user"), text(relation, "relation"), text(object, "object")];
    return this.#ask("explain", [...given, json(options, "options")]);
  }

  /**
   * Which of these objects `user` has `relation` on. One that is malformed, or
   * whose check errs, is dropped and counted.
   *
   * @throws {DeputizeError} for what is wrong with the call as a whole: then nothing is allowed.
   */
  filter(user: string, relation: string, objects: Ids, options?: shapes.QueryOptions): Filtered {
    const raw = this.#own();
    const ids = packed(objects, "objects");
    const said = json(options, "options");
    text(user, "user");
    text(relation, "relation");
    return call(() => filtered(raw.filter(user, relation, ids.bytes, said), ids));
  }

  /** As {@link Policy.filter}, on another thread where the runtime has one to give: worth it from some ten thousand objects on. */
  async filterAsync(user: string, relation: string, objects: Ids, options?: shapes.QueryOptions): Promise<Filtered> {
    const raw = this.#own();
    const ids = packed(objects, "objects");
    const said = json(options, "options");
    text(user, "user");
    text(relation, "relation");
    return filtered(await border.filterLater(raw, user, relation, ids.bytes, said), ids);
  }

  /**
   * Verifies a token and says who calls.
   *
   * @throws {DeputizeError} of the kind `denied`, with the reason of the first check that fails.
   */
  verify(token: string, options?: VerifyOptions): Caller {
    return this.#caller("verify", [text(token, "token"), timed(options)], options);
  }

  /**
   * As {@link Policy.verify}, with the same answers: RSA and ECDSA signatures
   * are checked by WebCrypto where the host has it and that is quicker, as it
   * is many times in WebAssembly.
   */
  async verifyAsync(token: string, options?: VerifyOptions): Promise<Caller> {
    const { signatureFits } = border;
    if (signatureFits === undefined) return this.verify(token, options);
    const said = [text(token, "token"), timed(options)];
    const asked = this.#ask("signatureOf", said, (answer) => answer);
    const fits = asked === "" ? undefined : await signatureFits(JSON.parse(asked));
    if (fits === undefined) return this.#caller("verify", said, options);
    return this.#caller("verifySigned", [...said, String(fits)], options);
  }

  /**
   * The caller of the last of several tokens, which prove a chain: the
   * subject's own first, then one for each that was handed on to.
   *
   * @throws {DeputizeError} of the kind `denied`.
   */
  verifyChain(tokens: readonly string[], options?: VerifyOptions): Caller {
    return this.#caller("verifyChain", [json(tokens, "tokens"), timed(options)], options);
  }

  /**
   * A caller that the host vouches for. It counts for an hour.
   *
   * @param chain The principals, `type:id`: the subject first, then each that acts for the one before it. One alone acts for itself.
   * @throws {DeputizeError} of the kind `denied`.
   */
  caller(chain: string | readonly string[], options?: CallerOptions): Caller {
    const parties = typeof chain === "string" ? [chain] : chain;
    return this.#caller("caller", [json(parties, "chain"), timed(options)], options);
  }

  /**
   * Decides one question: whatever fails is a decision that denies, with its
   * reason and its audit record.
   *
   * @param asking Who asks: a token, `{ tokens }` that prove a chain, or a `{ chain }` of principals that the host vouches for.
   * @throws {DeputizeError} `call.*` alone.
   */
  decide(asking: string | shapes.Asking, question: shapes.Question, options?: VerifyOptions): shapes.Decision {
    const who = typeof asking === "string" ? { token: text(asking, "asking") } : asking;
    return this.#ask("decide", [json(who, "asking"), json(question, "question"), timed(options)]);
  }

  /**
   * Reads a token as this policy would, believing nothing of it: its parties, the rule that admits each hop, what its
   * scopes cover, and whether its signature fits. For people to look at; {@link Policy.verify} is what says who calls.
   */
  inspect(token: string, options?: PolicyInspectOptions): shapes.PolicyInspection {
    return this.#ask("inspect", [text(token, "token"), timed(options)]);
  }

  /**
   * Decides again what a record says was decided. Where nothing differs, the
   * new record's `id` is the old one's.
   *
   * @throws {DeputizeError} `replay.*`.
   */
  replay(record: shapes.AuditRecord, options?: shapes.ReplayOptions): shapes.Decision {
    return this.#ask("replay", [json(record, "record"), json(options, "options")]);
  }

  /**
   * The claims of the next token of a chain (RFC 8693). Signing them is the host's.
   *
   * @throws {DeputizeError} of the kind `denied`, with `oauthError`.
   */
  exchange(request: ExchangeRequest): shapes.ExchangeClaims {
    return this.#ask("exchange", [timed(request)]);
  }

  /**
   * The claims that FusionAuth would issue to an entity or a user that the host has authenticated.
   *
   * @throws {DeputizeError} of the kind `denied`, with `oauthError`.
   */
  clientCredentials(request: ClientCredentialsRequest): shapes.ClientCredentials {
    return this.#ask("clientCredentials", [timed(request)]);
  }

  /**
   * Answers an Access Evaluation request of AuthZEN 1.0.
   *
   * @throws {DeputizeError} `authzen.*`: the body is no such request (400 over HTTP).
   */
  evaluate(request: AuthZenRequest, options?: CallerOptions): shapes.Evaluation {
    return this.#ask("evaluate", [body(request, "request"), timed(options)]);
  }

  /** Answers an Access Evaluations request: many at once. @throws {DeputizeError} `authzen.*`. */
  evaluations(request: AuthZenRequest, options?: CallerOptions): shapes.Evaluations {
    return this.#ask("evaluations", [body(request, "request"), timed(options)]);
  }

  /** Answers a Subject Search request. @throws {DeputizeError} `authzen.*`. */
  searchSubjects(request: AuthZenRequest, options?: CallerOptions): shapes.FoundNamedEntity {
    return this.#ask("searchSubjects", [body(request, "request"), timed(options)]);
  }

  /** Answers a Resource Search request. @throws {DeputizeError} `authzen.*`. */
  searchResources(request: AuthZenRequest, options?: CallerOptions): shapes.FoundNamedEntity {
    return this.#ask("searchResources", [body(request, "request"), timed(options)]);
  }

  /** Answers an Action Search request. @throws {DeputizeError} `authzen.*`. */
  searchActions(request: AuthZenRequest, options?: CallerOptions): shapes.FoundNamedAction {
    return this.#ask("searchActions", [body(request, "request"), timed(options)]);
  }

  /** Gives the memory back. Callers made of it go on. Twice is once. */
  free(): void {
    const raw = this.#raw;
    this.#raw = undefined;
    if (raw !== undefined) call(() => raw.free());
  }

  /** {@link Policy.free}, for `using`. */
  [Symbol.dispose](): void {
    this.free();
  }

  #own(): RawPolicy {
    if (this.#raw === undefined) throw misuse("call.freed", "the policy was freed");
    return this.#raw;
  }

  #describe(): shapes.PolicyDescription {
    this.#own();
    return (this.#description ??= this.#ask<shapes.PolicyDescription>("describe", []));
  }

  #ask<T>(method: string, given: string[], read: (answer: string) => T = JSON.parse): T {
    const raw = this.#own();
    const answer = call(() => raw.ask(method, JSON.stringify(given)));
    return read(answer);
  }

  #caller(method: string, given: string[], options: { now?: Time } | undefined): Caller {
    const raw = this.#own();
    return newCaller(() => raw.caller(method, JSON.stringify(given), options?.now !== undefined));
  }
}

function compiled(image: Uint8Array | ArrayBuffer): Uint8Array {
  if (image instanceof Uint8Array || image instanceof ArrayBuffer) return bytes(image, "image");
  throw misuse("call.type", "`image` must be a `Uint8Array`");
}

/**
 * Decodes a token and says what is odd about it, without any policy. Nothing
 * in the answer may be relied upon: no signature is checked.
 *
 * @param options `now` is the host's clock by default; with `null` the token's times are not looked at.
 */
export function inspect(token: string, options?: InspectOptions): shapes.Inspection {
  const said = text(token, "token");
  const now = options?.now === null ? undefined : seconds(options?.now);
  return JSON.parse(ask("inspect", [said, JSON.stringify({ now })]));
}

/**
 * Which of these keys signed a token. It says nothing of the claims: neither
 * whether the token has expired, nor for whom it is, so it lets nobody in.
 *
 * @param keys A JWK set, or another form that a snapshot's issuer may have its keys in.
 * @throws {DeputizeError} `key.*` for the keys; of the kind `denied`, as {@link Policy.verify} up to the signature.
 */
export function verifySignature(token: string, keys: object | string | Uint8Array, options?: SignatureOptions): shapes.SignedBy {
  return JSON.parse(ask("verifySignature", [text(token, "token"), body(keys, "keys"), json(options, "options")]));
}

/** As {@link verifySignature}, with the same answers, by WebCrypto where it can. */
export async function verifySignatureAsync(token: string, keys: object | string | Uint8Array, options?: SignatureOptions): Promise<shapes.SignedBy> {
  const { signatureFits } = border;
  if (signatureFits === undefined) return verifySignature(token, keys, options);
  const said = [text(token, "token"), body(keys, "keys"), json(options, "options")];
  const asked = ask("signatureToCheck", said);
  const fits = asked === "" ? undefined : await signatureFits(JSON.parse(asked));
  return JSON.parse(fits === undefined ? ask("verifySignature", said) : ask("signatureChecked", [...said, String(fits)]));
}

function ask(method: string, given: string[]): string {
  return call(() => border.ask(method, JSON.stringify(given)));
}
