//! Any bytes as a snapshot: a policy or an error, and a policy that says the
//! same after a round through its compiled form.

use deputize::Policy;

/// Takes one input.
pub fn run(bytes: &[u8]) {
    match Policy::from_json(bytes) {
        Ok(policy) => {
            let image = policy.to_compiled();
            let opened = Policy::from_compiled(&image).expect("what was written opens");
            assert_eq!(opened.to_compiled(), image);
            assert_eq!(opened.revision(), policy.revision());
            assert_eq!(opened.tuple_count(), policy.tuple_count());
        }
        Err(error) => {
            // Every error can be told, and has its code.
            assert!(!error.code().is_empty());
            let _ = error.to_string();
        }
    }
}
