//! Runs a program.
//!
//! Values that already exist are borrowed, so that comparing a variable with
//! a constant allocates nothing. Recursion is bounded by the program's depth,
//! which the parser bounds.

use std::ops::Deref;

use super::call;
use super::error::EvalError;
use super::functions::{Function, Price};
use super::meter::{Limits, Meter, pattern_cost};
use super::number;
use super::program::{Node, NodeId, Program, Quantifier, Variables};
use super::value::{Map, Value};

/// What an evaluation gave and took.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The result.
    pub result: Result<Value, EvalError>,
    /// The cost in cel-go's units; up to where it stopped if it failed.
    pub cost: u64,
    /// The steps, for a budget that spans evaluations.
    pub steps: u64,
}

impl Program {
    /// Evaluates the program.
    #[must_use]
    pub fn evaluate<V: Variables + ?Sized>(&self, variables: &V, limits: Limits) -> Evaluation {
        let run = Run {
            program: self,
            variables: &|slot| variables.get(slot),
            meter: Meter::new(limits),
        };
        let result = run.eval(self.root, None).map(Operand::into_value);
        Evaluation {
            result,
            cost: run.meter.cost(),
            steps: run.meter.steps(),
        }
    }
}

/// A value that is borrowed while it can be.
enum Operand<'s> {
    Borrowed(&'s Value),
    Owned(Value),
}

impl Operand<'_> {
    fn into_value(self) -> Value {
        match self {
            Self::Borrowed(value) => value.clone(),
            Self::Owned(value) => value,
        }
    }
}

impl Deref for Operand<'_> {
    type Target = Value;

    fn deref(&self) -> &Value {
        match self {
            Self::Borrowed(value) => value,
            Self::Owned(value) => value,
        }
    }
}

/// A macro's variable, and those outside it.
struct Scope<'s> {
    value: &'s Value,
    outer: Option<&'s Scope<'s>>,
}

type Evaluated<'s> = Result<Operand<'s>, EvalError>;

struct Run<'p> {
    program: &'p Program,
    variables: &'p dyn Fn(usize) -> Option<&'p Value>,
    meter: Meter,
}

impl<'p> Run<'p> {
    fn eval<'s>(&'s self, id: NodeId, scope: Option<&'s Scope<'s>>) -> Evaluated<'s> {
        self.meter.step(1)?;
        let Some(node) = self.program.get(id) else {
            return Ok(Operand::Owned(Value::Null));
        };
        match node {
            Node::Constant(value) => Ok(Operand::Borrowed(value)),
            Node::Variable { slot, charge } => {
                self.meter.charge(u64::from(*charge))?;
                match (self.variables)(*slot as usize) {
                    Some(value) => Ok(Operand::Borrowed(value)),
                    None => Err(EvalError::UnknownVariable {
                        name: self.program.name(*slot),
                    }),
                }
            }
            Node::Local { up, charge } => {
                self.meter.charge(u64::from(*charge))?;
                let mut scope = scope;
                for _ in 0..*up {
                    scope = scope.and_then(|s| s.outer);
                }
                match scope {
                    Some(scope) => Ok(Operand::Borrowed(scope.value)),
                    None => Ok(Operand::Owned(Value::Null)),
                }
            }
            Node::Undeclared(name) => Err(EvalError::UnknownVariable { name: name.clone() }),
            Node::UnknownFunction(name) => Err(EvalError::UnknownFunction { name: name.clone() }),
            Node::Select {
                operand,
                field,
                computed,
            } => self.select(*operand, field, *computed, scope),
            Node::Has {
                operand,
                field,
                computed,
            } => self.has(*operand, field, *computed, scope),
            Node::Index {
                operand,
                index,
                computed,
            } => self.index(*operand, *index, *computed, scope),
            Node::Unary {
                function,
                price,
                operand,
            } => self.unary(*function, *price, *operand, scope),
            Node::Binary {
                function,
                price,
                left,
                right,
            } => self.binary(*function, *price, *left, *right, scope),
            Node::Matches {
                text,
                pattern,
                price,
            } => {
                let text = self.eval(*text, scope)?;
                match price {
                    Price::Pattern => {
                        let cost = pattern_cost(text.cost_size(), pattern.size);
                        self.meter.charge(cost)?;
                    }
                    _ => self.meter.charge(1)?,
                }
                let Value::String(text) = &*text else {
                    return Err(EvalError::NoOverload { name: "matches" });
                };
                self.meter.step(pattern.steps(text))?;
                Ok(Operand::Owned(Value::Bool(pattern.matches(text))))
            }
            Node::And(terms) => self.logic(terms, false, scope),
            Node::Or(terms) => self.logic(terms, true, scope),
            Node::Ternary {
                condition,
                then,
                otherwise,
            } => match &*self.eval(*condition, scope)? {
                Value::Bool(true) => self.eval(*then, scope),
                Value::Bool(false) => self.eval(*otherwise, scope),
                _ => Err(EvalError::NoOverload { name: "?:" }),
            },
            Node::List(items) => self.list(items, scope),
            Node::Map(entries) => self.map(entries, scope),
            Node::Quantifier {
                quantifier,
                range,
                two,
                predicate,
            } => {
                let range = self.eval(*range, scope)?;
                match quantifier {
                    Quantifier::All => self.quantify(&range, *two, *predicate, false, scope),
                    Quantifier::Exists => self.quantify(&range, *two, *predicate, true, scope),
                    Quantifier::ExistsOne => self.exactly_one(&range, *two, *predicate, scope),
                }
            }
            Node::Collect { .. } => self.collect(node, scope),
            Node::CollectMap {
                range,
                filter,
                transform,
            } => self.collect_map(*range, *filter, *transform, scope),
        }
    }

    /// `&&` and `||`: the value that decides does so from either side, errors
    /// notwithstanding.
    #[inline(never)]
    fn logic<'s>(
        &'s self,
        terms: &[NodeId],
        decisive: bool,
        scope: Option<&'s Scope<'s>>,
    ) -> Evaluated<'s> {
        let mut failed = None;
        for term in terms {
            match self.truth(*term, scope, if decisive { "||" } else { "&&" }) {
                Ok(value) if value == decisive => {
                    return Ok(Operand::Owned(Value::Bool(decisive)));
                }
                Ok(_) => {}
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(Operand::Owned(Value::Bool(!decisive))),
        }
    }

    fn truth(
        &self,
        id: NodeId,
        scope: Option<&Scope<'_>>,
        name: &'static str,
    ) -> Result<bool, EvalError> {
        match &*self.eval(id, scope)? {
            Value::Bool(value) => Ok(*value),
            _ => Err(EvalError::NoOverload { name }),
        }
    }

    #[inline(never)]
    fn select<'s>(
        &'s self,
        operand: NodeId,
        field: &str,
        computed: bool,
        scope: Option<&'s Scope<'s>>,
    ) -> Evaluated<'s> {
        let operand = self.eval(operand, scope)?;
        self.meter.charge(1 + u64::from(computed))?;
        let missing = || EvalError::NoSuchKey {
            key: Some(field.into()),
        };
        match operand {
            Operand::Borrowed(Value::Map(map)) => map
                .get_str(field)
                .map(Operand::Borrowed)
                .ok_or_else(missing),
            Operand::Owned(Value::Map(map)) => match map.get_str(field) {
                Some(value) => Ok(Operand::Owned(value.clone())),
                None => Err(missing()),
            },
            _ => Err(EvalError::NoFields),
        }
    }

    #[inline(never)]
    fn has<'s>(
        &'s self,
        operand: NodeId,
        field: &str,
        computed: bool,
        scope: Option<&'s Scope<'s>>,
    ) -> Evaluated<'s> {
        let operand = self.eval(operand, scope)?;
        self.meter.charge(1 + u64::from(computed))?;
        match &*operand {
            Value::Map(map) => Ok(Operand::Owned(Value::Bool(map.get_str(field).is_some()))),
            Value::List(_) => Err(EvalError::NoFields),
            // As in cel-go: what has no fields has not this one.
            _ => Ok(Operand::Owned(Value::Bool(false))),
        }
    }

    #[inline(never)]
    fn index<'s>(
        &'s self,
        operand: NodeId,
        index: NodeId,
        computed: bool,
        scope: Option<&'s Scope<'s>>,
    ) -> Evaluated<'s> {
        let operand = self.eval(operand, scope)?;
        let index = self.eval(index, scope);
        self.meter.charge(1 + u64::from(computed))?;
        let index = index?;
        match operand {
            Operand::Borrowed(value) => find(value, &index).map(Operand::Borrowed),
            Operand::Owned(value) => find(&value, &index).cloned().map(Operand::Owned),
        }
    }

    #[inline(never)]
    fn unary<'s>(
        &'s self,
        function: Function,
        price: Price,
        operand: NodeId,
        scope: Option<&'s Scope<'s>>,
    ) -> Evaluated<'s> {
        let operand = self.eval(operand, scope);
        self.meter
            .charge_call(price, operand.as_ref().ok().map(|o| &**o), None)?;
        let operand = operand?;
        if let Value::String(text) = &*operand {
            self.meter.step(text.len() as u64 / 16)?;
        }
        call::unary(function, &operand).map(Operand::Owned)
    }

    #[inline(never)]
    fn binary<'s>(
        &'s self,
        function: Function,
        price: Price,
        left: NodeId,
        right: NodeId,
        scope: Option<&'s Scope<'s>>,
    ) -> Evaluated<'s> {
        // Like cel-go: a left side that fails ends the call at once and for
        // nothing, a right side that fails is paid for.
        let left = self.eval(left, scope)?;
        let right = self.eval(right, scope);
        let second = right.as_ref().ok().map(|o| &**o);
        self.meter.charge_call(price, Some(&left), second)?;
        let right = right?;
        call::binary(function, &left, &right, &self.meter).map(Operand::Owned)
    }

    #[inline(never)]
    fn list<'s>(&'s self, items: &[NodeId], scope: Option<&'s Scope<'s>>) -> Evaluated<'s> {
        self.meter.charge(10)?;
        let mut values = Vec::with_capacity(items.len());
        for id in items {
            values.push(self.eval(*id, scope)?.into_value());
        }
        Ok(Operand::Owned(Value::list(values)))
    }

    #[inline(never)]
    fn map<'s>(
        &'s self,
        entries: &[(NodeId, NodeId)],
        scope: Option<&'s Scope<'s>>,
    ) -> Evaluated<'s> {
        self.meter.charge(30)?;
        let mut values = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.eval(*key, scope)?.into_value();
            values.push((key, self.eval(*value, scope)?.into_value()));
        }
        let map = Map::new(values)?;
        Ok(Operand::Owned(Value::Map(std::sync::Arc::new(map))))
    }

    /// `all` (where false decides) and `exists` (where true does).
    #[inline(never)]
    fn quantify<'s>(
        &'s self,
        range: &Value,
        two: bool,
        predicate: NodeId,
        decisive: bool,
        scope: Option<&'s Scope<'s>>,
    ) -> Evaluated<'s> {
        let mut failed = None;
        let mut decided = false;
        self.each(range, two, scope, |scope| {
            // The loop's condition: the result so far, its negation for
            // `exists`, and the test that takes errors.
            self.meter.charge(if decisive { 3 } else { 2 })?;
            if decided {
                return Ok(false);
            }
            self.meter.charge(1)?;
            match self.truth(
                predicate,
                Some(scope),
                if decisive { "exists" } else { "all" },
            ) {
                Ok(value) => decided = value == decisive,
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
            Ok(true)
        })?;
        self.meter.charge(1)?;
        match failed {
            Some(error) if !decided => Err(error),
            _ => Ok(Operand::Owned(Value::Bool(decided == decisive))),
        }
    }

    #[inline(never)]
    fn exactly_one<'s>(
        &'s self,
        range: &Value,
        two: bool,
        predicate: NodeId,
        scope: Option<&'s Scope<'s>>,
    ) -> Evaluated<'s> {
        let mut count = Ok(0_u64);
        self.each(range, two, scope, |scope| {
            match self.truth(predicate, Some(scope), "exists_one") {
                Ok(false) => {}
                Ok(true) => {
                    // `count + 1`, which ends at a count that failed.
                    self.meter.charge(1 + u64::from(count.is_ok()))?;
                    count = count.clone().map(|n| n + 1);
                }
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => count = Err(error),
            }
            Ok(true)
        })?;
        self.meter.charge(1 + u64::from(count.is_ok()))?;
        Ok(Operand::Owned(Value::Bool(count? == 1)))
    }

    #[inline(never)]
    fn collect<'s>(&'s self, node: &Node, scope: Option<&'s Scope<'s>>) -> Evaluated<'s> {
        let Node::Collect {
            range,
            two,
            filter,
            transform,
            element,
            start,
        } = node
        else {
            return Ok(Operand::Owned(Value::Null));
        };
        let range = self.eval(*range, scope)?;
        self.meter.charge(*start)?;
        // Like cel-go's, the loop goes on after an error, only to be paid.
        let mut values = Ok(Vec::new());
        self.each(&range, *two, scope, |scope| {
            if let Some(filter) = filter {
                match self.truth(*filter, Some(scope), "filter") {
                    Ok(true) => {}
                    Ok(false) => return Ok(true),
                    Err(error) if error.is_fatal() => return Err(error),
                    Err(error) => {
                        values = Err(error);
                        return Ok(true);
                    }
                }
            }
            let Ok(kept) = &mut values else {
                self.meter.charge(1)?;
                return Ok(true);
            };
            self.meter.charge(*element)?;
            match transform {
                Some(id) => match self.eval(*id, Some(scope)) {
                    Ok(value) => kept.push(value.into_value()),
                    Err(error) if error.is_fatal() => return Err(error),
                    Err(error) => values = Err(error),
                },
                None => kept.push(scope.value.clone()),
            }
            Ok(true)
        })?;
        self.meter.charge(1)?;
        Ok(Operand::Owned(Value::list(values?)))
    }

    #[inline(never)]
    fn collect_map<'s>(
        &'s self,
        range: NodeId,
        filter: Option<NodeId>,
        transform: NodeId,
        scope: Option<&'s Scope<'s>>,
    ) -> Evaluated<'s> {
        let range = self.eval(range, scope)?;
        self.meter.charge(30)?;
        let mut entries = Vec::new();
        self.each(&range, true, scope, |scope| {
            if let Some(filter) = filter
                && !self.truth(filter, Some(scope), "transformMap")?
            {
                return Ok(true);
            }
            self.meter.charge(2)?;
            let key = scope.outer.map_or(Value::Null, |s| s.value.clone());
            entries.push((key, self.eval(transform, Some(scope))?.into_value()));
            Ok(true)
        })?;
        self.meter.charge(1)?;
        let map = Map::new(entries)?;
        Ok(Operand::Owned(Value::Map(std::sync::Arc::new(map))))
    }

    /// Walks a range until `body` says stop. One variable is the element or
    /// the key; two are the index or key, and inside it the value.
    fn each(
        &self,
        range: &Value,
        two: bool,
        outer: Option<&Scope<'_>>,
        mut body: impl FnMut(&Scope<'_>) -> Result<bool, EvalError>,
    ) -> Result<(), EvalError> {
        let mut visit = |key: &Value, value: &Value| {
            self.meter.step(1)?;
            let scope = Scope { value: key, outer };
            if !two {
                return body(&scope);
            }
            body(&Scope {
                value,
                outer: Some(&scope),
            })
        };
        match range {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let go_on = if two {
                        let index = i64::try_from(index).unwrap_or(i64::MAX);
                        visit(&Value::Int(index), item)?
                    } else {
                        visit(item, item)?
                    };
                    if !go_on {
                        break;
                    }
                }
                Ok(())
            }
            Value::Map(map) => {
                for (key, value) in map.entries() {
                    if !visit(key, value)? {
                        break;
                    }
                }
                Ok(())
            }
            _ => Err(EvalError::NoOverload { name: "a macro" }),
        }
    }
}

/// `value[index]`.
fn find<'v>(value: &'v Value, index: &Value) -> Result<&'v Value, EvalError> {
    match value {
        Value::Map(map) => map.get(index).ok_or(EvalError::NoSuchKey { key: None }),
        Value::List(items) => {
            let at = match index {
                Value::Int(i) => usize::try_from(*i).ok(),
                Value::Uint(u) => usize::try_from(*u).ok(),
                #[expect(clippy::float_cmp, reason = "only a whole number is an index")]
                Value::Double(d) if d.trunc() == *d => {
                    number::double_to_int(*d).and_then(|i| usize::try_from(i).ok())
                }
                _ => None,
            };
            at.and_then(|at| items.get(at)).ok_or(EvalError::Index)
        }
        _ => Err(EvalError::NoOverload { name: "[]" }),
    }
}
