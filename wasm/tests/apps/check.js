// What every runtime and every bundle does: load, check, filter, verify.
export const document = {
  deputize: 1,
  revision: "app",
  model: "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]",
  tuples: [{ user: "user:anne", relation: "viewer", object: "document:1" }],
};

export async function check({ DeputizeError, Policy, init, inspect }, source) {
  await init(source);
  const policy = Policy.fromCompiled(Policy.fromJson(document).toCompiled());
  let code;
  try {
    await policy.verifyAsync("no.token.here");
  } catch (error) {
    code = error instanceof DeputizeError && error.code;
  }
  return JSON.stringify([
    policy.revision,
    policy.check("user:anne", "viewer", "document:1"),
    policy.check("user:bob", "viewer", "document:1"),
    policy.filter("user:anne", "viewer", ["document:2", "document:1"]).allowed,
    policy.caller("user:anne").can("viewer", "document:1"),
    code,
    inspect("a.b.c").verified,
  ]);
}

export const expected = '["app",true,false,1,true,"token.malformed",false]';
