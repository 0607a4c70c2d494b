// An origin for the cases of `tests/vectors/sources.json`: a server, or a file,
// that does what a step says.

import { createHash } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Policy } from "deputize";

const model = "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]";
const hash = (bytes, form) => createHash("sha256").update(bytes).digest(form);

/** The bytes of what a step says that is served. */
export function bodyOf({ text, revision = "1", issued_at, more, compiled, damaged, bytes = 0 }) {
  if (text !== undefined) return Buffer.from(text);
  // Who may read it tells which revision this is.
  const tuples = [{ user: `user:of-${revision}`, relation: "viewer", object: "document:1" }];
  const members = { deputize: 1, revision, model, tuples, ...(issued_at !== undefined && { issued_at }), ...more };
  let body = Buffer.from(JSON.stringify(members));
  if (compiled) body = Buffer.from(Policy.fromJson(body).toCompiled());
  if (damaged) body[body.length - 40] ^= 1;
  return Buffer.concat([body, Buffer.alloc(Math.max(0, bytes - body.length), " ")]);
}

/** A file, replaced as a whole. */
export async function files() {
  const folder = mkdtempSync(join(tmpdir(), "deputize-"));
  const location = join(folder, "policy.json");
  const serve = (said) => {
    if (said.gone) return rmSync(location);
    writeFileSync(`${location}.next`, bodyOf(said));
    renameSync(`${location}.next`, location);
  };
  serve({});
  return { location, serve, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A server whose URL holds secrets. */
export async function server(elsewhere) {
  let said = {};
  const answered = [];
  const http = createServer(async (request, response) => {
    response.setHeader("connection", "close");
    const head = (status, headers) => {
      answered.push(status);
      return response.writeHead(status, headers);
    };
    const { gone, slow, redirect, status = 200, etag = true, digest, drips, chunked, cut } = said;
    if (gone) return request.socket.destroy();
    if (slow !== undefined) await new Promise((done) => setTimeout(done, slow * 1000).unref());
    if (redirect !== undefined) return head(302, { location: redirect === "elsewhere" ? elsewhere : "/other.json" }).end();
    const body = bodyOf(said);
    const tag = `"${hash(body, "hex")}"`;
    const headers = {
      ...(etag && { etag: tag }),
      ...(digest !== undefined && { "repr-digest": `sha-256=:${hash(digest === "right" ? body : "another", "base64")}:` }),
    };
    if (status === 200 && etag && request.headers["if-none-match"] === tag) return head(304, headers).end();
    if (status === 204 || status === 304) return head(status, headers).end();
    if (drips) {
      head(status, headers);
      const timer = setInterval(() => response.write(" "), 50);
      return response.once("close", () => clearInterval(timer));
    }
    head(status, { ...headers, ...(!chunked && { "content-length": body.length }) });
    if (!cut) return response.end(body);
    response.write(body.subarray(0, body.length / 2), () => request.socket.destroy());
  });
  await new Promise((ready) => http.listen(0, "127.0.0.1", ready));
  return {
    location: `http://reader:PASSWORD@127.0.0.1:${http.address().port}/policy.json?sig=SIGNED-SECRET`,
    answered,
    serve: (now) => (said = now),
    close: () => (http.closeAllConnections(), http.close()),
  };
}
