import type { ErrorBody, ErrorKind } from "./shapes.js";

/** The mark of an error, the same in every copy of this file that a program may hold. */
const MARK = Symbol.for("deputize.error");

/**
 * Why there is no answer. Everything that is thrown here is one of these;
 * `instanceof` also knows those of another copy of the class, as `import` and
 * `require`, or a native and a WebAssembly build side by side, would make.
 */
export class DeputizeError extends Error {
  override readonly name: string = "DeputizeError";
  /** Whose it is to mend: `misuse` the calling program's, `input` whoever wrote the snapshot or asked, `denied` nobody's, `internal` ours. */
  readonly kind: ErrorKind;
  /** A stable dotted name, the same in every language, e.g. `token.expired`. */
  readonly code: string;
  /** The JSON pointer of what is wrong, in the document or the options that were given. */
  readonly pointer: string | undefined;
  /** The line of what is wrong, from 1, where the document or its model is a text with lines. */
  readonly line: number | undefined;
  /** The column of what is wrong, from 1, in characters. */
  readonly column: number | undefined;
  /** For a refused exchange or client: the `error` of an OAuth response. */
  readonly oauthError: string | undefined;

  static {
    Object.defineProperty(this.prototype, MARK, { value: true });
  }

  /** Whether a value is such an error, of this copy of the class or of another. */
  static override [Symbol.hasInstance](value: unknown): value is DeputizeError {
    const marked = typeof value === "object" && value !== null && MARK in value;
    return marked && (this === DeputizeError || Object.prototype.isPrototypeOf.call(this.prototype, value));
  }

  /** @param body What the module said. */
  constructor(body: ErrorBody, options?: ErrorOptions) {
    super(body.message, options);
    this.kind = body.kind;
    this.code = body.code;
    this.pointer = body.pointer;
    this.line = body.line;
    this.column = body.column;
    this.oauthError = body.oauth_error;
  }

  /** The error as plain data, e.g. for a problem document. */
  toJSON(): ErrorBody {
    const body: ErrorBody = { kind: this.kind, code: this.code, message: this.message };
    if (this.pointer !== undefined) body.pointer = this.pointer;
    if (this.line !== undefined) body.line = this.line;
    if (this.column !== undefined) body.column = this.column;
    if (this.oauthError !== undefined) body.oauth_error = this.oauthError;
    return body;
  }
}

/** An error of the calling program. */
export function misuse(code: string, message: string, cause?: unknown): DeputizeError {
  return new DeputizeError({ kind: "misuse", code, message }, { cause });
}
