// Reading a request's body, up to a limit.

import { Refusal } from "./refusal.js";

/** The most that is read: far beyond any honest request. */
const MOST = 256 * 1024;

/** @throws {Refusal} 413, 415, or 400 where it is not UTF-8. */
export async function readBody(request: Request, type: string): Promise<string> {
  const given = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (given !== type) throw new Refusal(415, "edge.media_type");
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength;
      if (size > MOST) throw new Refusal(413, "edge.body_too_large");
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (thrown) {
    throw thrown instanceof Refusal ? thrown : new Refusal(400, "edge.body");
  }
}
