// The page at a loopback address, and nothing else.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const page = readFileSync(new URL("dist/index.html", import.meta.url));

/** A server on this machine alone; port 0 is any that is free. */
export function serve(port = 0) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const found = (request.method === "GET" || request.method === "HEAD") && (pathname === "/" || pathname === "/index.html");
    response.writeHead(found ? 200 : 404, {
      "content-type": found ? "text/html; charset=utf-8" : "text/plain",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
    response.end(found && request.method === "GET" ? page : undefined);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve({ server, address: `http://127.0.0.1:${server.address().port}/` }));
  });
}

if (process.argv[1] === import.meta.filename) {
  const { address } = await serve(Number(process.env.PORT ?? 8421)).catch(() => serve());
  console.log(`token inspector: ${address} (ends with Ctrl-C)`);
}
