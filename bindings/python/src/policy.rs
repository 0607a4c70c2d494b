//! Policies, and questions to them.

use std::path::PathBuf;

use deputize::{Limits, Policy as Core};
use deputize_wire::{self as wire, Error};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use crate::answer::{CheckAnswer, Decision, Explanation, asked};
use crate::argument::{document, json, lent, not_a, options, text, timed, with};
use crate::caller::Caller;
use crate::error::{QUICK, answered, away, guarded};
use crate::file::read_file;
use crate::ids::{Filtered, filtered};

type Named<'a, 'py> = &'a Bound<'py, PyDict>;
type Argument<'a, 'py> = &'a Bound<'py, PyAny>;

/// A compiled snapshot: immutable, and safe to share between threads.
///
/// >>> from deputize import Policy
/// >>> policy = Policy.from_json({"deputize": 1, "revision": "42",
/// ...     "model": "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define reader: [user]",
/// ...     "tuples": [{"user": "user:anne", "relation": "reader", "object": "document:1"}]})
/// >>> policy
/// Policy(revision='42', tuples=1)
/// >>> policy.check("user:anne", "reader", "document:1")
/// True
#[pyclass(frozen, module = "deputize")]
pub(crate) struct Policy {
    pub(crate) policy: Core,
}

#[pymethods]
impl Policy {
    /// Reads and compiles a snapshot document: bytes in UTF-8 (the quickest),
    /// its text, or a mapping.
    ///
    /// Raises InputError, with the pointer of what is wrong.
    #[staticmethod]
    fn from_json(document: Argument<'_, '_>) -> PyResult<Self> {
        let py = document.py();
        let document = self::document(document, "document")?;
        let bytes = document.as_bytes();
        let policy = answered(py, || wire::from_json(bytes))?;
        Ok(Self { policy })
    }

    /// Opens what `to_compiled` gave: many times quicker than reading JSON.
    ///
    /// Raises InputError, `compiled.*`: it is foreign, of another version, cut
    /// off or damaged.
    #[staticmethod]
    fn from_compiled(image: Argument<'_, '_>) -> PyResult<Self> {
        let py = image.py();
        let bytes = lent(image)?.ok_or_else(|| not_a(image, "image", "bytes"))?;
        let bytes = bytes.as_bytes();
        let policy = answered(py, || wire::from_compiled(bytes))?;
        Ok(Self { policy })
    }

    /// Reads a file of either form: a snapshot in JSON, or a compiled policy.
    ///
    /// Raises OSError where the file cannot be read, else as `from_json` and
    /// `from_compiled`.
    #[staticmethod]
    fn from_file(path: Argument<'_, '_>) -> PyResult<Self> {
        let py = path.py();
        let path: PathBuf = path.extract().map_err(|_| not_a(path, "path", "a path"))?;
        read_file(py, &path).map(|policy| Self { policy })
    }

    /// The compiled form: the same bytes for the same policy data, everywhere.
    fn to_compiled<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let image = away(py, || self.policy.to_compiled())?;
        Ok(PyBytes::new(py, &image))
    }

    /// The snapshot's revision, as it stood there.
    #[getter]
    fn revision(&self) -> &str {
        self.policy.revision()
    }

    /// When the snapshot was made, in seconds since the Unix epoch, or `None`.
    #[getter]
    fn issued_at(&self) -> Option<u64> {
        self.policy.issued_at()
    }

    /// The last second at which the policy holds, since the Unix epoch, or
    /// `None`.
    #[getter]
    fn not_after(&self) -> Option<u64> {
        self.policy.not_after()
    }

    /// How many relationships are in effect.
    #[getter]
    fn tuple_count(&self) -> usize {
        self.policy.tuple_count()
    }

    /// SHA-256 of the compiled form, in lower-case hexadecimal: equal for equal
    /// policy data.
    #[getter]
    fn digest(&self, py: Python<'_>) -> PyResult<String> {
        away(py, || wire::digest(&self.policy))
    }

    /// What the snapshot holds that can have no effect: a list of `{"code",
    /// "message", "pointer"}`.
    #[getter]
    fn warnings(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        asked(py, || Ok(wire::warnings(&self.policy)))
    }

    /// Whether `user` has `relation` on `object`.
    ///
    /// Options, here and below: `contextual_tuples`, a list of tuples that hold
    /// for this question alone; `context`, values for conditions; `tenant`;
    /// `limits`, bounds on the work (`steps`, `depth`, `condition_cost`).
    ///
    /// Raises InputError: `request.*`, `condition.*` or `budget.*`. Each is a
    /// denial.
    #[pyo3(
        signature = (user, relation, object, **options),
        text_signature = "($self, user, relation, object, *, contextual_tuples=None, context=None, tenant=None, limits=None)"
    )]
    fn check(
        &self,
        user: Argument<'_, '_>,
        relation: Argument<'_, '_>,
        object: Argument<'_, '_>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<bool> {
        let py = user.py();
        let user = text(user, "user")?;
        let relation = text(relation, "relation")?;
        let object = text(object, "object")?;
        if options.is_none() {
            let (policy, own) = (&self.policy, self.policy.limits());
            let steps = own.steps.min(QUICK);
            let quick = policy.view().with_limits(Limits { steps, ..own });
            let answer = guarded(py, || quick.check(user, relation, object))?;
            if let Ok(allowed) = answer {
                return Ok(allowed);
            }
        }
        let options = self::options(py, options)?;
        answered(py, || {
            wire::check(&self.policy, user, relation, object, &options)
        })
    }

    /// Many checks at once, each `{"user", "relation", "object"}`, and each with
    /// its own answer or error, in the order given.
    #[pyo3(
        signature = (items, **options),
        text_signature = "($self, items, *, contextual_tuples=None, context=None, tenant=None, limits=None)"
    )]
    fn batch_check(
        &self,
        items: Argument<'_, '_>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Vec<CheckAnswer>> {
        let py = items.py();
        let items = json(items, "items")?;
        let options = self::options(py, options)?;
        let answers = answered(py, || wire::batch_check(&self.policy, &items, &options))?;
        CheckAnswer::list(py, &answers)
    }

    /// The objects of a type on which `user` has `relation`: sorted, complete.
    ///
    /// Raises as `check`; a list that may lack something is none.
    #[pyo3(
        signature = (user, relation, r#type, **options),
        text_signature = "($self, user, relation, type, *, contextual_tuples=None, context=None, tenant=None, limits=None)"
    )]
    fn list_objects(
        &self,
        user: Argument<'_, '_>,
        relation: Argument<'_, '_>,
        r#type: Argument<'_, '_>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        let py = user.py();
        let user = text(user, "user")?;
        let relation = text(relation, "relation")?;
        let kind = text(r#type, "type")?;
        let options = self::options(py, options)?;
        asked(py, || {
            wire::list_objects(&self.policy, user, relation, kind, &options)
        })
    }

    /// The users of a type (`user`) or userset (`group#member`) that have
    /// `relation` on `object`: sorted, complete.
    ///
    /// Raises as `check`.
    #[pyo3(
        signature = (object, relation, r#type, **options),
        text_signature = "($self, object, relation, type, *, contextual_tuples=None, context=None, tenant=None, limits=None)"
    )]
    fn list_users(
        &self,
        object: Argument<'_, '_>,
        relation: Argument<'_, '_>,
        r#type: Argument<'_, '_>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        let py = object.py();
        let object = text(object, "object")?;
        let relation = text(relation, "relation")?;
        let kind = text(r#type, "type")?;
        let options = self::options(py, options)?;
        asked(py, || {
            wire::list_users(&self.policy, object, relation, kind, &options)
        })
    }

    /// Who has `relation` on `object`, one level down. Raises InputError, `request.*`.
    #[pyo3(
        signature = (relation, object, **options),
        text_signature = "($self, relation, object, *, contextual_tuples=None, context=None, tenant=None, limits=None)"
    )]
    fn expand(
        &self,
        relation: Argument<'_, '_>,
        object: Argument<'_, '_>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        let py = object.py();
        let relation = text(relation, "relation")?;
        let object = text(object, "object")?;
        let options = self::options(py, options)?;
        asked(py, || {
            wire::expand(&self.policy, relation, object, &options)
        })
    }

    /// Why `user` has `relation` on `object`, or why not, as a tree.
    ///
    /// Raises InputError, `request.*`; an error on the way is part of the tree.
    #[pyo3(
        signature = (user, relation, object, **options),
        text_signature = "($self, user, relation, object, *, contextual_tuples=None, context=None, tenant=None, limits=None)"
    )]
    fn explain(
        &self,
        user: Argument<'_, '_>,
        relation: Argument<'_, '_>,
        object: Argument<'_, '_>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Explanation> {
        let py = user.py();
        let user = text(user, "user")?;
        let relation = text(relation, "relation")?;
        let object = text(object, "object")?;
        let options = self::options(py, options)?;
        let answer = answered(py, || {
            wire::explain(&self.policy, user, relation, object, &options)
        })?;
        Explanation::of(py, &answer)
    }

    /// Which of these objects `user` has `relation` on: as `Caller.filter`.
    ///
    /// Raises for what is wrong with the call as a whole: then nothing is
    /// allowed.
    #[pyo3(
        signature = (user, relation, objects, **options),
        text_signature = "($self, user, relation, objects, *, contextual_tuples=None, context=None, tenant=None, limits=None)"
    )]
    fn filter(
        &self,
        user: Argument<'_, '_>,
        relation: Argument<'_, '_>,
        objects: Argument<'_, '_>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Filtered> {
        let py = user.py();
        let user = text(user, "user")?;
        let relation = text(relation, "relation")?;
        let options = self::options(py, options)?;
        filtered(objects, "objects", |ids| {
            wire::filter(&self.policy, user, relation, ids, &options)
        })
    }

    /// Verifies a token and says who calls.
    ///
    /// Options: `audience`, which the token must name; `dpop` and
    /// `certificate`, proofs of possession; `tenant`, `task`,
    /// `contextual_tuples`, `context`, `fixed_context`, `scopes`, what the host
    /// says; `now`, the time in seconds since the Unix epoch or a datetime with a
    /// time zone, the host's clock by default. A caller that was given its `now`
    /// is given one with each question too.
    ///
    /// Raises DeniedError, with the reason of the first check that fails.
    #[pyo3(
        signature = (token, *, now = None, **options),
        text_signature = "($self, token, *, now=None, audience=None, dpop=None, certificate=None, tenant=None, task=None, contextual_tuples=None, context=None, fixed_context=None, scopes=None)"
    )]
    fn verify(
        &self,
        token: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Caller> {
        let py = token.py();
        let token = text(token, "token")?;
        let (given, request) = (now.is_some(), timed(py, options, now)?);
        let caller = answered(py, || wire::verify(&self.policy, token, &request, given))?;
        Ok(Caller { caller })
    }

    /// The caller of the last of several tokens, which prove a chain: the
    /// subject's own first, then one for each that was handed on to. Options
    /// as `verify`.
    ///
    /// Raises DeniedError.
    #[pyo3(
        signature = (tokens, *, now = None, **options),
        text_signature = "($self, tokens, *, now=None, audience=None, dpop=None, certificate=None, tenant=None, task=None, contextual_tuples=None, context=None, fixed_context=None, scopes=None)"
    )]
    fn verify_chain(
        &self,
        tokens: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Caller> {
        let py = tokens.py();
        let tokens = json(tokens, "tokens")?;
        let (given, request) = (now.is_some(), timed(py, options, now)?);
        let caller = answered(py, || {
            wire::verify_chain(&self.policy, &tokens, &request, given)
        })?;
        Ok(Caller { caller })
    }

    /// A caller that the host vouches for.
    ///
    /// `chain`: the principals, `type:id`: the subject first, then each that
    /// acts for the one before it. One alone acts for itself. Options: `tenant`,
    /// `task`, `contextual_tuples`, `context`, `fixed_context`, `scopes`, `now`.
    /// Such a caller counts for an hour.
    ///
    /// Raises DeniedError.
    #[pyo3(
        signature = (chain, *, now = None, **options),
        text_signature = "($self, chain, *, now=None, tenant=None, task=None, contextual_tuples=None, context=None, fixed_context=None, scopes=None)"
    )]
    fn caller(
        &self,
        chain: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Caller> {
        let py = chain.py();
        let chain = match chain.is_instance_of::<PyString>() {
            true => json(PyList::new(py, [text(chain, "chain")?])?.as_any(), "chain")?,
            false => json(chain, "chain")?,
        };
        let (given, request) = (now.is_some(), timed(py, options, now)?);
        let caller = answered(py, || wire::caller(&self.policy, &chain, &request, given))?;
        Ok(Caller { caller })
    }

    /// Decides one question: whatever fails is a decision that denies, with its
    /// reason and its audit record.
    ///
    /// `asking`: a token, `{"token"}`, `{"tokens"}` that prove a chain, or a
    /// `{"chain"}` of principals that the host vouches for. `question`:
    /// `{"action", "resource"}`, perhaps with a `"context"`. Options as
    /// `verify`.
    ///
    /// Raises MisuseError alone.
    #[pyo3(
        signature = (asking, question, *, now = None, **options),
        text_signature = "($self, asking, question, *, now=None, audience=None, dpop=None, certificate=None, tenant=None, task=None, contextual_tuples=None, context=None, fixed_context=None, scopes=None)"
    )]
    fn decide(
        &self,
        asking: Argument<'_, '_>,
        question: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Decision> {
        let py = asking.py();
        let who = match asking.is_instance_of::<PyString>() {
            true => json(
                with(py, None, "token", text(asking, "asking")?)?.as_any(),
                "asking",
            )?,
            false => json(asking, "asking")?,
        };
        let question = json(question, "question")?;
        let request = timed(py, options, now)?;
        let answer = answered(py, || wire::decide(&self.policy, &who, &question, &request))?;
        Decision::of(py, &answer)
    }

    /// Decides again what a record says was decided. Where nothing differs, the
    /// new record's `id` is the old one's. With the `token`, and the proofs that
    /// were `presented` with it, it is verified again.
    ///
    /// Raises InputError, `replay.*`.
    #[pyo3(
        signature = (record, **options),
        text_signature = "($self, record, *, token=None, presented=None)"
    )]
    fn replay(
        &self,
        record: Argument<'_, '_>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Decision> {
        let py = record.py();
        let record = json(record, "record")?;
        let options = self::options(py, options)?;
        let answer = answered(py, || wire::replay(&self.policy, &record, &options))?;
        Decision::of(py, &answer)
    }

    /// The claims of the next token of a chain (RFC 8693). Signing them is the
    /// host's.
    ///
    /// Options: `subject`, how the subject token was presented; `actor_token`;
    /// `actor`, how that was presented, or whom the host has authenticated;
    /// `wanted`, the `scope`, `audiences`, `resources`, `lifetime` and
    /// `confirmation` asked for; `tenant`, `task`, `contextual_tuples`, `context`,
    /// `fixed_context`, `scopes`, `now`.
    ///
    /// Raises DeniedError, with its `oauth_error`.
    #[pyo3(
        signature = (subject_token, *, now = None, **options),
        text_signature = "($self, subject_token, *, now=None, subject=None, actor_token=None, actor=None, wanted=None, tenant=None, task=None, contextual_tuples=None, context=None, fixed_context=None, scopes=None)"
    )]
    fn exchange(
        &self,
        subject_token: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        let py = subject_token.py();
        let request = with(
            py,
            options,
            "subject_token",
            text(subject_token, "subject_token")?,
        )?;
        let request = timed(py, Some(&request), now)?;
        asked(py, || wire::exchange(&self.policy, &request))
    }

    /// The claims that FusionAuth would issue to an entity or a user,
    /// `principal`, that the host has authenticated.
    ///
    /// Options: `scope`; `audience`, the id of the entity that an alias with
    /// `<id>` means; `tenant`; `now`.
    ///
    /// Raises DeniedError, with its `oauth_error`.
    #[pyo3(
        signature = (principal, *, now = None, **options),
        text_signature = "($self, principal, *, now=None, scope=None, audience=None, tenant=None)"
    )]
    fn client_credentials(
        &self,
        principal: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        let py = principal.py();
        let request = with(py, options, "principal", text(principal, "principal")?)?;
        let request = timed(py, Some(&request), now)?;
        asked(py, || wire::client_credentials(&self.policy, &request))
    }

    /// Answers an Access Evaluation request of AuthZEN 1.0: a mapping, its
    /// JSON, or the bytes of that. Options as `caller`.
    ///
    /// Raises InputError, `authzen.*`: the body is no such request (400 over
    /// HTTP).
    #[pyo3(
        signature = (request, *, now = None, **options),
        text_signature = "($self, request, *, now=None, tenant=None, task=None, contextual_tuples=None, context=None, fixed_context=None, scopes=None)"
    )]
    fn evaluate(
        &self,
        request: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        self.authzen(wire::evaluate, request, now, options)
    }

    /// Answers an Access Evaluations request: many at once. As `evaluate`.
    #[pyo3(
        signature = (request, *, now = None, **options),
        text_signature = "($self, request, *, now=None, tenant=None, task=None, contextual_tuples=None, context=None, fixed_context=None, scopes=None)"
    )]
    fn evaluations(
        &self,
        request: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        self.authzen(wire::evaluations, request, now, options)
    }

    /// Answers a Subject Search request. As `evaluate`.
    #[pyo3(
        signature = (request, *, now = None, **options),
        text_signature = "($self, request, *, now=None, tenant=None, task=None, contextual_tuples=None, context=None, fixed_context=None, scopes=None)"
    )]
    fn search_subjects(
        &self,
        request: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        self.authzen(wire::search_subjects, request, now, options)
    }

    /// Answers a Resource Search request. As `evaluate`.
    #[pyo3(
        signature = (request, *, now = None, **options),
        text_signature = "($self, request, *, now=None, tenant=None, task=None, contextual_tuples=None, context=None, fixed_context=None, scopes=None)"
    )]
    fn search_resources(
        &self,
        request: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        self.authzen(wire::search_resources, request, now, options)
    }

    /// Answers an Action Search request. As `evaluate`.
    #[pyo3(
        signature = (request, *, now = None, **options),
        text_signature = "($self, request, *, now=None, tenant=None, task=None, contextual_tuples=None, context=None, fixed_context=None, scopes=None)"
    )]
    fn search_actions(
        &self,
        request: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        self.authzen(wire::search_actions, request, now, options)
    }

    /// Pickled in its compiled form, which is checked when it is opened.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let open = py.get_type::<Self>().getattr("from_compiled")?;
        Ok((open, (self.to_compiled(py)?,)))
    }

    /// It never changes: a copy is itself.
    fn __copy__(own: Py<Self>) -> Py<Self> {
        own
    }

    fn __deepcopy__(own: Py<Self>, _memo: Argument<'_, '_>) -> Py<Self> {
        own
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let revision = PyString::new(py, self.policy.revision());
        Ok(format!(
            "Policy(revision={}, tuples={})",
            revision.repr()?,
            self.policy.tuple_count()
        ))
    }
}

type Question = fn(&Core, &[u8], &str) -> Result<String, Error>;

impl Policy {
    fn authzen(
        &self,
        ask: Question,
        request: Argument<'_, '_>,
        now: Option<Argument<'_, '_>>,
        options: Option<Named<'_, '_>>,
    ) -> PyResult<Py<PyAny>> {
        let py = request.py();
        let body = document(request, "request")?;
        let body = body.as_bytes();
        let options = timed(py, options, now)?;
        asked(py, || ask(&self.policy, body, &options))
    }
}
