use serde_json::{Value, json};

use super::*;
use crate::numbers::Numbers;

mod fusebit;
mod fusionauth;
mod openfga;
mod permit;
mod random;

/// The snapshot of an import.
fn snapshot(imported: &Imported) -> Value {
    serde_json::from_slice(&imported.to_json("1")).unwrap()
}

/// The first error of an import that is refused.
fn refusal(import: Result<Imported, Refused>) -> ImportError {
    let refused = import.unwrap_err();
    assert!(refused.records.refused > 0 || refused.errors[0].code() == "import.incomplete");
    refused.errors[0].clone()
}

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
            super::permit(&documents[0], &PermitOptions::default()),
            super::openfga(&documents),
        ];
        for (count, result) in imported.iter_mut().zip(results) {
            match result {
                Ok(result) => {
                    *count += 1;
                    assert_eq!(snapshot(&result)["deputize"], 1);
                    assert_eq!(result.records().refused, 0);
                }
                Err(error) => assert!(error.to_string().contains(':')),
            }
        }
    }
    assert!(imported.iter().all(|count| *count > 50), "{imported:?}");
}
