//! Conditions of a model, bound to compiled expressions.
//!
//! A tuple may name a condition and carry a context; the request carries
//! another. The tuple's wins where both name a parameter, and every declared
//! parameter must be in one of them, whether or not the expression comes to
//! read it. That, and how JSON becomes typed values, is OpenFGA's, but for
//! integers: OpenFGA reads JSON numbers as doubles, so that they lose digits
//! beyond 2^53 and saturate at the end of their range. Here they keep all
//! their digits, and what does not fit is refused.

mod context;
mod error;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value as Json};

use crate::cel::{self, Environment, Limits, Program, Type, Value, Variables};
use crate::model::{ConditionDef, ParamType};

pub use error::{ConditionError, ConditionErrorKind};

/// OpenFGA's default limit on the cost of one evaluation.
pub const OPENFGA_COST_LIMIT: u64 = 100;

/// How deep the types of a parameter may nest.
const MAX_TYPE_DEPTH: u32 = 8;

/// A condition that is ready to be evaluated.
#[derive(Debug)]
pub struct Condition {
    name: String,
    params: Vec<(String, ParamType)>,
    program: Program,
}

/// A tuple's context: its values, typed once.
#[derive(Debug, Clone, Default)]
pub struct BoundContext {
    /// One place a parameter; empty when the context is.
    values: Box<[Option<Value>]>,
}

/// A request's context for one condition. What is ill-typed counts only where
/// the tuple does not override it, so the errors stay beside the values.
#[derive(Debug, Clone, Default)]
pub struct RequestContext {
    values: Box<[Option<Converted>]>,
}

/// A value, or why it is not of its type.
type Converted = Result<Value, Box<ConditionError>>;

/// What an evaluation gave and took.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Whether the condition holds, or why that cannot be told.
    pub met: Result<bool, ConditionError>,
    /// What it cost, in cel-go's units; up to where it stopped if it failed.
    pub cost: u64,
    /// The steps it took, for a budget that spans evaluations.
    pub steps: u64,
}

impl Condition {
    /// Compiles a model's condition.
    ///
    /// # Errors
    /// [`ConditionErrorKind::Compile`] for an expression that does not parse
    /// or check, with its line and column from the start of the expression;
    /// [`ConditionErrorKind::NotBool`] for one that yields something else;
    /// [`ConditionErrorKind::Parameter`] for a name that stands twice or a
    /// type that nests too deeply.
    pub fn compile(def: &ConditionDef) -> Result<Self, ConditionError> {
        let fail = |kind| Err(ConditionError::new(&def.name, kind));
        let mut variables: Vec<(&str, Type)> = Vec::with_capacity(def.params.len());
        for param in &def.params {
            let ty = cel_type(&param.ty, MAX_TYPE_DEPTH);
            let twice = variables.iter().any(|(name, _)| *name == param.name);
            match ty {
                Some(ty) if !twice => variables.push((&param.name, ty)),
                _ => {
                    let name = param.name.clone();
                    return fail(ConditionErrorKind::Parameter { name, twice });
                }
            }
        }
        let environment = Environment {
            variables: &variables,
            checked: true,
            fold: true,
        };
        let (program, ty) = match cel::compile(&def.expression, &environment) {
            Ok(compiled) => compiled,
            Err(error) => return fail(ConditionErrorKind::Compile { error }),
        };
        if ty != Type::Bool {
            let found = ty.to_string();
            return fail(ConditionErrorKind::NotBool { found });
        }
        let params = def.params.iter();
        Ok(Self {
            name: def.name.clone(),
            params: params.map(|p| (p.name.clone(), p.ty.clone())).collect(),
            program,
        })
    }

    /// The condition's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks and types the context that a tuple carries, once.
    ///
    /// # Errors
    /// [`ConditionErrorKind::UnknownParameter`] for a key that the condition
    /// does not declare; [`ConditionErrorKind::IllTyped`] for a value that is
    /// not of its declared type.
    pub fn bind_tuple_context(
        &self,
        context: &Map<String, Json>,
    ) -> Result<BoundContext, ConditionError> {
        if context.is_empty() {
            return Ok(BoundContext::default());
        }
        if let Some(key) = context
            .keys()
            .find(|key| !self.params.iter().any(|(name, _)| name == *key))
        {
            let kind = ConditionErrorKind::UnknownParameter { name: key.clone() };
            return Err(ConditionError::new(&self.name, kind));
        }
        let mut values = vec![None; self.params.len()];
        for (slot, (name, ty)) in values.iter_mut().zip(&self.params) {
            if let Some(json) = context.get(name) {
                *slot = Some(self.convert(name, ty, json)?);
            }
        }
        Ok(BoundContext {
            values: values.into(),
        })
    }

    /// Types what a request's context holds for this condition. Other keys
    /// are ignored; what is ill-typed is reported when it is needed.
    #[must_use]
    pub fn bind_request_context(&self, context: &Map<String, Json>) -> RequestContext {
        let bind = |(name, ty): &(String, ParamType)| {
            let json = context.get(name)?;
            Some(self.convert(name, ty, json).map_err(Box::new))
        };
        RequestContext {
            values: self.params.iter().map(bind).collect(),
        }
    }

    /// Whether the condition holds for a tuple and a request.
    ///
    /// `cost_limit` is in cel-go's units; the steps are limited in any case.
    ///
    /// # Errors
    /// [`ConditionErrorKind::IllTyped`] for a request's value of another type,
    /// [`ConditionErrorKind::MissingContext`] when parameters have no value,
    /// [`ConditionErrorKind::Evaluation`] when the expression fails, and
    /// [`ConditionErrorKind::CostExceeded`] when it takes too much.
    pub fn evaluate(
        &self,
        tuple: &BoundContext,
        request: Option<&Map<String, Json>>,
        cost_limit: Option<u64>,
    ) -> Result<bool, ConditionError> {
        let request = request.map_or_else(RequestContext::default, |context| {
            self.bind_request_context(context)
        });
        self.evaluate_bound(tuple, &request, cost_limit).met
    }

    /// Like [`Condition::evaluate`], for a request that was bound once and is
    /// asked about many tuples; tells the cost too.
    #[must_use]
    pub fn evaluate_bound(
        &self,
        tuple: &BoundContext,
        request: &RequestContext,
        cost_limit: Option<u64>,
    ) -> Outcome {
        let merged = Merged { tuple, request };
        if let Err(error) = self.check_present(&merged) {
            return Outcome {
                met: Err(error),
                cost: 0,
                steps: 1,
            };
        }
        let limits = Limits {
            cost: cost_limit,
            ..Limits::default()
        };
        let evaluation = self.program.evaluate(&merged, limits);
        let failed = |kind| Err(ConditionError::new(&self.name, kind));
        let met = match evaluation.result {
            Ok(Value::Bool(met)) => Ok(met),
            // The checker saw to it that this is a bool, or dyn.
            Ok(other) => failed(ConditionErrorKind::NotBool {
                found: other.type_name().to_owned(),
            }),
            Err(error) if error.is_fatal() => failed(ConditionErrorKind::CostExceeded { error }),
            Err(error) => failed(ConditionErrorKind::Evaluation { error }),
        };
        Outcome {
            met,
            cost: evaluation.cost,
            steps: evaluation.steps,
        }
    }

    /// Every parameter must have a value of its type.
    fn check_present(&self, merged: &Merged<'_>) -> Result<(), ConditionError> {
        let missing = |slot: &usize| merged.get(*slot).is_none();
        let mut names = Vec::new();
        for slot in (0..self.params.len()).filter(missing) {
            if let Some(Some(Err(error))) = merged.request.values.get(slot) {
                return Err((**error).clone());
            }
            names.extend(self.params.get(slot).map(|(name, _)| name.clone()));
        }
        match names.is_empty() {
            true => Ok(()),
            false => Err(ConditionError::new(
                &self.name,
                ConditionErrorKind::MissingContext { names },
            )),
        }
    }

    fn convert(&self, name: &str, ty: &ParamType, json: &Json) -> Result<Value, ConditionError> {
        context::convert(ty, json).map_err(|mismatch| {
            let kind = ConditionErrorKind::IllTyped {
                parameter: name.to_owned(),
                expected: mismatch.expected,
                found: mismatch.found,
            };
            ConditionError::new(&self.name, kind)
        })
    }
}

/// The tuple's values before the request's.
struct Merged<'a> {
    tuple: &'a BoundContext,
    request: &'a RequestContext,
}

impl Variables for Merged<'_> {
    fn get(&self, slot: usize) -> Option<&Value> {
        match self.tuple.values.get(slot) {
            Some(Some(value)) => Some(value),
            _ => match self.request.values.get(slot) {
                Some(Some(Ok(value))) => Some(value),
                _ => None,
            },
        }
    }
}

/// The type that an expression sees; `None` when it nests too deeply.
fn cel_type(ty: &ParamType, depth: u32) -> Option<Type> {
    let inner = depth.checked_sub(1)?;
    Some(match ty {
        ParamType::Any => Type::Dyn,
        ParamType::Bool => Type::Bool,
        ParamType::String => Type::String,
        ParamType::Int => Type::Int,
        ParamType::Uint => Type::Uint,
        ParamType::Double => Type::Double,
        ParamType::Duration => Type::Duration,
        ParamType::Timestamp => Type::Timestamp,
        ParamType::IpAddress => Type::IpAddress,
        ParamType::Map(of) => Type::string_map(cel_type(of, inner)?),
        ParamType::List(of) => Type::list(cel_type(of, inner)?),
    })
}
