//! AuthZEN 1.0: a request's JSON in, the answer's out. The options of each are
//! [`CallerOptions`].

use deputize::Policy;

use crate::error::Error;
use crate::options::{read, write};
use crate::setting::CallerOptions;

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// `call.options`, and `authzen.*` for a body that is no such
            /// request: over HTTP the answer is 400.
            pub fn $name(policy: &Policy, request: &[u8], options: &str) -> Result<String, Error> {
                let options: CallerOptions = read(options)?;
                let scopes = options.scope_set()?;
                let setting = options.setting(scopes.as_ref());
                Ok(write(&policy.$name(request, options.now, &setting)?))
            }
        )*
    };
}

questions! {
    /// Answers an Access Evaluation request.
    evaluate
    /// Answers an Access Evaluations request: many at once.
    evaluations
    /// Answers a Subject Search request.
    search_subjects
    /// Answers a Resource Search request.
    search_resources
    /// Answers an Action Search request.
    search_actions
}
