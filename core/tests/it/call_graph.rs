//! Agents that may call each other along a line, by entity grants.

use deputize::Policy;
use deputize::Request;
use deputize::time::UnixSeconds;
use deputize::token::VerifyOptions;
use serde_json::{Value, json};

use crate::forge::{Key, NOW, entry};
use crate::world::answer;

/// Agents A, B and C in one tenant: A may execute B, and B may execute C.
pub(crate) fn call_graph(key: &Key) -> Value {
    let entity = |id: &str| json!({"id": id, "type": {"id": "t"}, "tenantId": "acme"});
    let grant = |from: &str, to: &str| json!({"entity": {"id": to}, "recipientEntityId": from, "permissions": ["execute"]});
    let mut issuer = entry(key);
    issuer["audiences"] = json!(["A", "B", "C"]);
    issuer["subject"] = json!("entity:{sub}");
    issuer["actor"] = json!("entity:{sub}");
    issuer["chain"] = json!("rfc8693");
    issuer["tenant_claim"] = json!("tid");
    json!({
        "deputize": 1,
        "entity_types": [{"id": "t", "permissions": [{"name": "execute"}, {"name": "read"}]}],
        "entities": [entity("A"), entity("B"), entity("C")],
        "entity_grants": [grant("A", "B"), grant("B", "C")],
        "issuers": [issuer],
    })
}

/// What comes of a token's question: `allowed`, or why not.
pub(crate) fn code(
    snapshot: &Value,
    token: &str,
    audience: &str,
    action: &str,
    on: &str,
) -> &'static str {
    let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    let options = VerifyOptions {
        audience: Some(audience),
        ..VerifyOptions::default()
    };
    match policy.admit(
        &Request::at(UnixSeconds(NOW))
            .token(token.as_bytes())
            .presented(options),
    ) {
        Ok(caller) => answer(&caller, action, on),
        Err(denial) => denial.code(),
    }
}
