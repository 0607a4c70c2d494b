// Ids of any text. A resource or a principal is `type:id`, and an id holds no
// white space, no control character and none of `:`, `#`, `*`. What a database
// calls its rows may hold any of them; and an id of `*` would mean everybody.

import { misuse } from "./error.js";

// The percent sign too, so that no two texts are one id. The same set in every
// language: what the core takes in an id stays as it is, but for `%`.
const ENCODED = /[%:#*\p{White_Space}\p{Cc}]/gu;
const ESCAPES = /(?:%[0-9A-F]{2})+/g;

function readId(text: unknown): string {
  if (typeof text !== "string" || text === "") throw misuse("call.type", "an id is made of a text that is not empty");
  if (/\p{Cs}/u.test(text)) throw misuse("call.type", "an id is made of a text without lone surrogates");
  return text;
}

/**
 * An id for any text: percent-encoded UTF-8 in capitals for `%`, `:`, `#`, `*`,
 * white space and control characters, and every other character as it is.
 * Different texts give different ids. Letter case and Unicode's normal forms are
 * not touched: make them one before, where they mean one.
 *
 * @throws {DeputizeError} of the kind `misuse`: the text is empty, or has lone surrogates.
 */
export function encodeId(text: string): string {
  return readId(text).replace(ENCODED, (letter) => Array.from(new TextEncoder().encode(letter), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""));
}

/**
 * The text of an encoded id.
 *
 * @throws {DeputizeError} of the kind `misuse`: {@link encodeId} gives no such id.
 */
export function decodeId(id: string): string {
  let text = "";
  try {
    text = readId(id).replace(ESCAPES, (found) => {
      const bytes = Uint8Array.from(found.slice(1).split("%"), (digits) => Number.parseInt(digits, 16));
      // A mark of its own at the beginning is a character like any other here.
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    });
  } catch {
    text = "";
  }
  // So that two spellings never stand for one text.
  if (text === "" || encodeId(text) !== id) throw misuse("call.type", "it is no encoded id");
  return text;
}
