// Stands in for the bank's API: it says for whom it was asked, and what.
// Only the gate can reach it, so it may believe the gate's headers.

const OPENED: { readonly [path: string]: string } = {
  "/documents/counter-guide": "How to count what is on the counter.",
  "/documents/dispute-policy": "Disputes, in three sections.",
  "/documents/fees": "The price list.",
  "/sections/dispute-policy-2": "§2 Our limits",
  "/sections/dispute-policy-3": "§3 Legal position",
};

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const subject = request.headers.get("x-deputize-subject");
    if (subject === null) return new Response("not by way of the gate", { status: 500 });
    const actor = request.headers.get("x-deputize-actor");
    const chain = request.headers.get("x-deputize-chain");
    if (request.method === "PUT") return Response.json({ changed: pathname, to: await request.text(), subject, actor, chain });
    return Response.json({ path: pathname, text: OPENED[pathname] ?? "…", subject, actor, chain });
  },
};
