//! Callers, and questions to them.

use deputize::caller::Caller as Core;
use deputize_wire as wire;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::answer::{Checked, Decision, asked, read};
use crate::argument::{json, options, seconds, text};
use crate::error::{QUICK, answered, away, guarded, misuse};
use crate::ids::{Filtered, filtered};

type Argument<'a, 'py> = &'a Bound<'py, PyAny>;

/// A verified token, or principals that a host vouches for, bound to a policy:
/// ask it many questions.
#[pyclass(frozen, module = "deputize")]
pub(crate) struct Caller {
    pub(crate) caller: Core,
}

#[pymethods]
impl Caller {
    /// On whose behalf the caller acts, `type:id`.
    #[getter]
    fn subject(&self) -> &str {
        self.caller.subject()
    }

    /// Who acts: the subject itself, where nobody acts for it.
    #[getter]
    fn actor(&self) -> &str {
        self.caller.actor()
    }

    /// The request's tenant, or `None`.
    #[getter]
    fn tenant(&self) -> Option<&str> {
        self.caller.tenant()
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
        self.caller.inputs().time.0
    }

    /// The first second, since the Unix epoch, at which the token no longer
    /// counts, or `None`.
    #[getter]
    fn until(&self) -> Option<u64> {
        self.caller.inputs().until.map(|until| until.0)
    }

    /// The DPoP proof that came with the token, which the host should accept
    /// only once, or `None`.
    #[getter]
    fn dpop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.described(py, "dpop")
    }

    /// Whether the caller may do `action` on `resource` (`type:id` or a path).
    /// Whatever fails is `False`.
    #[pyo3(signature = (action, resource, context = None))]
    fn can(
        &self,
        action: Argument<'_, '_>,
        resource: Argument<'_, '_>,
        context: Option<Argument<'_, '_>>,
    ) -> PyResult<bool> {
        let py = action.py();
        let action = text(action, "action")?;
        let resource = text(resource, "resource")?;
        if context.is_none() {
            let quick = guarded(py, || self.caller.can_within(QUICK, action, resource))?;
            return match quick {
                Some(allowed) => Ok(allowed),
                None => away(py, || self.caller.can(action, resource, None)),
            };
        }
        let context = read_context(context)?;
        answered(py, || {
            wire::caller_can(&self.caller, action, resource, &context)
        })
    }

    /// As `can`, with the reason.
    #[pyo3(signature = (action, resource, context = None))]
    fn check(
        &self,
        action: Argument<'_, '_>,
        resource: Argument<'_, '_>,
        context: Option<Argument<'_, '_>>,
    ) -> PyResult<Checked> {
        let py = action.py();
        let action = text(action, "action")?;
        let resource = text(resource, "resource")?;
        let context = read_context(context)?;
        let answer = answered(py, || {
            wire::caller_check(&self.caller, action, resource, &context)
        })?;
        Checked::of(py, &answer)
    }

    /// As `can`, with what decided and an audit record.
    #[pyo3(signature = (action, resource, context = None))]
    fn decide(
        &self,
        action: Argument<'_, '_>,
        resource: Argument<'_, '_>,
        context: Option<Argument<'_, '_>>,
    ) -> PyResult<Decision> {
        let py = action.py();
        let action = text(action, "action")?;
        let resource = text(resource, "resource")?;
        let context = read_context(context)?;
        let answer = answered(py, || {
            wire::caller_decide(&self.caller, action, resource, &context)
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
    fn filter(&self, action: Argument<'_, '_>, resources: Argument<'_, '_>) -> PyResult<Filtered> {
        let action = text(action, "action")?;
        filtered(resources, "resources", |ids| {
            wire::caller_filter(&self.caller, action, ids)
        })
    }

    /// The objects of a type that the caller may do `action` on: sorted,
    /// complete.
    ///
    /// Raises as `filter`; a list that may lack something is none.
    fn list(&self, action: Argument<'_, '_>, r#type: Argument<'_, '_>) -> PyResult<Py<PyAny>> {
        let py = action.py();
        let action = text(action, "action")?;
        let kind = text(r#type, "type")?;
        asked(py, || wire::caller_list(&self.caller, action, kind))
    }

    /// Names under which the subject may stand in an access list that is stored
    /// with a chunk: to search with before filtering. They may let through too
    /// much, never too little.
    ///
    /// Raises as `filter`.
    fn terms(&self, action: Argument<'_, '_>, r#type: Argument<'_, '_>) -> PyResult<Py<PyAny>> {
        let py = action.py();
        let action = text(action, "action")?;
        let kind = text(r#type, "type")?;
        asked(py, || wire::caller_terms(&self.caller, action, kind))
    }

    /// The same caller at a later time: seconds since the Unix epoch, or a
    /// datetime with a time zone; now, by default.
    ///
    /// Raises DeniedError: the token has expired since, the snapshot is stale,
    /// or a party has expired.
    #[pyo3(signature = (now = None))]
    fn at(&self, py: Python<'_>, now: Option<Argument<'_, '_>>) -> PyResult<Self> {
        let now = seconds(py, now)?;
        let caller = answered(py, || wire::at(&self.caller, now))?;
        Ok(Self { caller })
    }

    /// The claims of the next token, for `actor` (`type:id`), whom the host has
    /// authenticated, to act for this caller.
    ///
    /// Options: `scope`, `audiences`, `resources`, `lifetime` in seconds.
    ///
    /// Raises DeniedError, with its `oauth_error`.
    #[pyo3(signature = (actor, **wanted))]
    fn delegate(
        &self,
        actor: Argument<'_, '_>,
        wanted: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let py = actor.py();
        let actor = text(actor, "actor")?;
        let wanted = options(py, wanted)?;
        asked(py, || wire::delegate(&self.caller, actor, &wanted))
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
        let mut said = format!("Caller(subject={}", shown(self.caller.subject())?);
        if self.caller.actor() != self.caller.subject() {
            said += &format!(", actor={}", shown(self.caller.actor())?);
        }
        if let Some(tenant) = self.caller.tenant() {
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

fn read_context(context: Option<Argument<'_, '_>>) -> PyResult<String> {
    context.map_or(Ok(String::new()), |context| json(context, "context"))
}
