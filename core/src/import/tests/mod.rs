use serde_json::{Value, json};

use super::*;
use crate::numbers::Numbers;

mod fusebit;
mod fusionauth;
mod openfga;
mod permit;

#[test]
fn any_document_is_imported_or_errs() {
    let words = [
        "users",
        "items",
        "id",
        "identities",
        "issuerId",
        "subject",
        "access",
        "allow",
        "action",
        "resource",
        "publicKeys",
        "keys",
        "keyId",
        "publicKey",
        "entities",
        "entity",
        "type",
        "grants",
        "userId",
        "entityTypes",
        "permissions",
        "name",
        "tuples",
        "user",
        "relation",
        "object",
        "model",
        "key",
        "condition",
        "role_permissions",
        "__tenant",
        "document",
        "document:1",
        "user:ada",
        "role_assignments",
        "relationships",
        "resource_types",
        "roles",
        "derived_roles",
        "rules",
        "actions",
        "roleAssignments",
        "tenant",
        "a:*",
        "usr-1",
    ];
    let mut numbers = Numbers(31);
    let mut imported = [0; 4];
    for _ in 0..20_000 {
        let value = numbers.json(&words, 5);
        let documents = [value];
        let results = [
            super::fusionauth(&documents),
            super::fusebit(&documents, &FusebitOptions::default()),
            super::permit(&documents[0]),
            super::openfga(&documents),
        ];
        for (count, result) in imported.iter_mut().zip(results) {
            match result {
                Ok(result) => {
                    *count += 1;
                    assert_eq!(result.snapshot["deputize"], 1);
                }
                Err(error) => assert!(error.to_string().contains(':')),
            }
        }
    }
    assert!(imported.iter().all(|count| *count > 50), "{imported:?}");
}
