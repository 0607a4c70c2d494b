//! Callers, and questions to them.

use deputize_wire::{self as wire, Caller as Kept, Time};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::answer::{Checked, Decision, asked, read};
use crate::argument::{json, not_a, options, seconds, text};
use crate::error::{QUICK, answered, away, guarded, misuse, raised};
use crate::ids::{Filtered, filtered};
use crate::policy::Policy;

type Argument<'a, 'py> = &'a Bound<'py, PyAny>;

/// A verified token, or principals that a host vouches for, bound to a policy:
/// ask it many questions.
#[pyclass(frozen, module = "deputize")]
pub(crate) struct Caller {
    pub(crate) caller: Kept,
}

#[pymethods]
impl Caller {
    /// On whose behalf the caller acts, `type:id`.
    #[getter]
    fn subject(&self) -> &str {
        self.caller.core().subject()
    }

    /// Who acts: the subject itself, where nobody acts for it.
    #[getter]
    fn actor(&self) -> &str {
        self.caller.core().actor()
    }

    /// The request's tenant, or `None`.
    #[getter]
    fn tenant(&self) -> Option<&str> {
        self.caller.core().tenant()
    }

    /// The parties, subject first, current actor last, each `{"principal"}`,
    /// and from a token `{"issuer", "subject"}` too.
    #[getter]
    fn chain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.described(py, "chain")
    }

    /// The token's scopes, as the claims that carried them; `None` where there
    /// are none or where they are not looked at.
    #[getter]
    fn scopes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.described(py, "scopes")
    }

    /// The time of the request, in seconds since the Unix epoch.
    #[getter]
    fn time(&self) -> u64 {
        self.caller.time().0
    }

    /// The first second, since the Unix epoch, at which the token no longer
    /// counts, or `None`.
    #[getter]
    fn until(&self) -> Option<u64> {
        self.caller.core().inputs().until.map(|until| until.0)
    }

    /// The first second, since the Unix epoch, at which the caller no longer
    /// counts: its token, the snapshot or one of its parties has come to its
    /// end, or it was kept for as long as one without a token may be; or `None`.
    #[getter]
    fn fresh_until(&self) -> Option<u64> {
        self.caller.core().fresh_until().map(|until| until.0)
    }

    /// The DPoP proof that came with the token, which the host should accept
    /// only once, or `None`.
    #[getter]
    fn dpop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.described(py, "dpop")
    }

    /// Whether the caller may do `action` on `resource` (`type:id` or a path).
    /// Whatever fails is `False`. Every question is of `now`, the host's clock by
    /// default: a caller that was kept for too long may nothing.
    ///
    /// Raises MisuseError, `call.now`, where the caller was given its time and
    /// the question is not.
    #[pyo3(signature = (action, resource, context = None, *, now = None))]
    fn can(
        &self,
        action: Argument<'_, '_>,
        resource: Argument<'_, '_>,
        context: Option<Argument<'_, '_>>,
        now: Option<Argument<'_, '_>>,
    ) -> PyResult<bool> {
        let py = action.py();
        let action = text(action, "action")?;
        let resource = text(resource, "resource")?;
        let time = time(py, now)?;
        if context.is_none() {
            let moment = self
                .caller
                .moment(time)
                .map_err(|error| raised(py, &error))?;
            let quick = guarded(py, || moment.can_within(QUICK, action, resource))?;
            return match quick {
                Some(allowed) => Ok(allowed),
                None => away(py, || moment.can(action, resource)),
            };
        }
        let context = read_context(context)?;
        answered(py, || {
            wire::caller_can(&self.caller, time, action, resource, &context)
        })
    }

    /// As `can`, with the reason.
    #[pyo3(signature = (action, resource, context = None, *, now = None))]
    fn check(
        &self,
        action: Argument<'_, '_>,
        resource: Argument<'_, '_>,
        context: Option<Argument<'_, '_>>,
        now: Option<Argument<'_, '_>>,
    ) -> PyResult<Checked> {
        let py = action.py();
        let action = text(action, "action")?;
        let resource = text(resource, "resource")?;
        let (context, time) = (read_context(context)?, time(py, now)?);
        let answer = answered(py, || {
            wire::caller_check(&self.caller, time, action, resource, &context)
        })?;
        Checked::of(py, &answer)
    }

    /// As `can`, with what decided and an audit record.
    #[pyo3(signature = (action, resource, context = None, *, now = None))]
    fn decide(
        &self,
        action: Argument<'_, '_>,
        resource: Argument<'_, '_>,
        context: Option<Argument<'_, '_>>,
        now: Option<Argument<'_, '_>>,
    ) -> PyResult<Decision> {
        let py = action.py();
        let action = text(action, "action")?;
        let resource = text(resource, "resource")?;
        let (context, time) = (read_context(context)?, time(py, now)?);
        let answer = answered(py, || {
            wire::caller_decide(&self.caller, time, action, resource, &context)
        })?;
        Decision::of(py, &answer)
    }

    /// Which of these resources the caller may do `action` on. One that is
    /// null, no text, malformed or unknown, or whose check errs, is dropped and
    /// counted.
    ///
    /// Resources: a list, a NumPy array or an Arrow array of str; the mask is
    /// in kind.
    ///
    /// Raises DeniedError for what is wrong with the call as a whole: then
    /// nothing is allowed.
    #[pyo3(signature = (action, resources, *, now = None))]
    fn filter(
        &self,
        action: Argument<'_, '_>,
        resources: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
    ) -> PyResult<Filtered> {
        let time = time(action.py(), now)?;
        let action = text(action, "action")?;
        filtered(resources, "resources", |ids| {
            wire::caller_filter(&self.caller, time, action, ids)
        })
    }

    /// The objects of a type that the caller may do `action` on: sorted,
    /// complete.
    ///
    /// Raises as `filter`; a list that may lack something is none.
    #[pyo3(signature = (action, r#type, *, now = None))]
    fn list(
        &self,
        action: Argument<'_, '_>,
        r#type: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        let py = action.py();
        let action = text(action, "action")?;
        let (kind, time) = (text(r#type, "type")?, time(py, now)?);
        asked(py, || wire::caller_list(&self.caller, time, action, kind))
    }

    /// Names under which the subject may stand in an access list that is stored
    /// with a chunk: to search with before filtering. They may let through too
    /// much, never too little.
    ///
    /// Raises as `filter`.
    #[pyo3(signature = (action, r#type, *, now = None))]
    fn terms(
        &self,
        action: Argument<'_, '_>,
        r#type: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        let py = action.py();
        let action = text(action, "action")?;
        let (kind, time) = (text(r#type, "type")?, time(py, now)?);
        asked(py, || wire::caller_terms(&self.caller, time, action, kind))
    }

    /// The caller as it is at a time: seconds since the Unix epoch, or a
    /// datetime with a time zone; now, by default. What it is asked without a
    /// `now` is asked as of then: ask it at once, and do not keep it.
    ///
    /// Raises DeniedError: it no longer counts, since the token has expired, the
    /// snapshot is stale, a party has expired, or it was kept for too long.
    #[pyo3(signature = (now = None))]
    fn at(&self, py: Python<'_>, now: Option<Argument<'_, '_>>) -> PyResult<Self> {
        let time = time(py, now)?;
        let caller = answered(py, || self.caller.at(time))?;
        Ok(Self { caller })
    }

    /// The caller as another policy has it, at a time: now, by default. What it was
    /// made from (its token or its principals, and what the host said) is looked
    /// at again as of then, so that what was revoked or removed since counts.
    ///
    /// Raises DeniedError: as `at`, and whatever that policy refuses it for.
    #[pyo3(signature = (policy, *, now = None))]
    fn under(&self, policy: Argument<'_, '_>, now: Option<Argument<'_, '_>>) -> PyResult<Self> {
        let py = policy.py();
        let time = time(py, now)?;
        let Ok(policy) = policy.cast::<Policy>() else {
            return Err(not_a(policy, "policy", "a Policy"));
        };
        let policy = &policy.get().policy;
        let caller = answered(py, || self.caller.under(policy, time))?;
        Ok(Self { caller })
    }

    /// The same caller with contextual tuples beside those that it has: what
    /// chunks say of their own readers, say. They come from the host, never
    /// from whoever asks.
    ///
    /// Raises DeniedError: `request.contextual_tuple` for one that cannot
    /// stand, and whatever refuses the caller beside them.
    fn with_tuples(&self, contextual_tuples: Argument<'_, '_>) -> PyResult<Self> {
        let py = contextual_tuples.py();
        let tuples = json(contextual_tuples, "contextual_tuples")?;
        let caller = answered(py, || wire::with_tuples(&self.caller, &tuples))?;
        Ok(Self { caller })
    }

    /// The claims of the next token, for `actor` (`type:id`), whom the host has
    /// authenticated, to act for this caller.
    ///
    /// Options: `scope`, `audiences`, `resources`, `lifetime` in seconds,
    /// `confirmation`; `now`.
    ///
    /// Raises DeniedError, with its `oauth_error`.
    #[pyo3(
        signature = (actor, *, now = None, **wanted),
        text_signature = "($self, actor, *, now=None, scope=None, resources=None, audiences=None, lifetime=None, confirmation=None)"
    )]
    fn delegate(
        &self,
        actor: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        wanted: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let py = actor.py();
        let actor = text(actor, "actor")?;
        let (wanted, time) = (options(py, wanted)?, time(py, now)?);
        asked(py, || wire::delegate(&self.caller, time, actor, &wanted))
    }

    /// A caller stands for a check of a token: it is not written down.
    fn __reduce__(&self, py: Python<'_>) -> PyResult<()> {
        let said = "a caller cannot be pickled: send the token, and verify it there";
        Err(misuse(py, said))
    }

    /// It never changes: a copy is itself.
    fn __copy__(own: Py<Self>) -> Py<Self> {
        own
    }

    fn __deepcopy__(own: Py<Self>, _memo: Argument<'_, '_>) -> Py<Self> {
        own
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let shown = |text: &str| PyString::new(py, text).repr().map(|r| r.to_string());
        let mut said = format!("Caller(subject={}", shown(self.caller.core().subject())?);
        if self.caller.core().actor() != self.caller.core().subject() {
            said += &format!(", actor={}", shown(self.caller.core().actor())?);
        }
        if let Some(tenant) = self.caller.core().tenant() {
            said += &format!(", tenant={}", shown(tenant)?);
        }
        if let Some(until) = self.until() {
            said += &format!(", until={until}");
        }
        Ok(said + ")")
    }
}

impl Caller {
    fn described<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        read(py, &wire::describe(&self.caller))?.get_item(name)
    }
}

/// The time of a question.
fn time(py: Python<'_>, now: Option<Argument<'_, '_>>) -> PyResult<Time> {
    let given = now.is_some();
    let now = seconds(py, now)?;
    Ok(Time { now, given })
}

fn read_context(context: Option<Argument<'_, '_>>) -> PyResult<String> {
    context.map_or(Ok(String::new()), |context| json(context, "context"))
}
