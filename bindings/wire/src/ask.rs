//! Every question by its name, for borders where each further function costs:
//! the arguments come as a JSON array of texts, as the function of that name
//! takes them.

use deputize::Policy;

use crate::error::Error;
use crate::filtered::Filtered;
#[cfg(feature = "tokens")]
use crate::kept::{Caller, Time};
use crate::options::read_as;

/// A question to a policy.
///
/// # Errors
/// Those of the question; `call.type` for arguments that are not texts, and
/// `call.unsupported` where there is no such question.
pub fn ask(policy: &Policy, method: &str, given: &str) -> Result<String, Error> {
    let given = texts(given)?;
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    match (method, given.as_slice()) {
        ("describe", []) => Ok(crate::describe_policy(policy)),
        ("digest", []) => Ok(crate::digest(policy)),
        ("warnings", []) => Ok(crate::warnings(policy)),
        ("check", [user, relation, object, options]) => {
            crate::check(policy, user, relation, object, options).map(truth)
        }
        ("batchCheck", [items, options]) => crate::batch_check(policy, items, options),
        ("listObjects", [user, relation, kind, options]) => {
            crate::list_objects(policy, user, relation, kind, options)
        }
        ("listUsers", [object, relation, kind, options]) => {
            crate::list_users(policy, object, relation, kind, options)
        }
        ("expand", [relation, object, options]) => crate::expand(policy, relation, object, options),
        ("explain", [user, relation, object, options]) => {
            crate::explain(policy, user, relation, object, options)
        }
        #[cfg(feature = "tokens")]
        ("signatureOf", [token, request]) => {
            Ok(crate::signature_of(policy, token, request)?.unwrap_or_default())
        }
        #[cfg(feature = "tokens")]
        ("decide", [asking, question, request]) => crate::decide(policy, asking, question, request),
        #[cfg(feature = "tokens")]
        ("inspect", [token, options]) => crate::policy_inspect(policy, token, options),
        #[cfg(feature = "tokens")]
        ("replay", [record, options]) => crate::replay(policy, record, options),
        #[cfg(feature = "tokens")]
        ("exchange", [request]) => crate::exchange(policy, request),
        #[cfg(feature = "tokens")]
        ("clientCredentials", [request]) => crate::client_credentials(policy, request),
        #[cfg(feature = "tokens")]
        ("evaluate", [body, options]) => crate::evaluate(policy, body.as_bytes(), options),
        #[cfg(feature = "tokens")]
        ("evaluations", [body, options]) => crate::evaluations(policy, body.as_bytes(), options),
        #[cfg(feature = "tokens")]
        ("searchSubjects", [body, options]) => {
            crate::search_subjects(policy, body.as_bytes(), options)
        }
        #[cfg(feature = "tokens")]
        ("searchResources", [body, options]) => {
            crate::search_resources(policy, body.as_bytes(), options)
        }
        #[cfg(feature = "tokens")]
        ("searchActions", [body, options]) => {
            crate::search_actions(policy, body.as_bytes(), options)
        }
        _ => Err(unknown(method)),
    }
}

/// A caller, made in one of the ways there are; `timed` is whether the program
/// gave the time that the options have.
///
/// # Errors
/// As [`ask`].
#[cfg(feature = "tokens")]
pub fn make_caller(
    policy: &Policy,
    method: &str,
    given: &str,
    timed: bool,
) -> Result<Caller, Error> {
    let given = texts(given)?;
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    match (method, given.as_slice()) {
        ("verify", [token, request]) => crate::verify(policy, token, request, timed),
        ("verifySigned", [token, request, fits]) => {
            crate::verify_signed(policy, token, request, *fits == "true", timed)
        }
        ("verifyChain", [tokens, request]) => crate::verify_chain(policy, tokens, request, timed),
        ("caller", [chain, options]) => crate::caller(policy, chain, options, timed),
        _ => Err(unknown(method)),
    }
}

/// A question to a caller.
///
/// # Errors
/// As [`ask`], and `call.now`.
#[cfg(feature = "tokens")]
pub fn ask_caller(caller: &Caller, time: Time, method: &str, given: &str) -> Result<String, Error> {
    let given = texts(given)?;
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    match (method, given.as_slice()) {
        ("describe", []) => Ok(crate::describe(caller)),
        ("can", [action, resource, context]) => {
            crate::caller_can(caller, time, action, resource, context).map(truth)
        }
        ("check", [action, resource, context]) => {
            crate::caller_check(caller, time, action, resource, context)
        }
        ("decide", [action, resource, context]) => {
            crate::caller_decide(caller, time, action, resource, context)
        }
        ("list", [action, kind]) => crate::caller_list(caller, time, action, kind),
        ("terms", [action, kind]) => crate::caller_terms(caller, time, action, kind),
        ("delegate", [actor, wanted]) => crate::delegate(caller, time, actor, wanted),
        _ => Err(unknown(method)),
    }
}

/// A question that needs no policy; nothing to answer is the empty text.
///
/// # Errors
/// As [`ask`].
#[cfg(feature = "tokens")]
pub fn ask_alone(method: &str, given: &str) -> Result<String, Error> {
    let given = texts(given)?;
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    match (method, given.as_slice()) {
        ("inspect", [token, options]) => crate::inspect(token, options),
        ("verifySignature", [token, keys, options]) => {
            crate::verify_signature(token, keys, options)
        }
        ("signatureChecked", [token, keys, options, fits]) => {
            crate::signature_checked(token, keys, options, *fits == "true")
        }
        ("signatureToCheck", [token, keys, options]) => {
            Ok(crate::signature_to_check(token, keys, options)?.unwrap_or_default())
        }
        _ => Err(unknown(method)),
    }
}

/// Ids packed into one text in UTF-8, with a line end between two; nothing at
/// all is no id. An id that is not UTF-8 is no id of anything: the empty text,
/// which is none either, stands for it.
#[must_use]
pub fn unpacked(packed: &[u8]) -> Vec<&str> {
    if packed.is_empty() {
        return Vec::new();
    }
    match std::str::from_utf8(packed) {
        Ok(text) => text.split('\n').collect(),
        Err(_) => packed
            .split(|byte| *byte == b'\n')
            .map(|id| std::str::from_utf8(id).unwrap_or_default())
            .collect(),
    }
}

impl Filtered {
    /// As one array of bytes: the mask, the summary in UTF-8, and the length of
    /// the summary in four bytes, the lowest first.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        let summary = self.summary();
        let mut mask = self.mask;
        mask.extend_from_slice(summary.as_bytes());
        // A summary has a number for each of some dozens of reasons.
        let length = u32::try_from(summary.len()).unwrap_or(u32::MAX);
        mask.extend_from_slice(&length.to_le_bytes());
        mask
    }
}

fn texts(given: &str) -> Result<Vec<String>, Error> {
    read_as("call.type", given)
}

fn truth(answer: bool) -> String {
    answer.to_string()
}

fn unknown(method: &str) -> Error {
    let said = format!("this build of the module has no `{method}` with these arguments");
    Error::misuse("call.unsupported", said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_ids_keep_their_places() {
        assert_eq!(unpacked(b""), Vec::<&str>::new());
        assert_eq!(unpacked(b"a"), ["a"]);
        assert_eq!(unpacked(b"\n"), ["", ""]);
        assert_eq!(unpacked("a\nö\n\nb".as_bytes()), ["a", "ö", "", "b"]);
        // What is not UTF-8 is no id, and its neighbours are what they are.
        assert_eq!(unpacked(b"a\n\xff\nb\n\xc3\n\xb6"), ["a", "", "b", "", ""]);
    }

    #[test]
    fn a_mask_carries_its_summary_and_the_length_of_it() {
        let policy = Policy::from_json(br#"{"deputize": 1, "model": "model\n  schema 1.1\ntype user\ntype a\n  relations\n    define viewer: [user]"}"#).unwrap();
        let objects = unpacked(b"a:1\nb");
        let answer = crate::filter(&policy, "user:anne", "viewer", &objects, "").unwrap();
        let (mask, summary) = (answer.mask.clone(), answer.summary());
        let bytes = answer.into_bytes();
        let (rest, length) = bytes.split_last_chunk::<4>().unwrap();
        assert_eq!(u32::from_le_bytes(*length) as usize, summary.len());
        assert_eq!(rest, [mask.as_slice(), summary.as_bytes()].concat());
        assert_eq!(mask, [0, 0]);
    }

    #[test]
    fn a_question_that_there_is_not_is_misuse() {
        let policy = Policy::from_json(br#"{"deputize": 1}"#).unwrap();
        for (method, given) in [("chek", "[]"), ("describe", r#"["a"]"#), ("check", "[]")] {
            assert_eq!(
                ask(&policy, method, given).unwrap_err().code,
                "call.unsupported"
            );
        }
        assert_eq!(
            ask(&policy, "describe", "{}").unwrap_err().code,
            "call.type"
        );
        assert_eq!(
            ask(&policy, "describe", "[1]").unwrap_err().code,
            "call.type"
        );
    }
}
