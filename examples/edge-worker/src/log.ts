// One line of JSON for whatever is worth knowing later. No token and no secret
// goes in here: records hold digests.

/** An event, with plain data. */
export interface Note {
  readonly event: string;
  readonly [name: string]: unknown;
}

export function note(what: Note): void {
  console.log(JSON.stringify(what));
}
