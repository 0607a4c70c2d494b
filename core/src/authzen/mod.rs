//! AuthZEN: the questions of the OpenID Authorization API 1.0, JSON in and out.
//!
//! The host is the transport: it hands over a request's body, and answers 200
//! with what comes back, or 400 with a [`RequestError`], which is a body that
//! is no request at all. All else that fails is a decision `false`, or a search
//! without results, with the reason's code in its `context`. So is an item of a
//! list that is no evaluation: the others are answered.
//!
//! | in a request | is |
//! |---|---|
//! | `subject` | the principal `type:id`: one party, for which the sender vouches, as for [`Request::on_behalf_of`] |
//! | `action.name` | the action |
//! | `resource` | the object or entity `type:id` |
//! | `context` | values for conditions, each under its own name |
//! | `properties` | values for conditions too: `resource.properties.owner` is `resource_owner`, and so with `subject_` and `action_` |
//!
//! Where an attribute has several values, the first of these counts, for each
//! attribute by itself: the tuple's own (`condition.context`), the
//! `fixed_context` of the [`Setting`], the request's `context`, its
//! `properties`, the `context` of the setting. So an attribute that is stored
//! with a tuple cannot be overridden, and one that the host says may be either.
//!
//! Nothing in a request becomes a tuple, a tenant or a scope; those are the
//! setting's. Members that the API does not know are passed over, as it
//! demands; members that stand twice are refused.
//!
//! ```
//! use deputize::{Policy, UnixSeconds, request::Setting};
//!
//! let policy = Policy::from_json(br#"{"deputize": 1,
//!   "model": "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define can_read: [user]",
//!   "tuples": [{"user": "user:anne", "relation": "can_read", "object": "document:1"}]}"#)?;
//! let asked = br#"{"subject": {"type": "user", "id": "anne"}, "action": {"name": "can_read"},
//!   "resource": {"type": "document", "id": "1"}}"#;
//! let answer = policy.evaluate(asked, UnixSeconds(1_763_719_200), &Setting::default())?;
//! assert_eq!(serde_json::to_string(&answer)?, r#"{"decision":true}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod page;
mod request;
mod search;

pub use self::error::{RequestError, RequestFault};
pub use self::page::Page;
pub use self::search::{Found, Lacking, NamedAction, NamedEntity, Untold};

use std::cell::Cell;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::decision::{Denial, Reason};
use crate::policy::Policy;
use crate::request::{Request, Setting};
use crate::time::UnixSeconds;

use self::request::{Body, Question, Semantic};

/// The largest request that is read, in bytes.
pub const MAX_REQUEST_BYTES: usize = 1 << 20;

/// The most evaluations in one request. To narrow down a long list of
/// resources, [`Moment::filter`](crate::authority::Moment::filter) is the faster way.
pub const MAX_EVALUATIONS: usize = 1_000;

/// The answer to one evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evaluation {
    /// Whether it is allowed.
    pub decision: bool,
    /// Why not; an answer that allows has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Why>,
}

/// Why something is not allowed, or was not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Why {
    /// The code of the [`Reason`], or of the [`RequestError`] of an item that
    /// is no evaluation. Both are stable.
    pub reason: &'static str,
    /// The reason in words. It names parties and resources: for logs, and for
    /// people who may know of them.
    pub message: String,
}

/// The answer to a request for evaluations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Evaluations {
    /// To a request without a list: it is answered like a single one.
    One(Evaluation),
    /// To a list.
    Many {
        /// In the order asked; shorter than what was asked, where the request's
        /// semantic stopped at one of them.
        evaluations: Vec<Evaluation>,
    },
}

impl Policy {
    /// Answers an Access Evaluation request.
    ///
    /// # Errors
    /// See [`RequestError`]: the body is no such request.
    pub fn evaluate(
        &self,
        request: &[u8],
        now: UnixSeconds,
        setting: &Setting<'_>,
    ) -> Result<Evaluation, RequestError> {
        let body = Body::read(request)?;
        let question = Question::read(&body.root(), &body.root())?;
        Ok(Callers::new(self, now, setting).evaluate(question))
    }

    /// Answers an Access Evaluations request: many at once, with defaults for
    /// the members that they share.
    ///
    /// # Errors
    /// See [`RequestError`]. An item that is no evaluation is no such error: it
    /// is denied, which stops `deny_on_first_deny` as any denial does.
    pub fn evaluations(
        &self,
        request: &[u8],
        now: UnixSeconds,
        setting: &Setting<'_>,
    ) -> Result<Evaluations, RequestError> {
        let body = Body::read(request)?;
        let semantic = Semantic::read(&body.root())?;
        let mut callers = Callers::new(self, now, setting);
        let items = body.evaluations()?;
        if items.is_empty() {
            let question = Question::read(&body.root(), &body.root())?;
            return Ok(Evaluations::One(callers.evaluate(question)));
        }
        let mut evaluations = Vec::with_capacity(items.len());
        for item in items {
            let question = item.and_then(|item| Question::read(&item, &body.root()));
            let answer = match question {
                Ok(question) => callers.evaluate(question),
                Err(error) => Evaluation::refused(&error),
            };
            let last = semantic.stops_at(answer.decision);
            evaluations.push(answer);
            if last {
                break;
            }
        }
        Ok(Evaluations::Many { evaluations })
    }
}

impl Evaluation {
    fn refused(error: &RequestError) -> Self {
        Self {
            decision: false,
            context: Some(Why {
                reason: error.code(),
                message: error.to_string(),
            }),
        }
    }

    fn of(decided: Result<(), Denial>) -> Self {
        Self {
            decision: decided.is_ok(),
            context: decided.err().map(Why::from),
        }
    }
}

impl From<Denial> for Why {
    fn from(denial: Denial) -> Self {
        Self {
            reason: denial.code(),
            message: denial.message,
        }
    }
}

/// How many callers are kept for the next question: each holds what the host
/// says of the request.
const MAX_CALLERS: usize = 16;

/// The callers of one request, which is one call, whatever it asks of them.
struct Callers<'a> {
    /// The steps that are left to the call.
    call: Cell<u64>,
    policy: &'a Policy,
    now: UnixSeconds,
    setting: &'a Setting<'a>,
    known: BTreeMap<String, Result<Caller, Denial>>,
}

impl<'a> Callers<'a> {
    fn new(policy: &'a Policy, now: UnixSeconds, setting: &'a Setting<'a>) -> Self {
        Self {
            call: Cell::new(policy.limits().of_call()),
            policy,
            now,
            setting,
            known: BTreeMap::new(),
        }
    }

    fn evaluate(&mut self, question: Question<'_>) -> Evaluation {
        Evaluation::of(self.check(&question))
    }

    fn check(&mut self, question: &Question<'_>) -> Result<(), Denial> {
        let resource = question.resource.object()?;
        let context = question.values.all();
        let subject = question.subject.principal();
        self.ask(&subject, question.action, &resource, &context)
    }

    /// Asks one subject, as a part of the call.
    fn ask(
        &mut self,
        principal: &str,
        action: &str,
        resource: &str,
        context: &Map<String, Value>,
    ) -> Result<(), Denial> {
        self.admit(principal)?;
        let Some(Ok(caller)) = self.known.get(principal) else {
            return Err(Denial::new(Reason::Internal, "a caller is not there"));
        };
        let asked = caller.at(self.now).with_context(context);
        asked.check_within(&self.call, action, resource)
    }

    /// Makes the caller that a subject is.
    fn admit(&mut self, principal: &str) -> Result<(), Denial> {
        if !self.known.contains_key(principal) {
            if self.known.len() >= MAX_CALLERS {
                self.known.clear();
            }
            let request = Request::at(self.now).setting(*self.setting);
            let caller = self.policy.admit(&request.on_behalf_of(&[principal]));
            self.known.insert(principal.to_owned(), caller);
        }
        match self.known.get(principal) {
            Some(Err(denial)) => Err(denial.clone()),
            _ => Ok(()),
        }
    }
}
