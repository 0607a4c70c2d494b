// The cases that every language answers with the same bytes (`tests/vectors`),
// wherever this runs: nothing in here is Node's.

const utf8 = new TextEncoder();

/** The order of the bytes in UTF-8, which is not that of JavaScript's letters. */
function byBytes(one, other) {
  const [a, b] = [utf8.encode(one), utf8.encode(other)];
  const place = a.findIndex((byte, at) => byte !== b[at]);
  return place === -1 ? a.length - b.length : a[place] - (b[place] ?? -1);
}

/** Members sorted by the bytes of their names, nothing between tokens. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort(byBytes);
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

function without(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

function setting({ setting: { tuples, scope, ...rest } = {}, now }) {
  return without({ ...rest, contextual_tuples: tuples, scopes: scope, now });
}

function presented({ audience, proof = {} }) {
  const certificate = proof.certificate_sha256 && { sha256: proof.certificate_sha256 };
  return without({ audience, dpop: proof.dpop, certificate });
}

function caller(policy, request) {
  const options = { ...setting(request), ...presented(request) };
  if (request.token !== undefined) return policy.verify(request.token, options);
  if (request.tokens !== undefined) return policy.verifyChain(request.tokens, options);
  return policy.caller(request.chain, setting(request));
}

/** The same answer, where WebCrypto has looked at the signature. */
function callerAsync(policy, request) {
  return policy.verifyAsync(request.token, { ...setting(request), ...presented(request) });
}

const given = ({ claims, chain, audience, scope, issued_at, expires_at, expires_in }) => ({ claims, chain, audience, scope, issued_at, expires_at, expires_in });

const operations = {
  decide(policy, request) {
    const { token, tokens, chain, action, resource, context } = request;
    const asking = without({ token, tokens, chain });
    const options = chain === undefined ? { ...setting(request), ...presented(request) } : setting(request);
    return policy.decide(asking, without({ action, resource, context }), options);
  },
  verify(policy, request) {
    const { chain, subject, actor, tenant, scopes } = caller(policy, request);
    return { chain, subject, actor, tenant, scopes };
  },
  filter(policy, request) {
    const { mask, dropped } = caller(policy, request).filter(request.action, request.resources, request.now);
    return { mask: [...mask].map(Boolean), dropped };
  },
  list: (policy, request) => ({ resources: caller(policy, request).list(request.action, request.type, request.now) }),
  terms: (policy, request) => ({ terms: caller(policy, request).terms(request.action, request.type, request.now) }),
  exchange(policy, { subject_token, audience, proof, actor = {}, wanted, ...request }) {
    const { token, principal } = actor;
    const asked = without({
      ...setting(request),
      subject_token,
      subject: presented({ audience, proof }),
      actor_token: token,
      actor: token === undefined && principal === undefined ? undefined : without({ principal, ...presented(actor) }),
      wanted,
    });
    return given(policy.exchange(asked));
  },
  delegate: (policy, request) => given(caller(policy, request).delegate(request.actor.principal, request.wanted, request.now)),
  client_credentials(policy, { principal, scope, audience, tenant, now }) {
    const { claims, lifetime } = policy.clientCredentials(without({ principal, scope, audience, tenant, now }));
    return { claims, lifetime };
  },
  inspect: (_, { token, now }, { inspect }) => inspect(token, { now }),
  evaluate: (policy, request) => policy.evaluate(request.request, setting(request)),
  evaluations: (policy, request) => policy.evaluations(request.request, setting(request)),
  search_subjects: (policy, request) => policy.searchSubjects(request.request, setting(request)),
  search_resources: (policy, request) => policy.searchResources(request.request, setting(request)),
  search_actions: (policy, request) => policy.searchActions(request.request, setting(request)),
};

/** What is refused as a whole, as the vectors have it. */
function refused(error) {
  if (error?.name !== "DeputizeError") throw error;
  const { kind, code, message, oauthError, pointer = "" } = error;
  if (oauthError !== undefined) return { refused: { error: oauthError, reason: code, message } };
  if (kind === "denied") return { denied: { reason: code, message } };
  return { invalid: { code, pointer, message } };
}

/** Policies of the snapshots, by name. */
export function policies({ Policy }, snapshots) {
  return Object.fromEntries(Object.entries(snapshots).map(([name, document]) => [name, Policy.fromJson(document)]));
}

/** What is wrong with the answers to some cases; nothing, where all are right. */
export async function faults(deputize, policies, cases) {
  const wrong = [];
  for (const { name, snapshot, operation, request, answer } of cases) {
    const policy = policies[snapshot];
    let found;
    try {
      found = operations[operation](policy, request, deputize);
    } catch (error) {
      found = refused(error);
    }
    if (canonical(found) !== answer) wrong.push(`${name}: ${canonical(found)}`);
    if (request.token === undefined || operation === "inspect") continue;
    const outcomes = [() => caller(policy, request), () => callerAsync(policy, request)].map(async (make) => {
      try {
        return canonical((await make()).decide(request.action ?? "a", request.resource ?? "b:c", request.context, request.now));
      } catch (error) {
        return canonical(refused(error));
      }
    });
    const [here, there] = await Promise.all(outcomes);
    if (here !== there) wrong.push(`${name}: by WebCrypto ${there}, else ${here}`);
  }
  return wrong;
}
