//! What the fuzzers found, each as small as it gets.

use deputize::Policy;
use serde_json::json;

/// Found by the target `request`. The compiled form held the model as OpenFGA's
/// JSON, whose members are sorted, so a condition's parameters came out of it in
/// another order than they were declared in, and so did the names in an error.
#[test]
fn parameters_keep_their_order_through_the_compiled_form() {
    let model = "model
  schema 1.1
type user
type document
  relations
    define viewer: [user with late]
condition late(hour: int, from: int) {
  hour >= from
}
";
    let snapshot = json!({"deputize": 1, "model": model, "tuples": [
        {"user": "user:a", "relation": "viewer", "object": "document:1",
            "condition": {"name": "late"}}]});
    let made = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    let opened = Policy::from_compiled(&made.to_compiled()).unwrap();
    let said = made.check("user:a", "viewer", "document:1");
    assert!(said.is_err());
    assert_eq!(
        said,
        opened.check("user:a", "viewer", "document:1"),
        "the opened policy says it otherwise"
    );
}
