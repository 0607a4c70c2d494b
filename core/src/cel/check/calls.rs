//! Calls: which overload is meant, what it yields and what it costs.

use super::super::call;
use super::super::error::{CompileError, EvalError, TypeErrorKind};
use super::super::functions::{self, Definition, Function, Overload, Price, Sig};
use super::super::pattern::Pattern;
use super::super::program::{Node, NodeId};
use super::super::syntax::ExprId;
use super::super::time;
use super::super::types::{Type, Unifier};
use super::super::value::Value;
use super::{Checked, Checker};

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        at: u32,
        name: &str,
        target: Option<ExprId>,
        args: &[ExprId],
    ) -> Checked {
        let Some(definition) = functions::definition(name) else {
            if self.environment.checked {
                let name = name.to_owned();
                return self.fail(at, TypeErrorKind::UnknownFunction { name });
            }
            return Ok(self.push(Node::UnknownFunction(name.into()), Type::Dyn));
        };
        let mut nodes = Vec::new();
        let mut types = Vec::new();
        for id in target.iter().chain(args) {
            let arg = self.expr(*id)?;
            nodes.push(arg.node);
            types.push(arg.ty);
        }
        let overloads = definition.overloads;
        let (ty, price) =
            self.resolve_overload(at, definition.name, overloads, target.is_some(), &types)?;
        match (nodes.as_slice(), definition.function) {
            (&[operand], function) => self.unary(at, function, price, operand, ty),
            (&[left, right], function) => {
                self.binary(at, definition, function, price, left, right, ty)
            }
            // The overloads take one or two; only an unchecked call comes here.
            _ => Ok(self.push(Node::UnknownFunction(name.into()), Type::Dyn)),
        }
    }

    fn unary(
        &mut self,
        at: u32,
        function: Function,
        price: Price,
        operand: NodeId,
        ty: Type,
    ) -> Checked {
        if self.environment.fold
            && functions::is_conversion(function)
            && let Some(value) = self.constant(operand)
        {
            return match call::unary(function, value) {
                Ok(value) => Ok(self.push(Node::Constant(value), ty)),
                Err(error) => self.fail(at, TypeErrorKind::Constant { error }),
            };
        }
        let node = Node::Unary {
            function,
            price,
            operand,
        };
        Ok(self.push(node, ty))
    }

    #[expect(clippy::too_many_arguments, reason = "one call site")]
    fn binary(
        &mut self,
        at: u32,
        definition: &Definition,
        function: Function,
        mut price: Price,
        left: NodeId,
        right: NodeId,
        ty: Type,
    ) -> Checked {
        if self.environment.fold {
            match (function, self.constant(right)) {
                // cel-go turns membership of constant scalars into a lookup
                // that its cost tracker does not see.
                (Function::In, Some(Value::List(items))) if price == Price::Elements => {
                    if items.is_empty() {
                        return Ok(self.push(Node::Constant(Value::Bool(false)), Type::Bool));
                    }
                    let scalar =
                        |v: &Value| v.is_map_key() || matches!(v, Value::Double(_) | Value::Null);
                    if items.iter().all(scalar) {
                        price = Price::Free;
                    }
                }
                (Function::Matches, Some(Value::String(text))) => {
                    return match Pattern::new(text) {
                        Ok(pattern) => {
                            let node = Node::Matches {
                                text: left,
                                pattern: Box::new(pattern),
                                price,
                            };
                            Ok(self.push(node, ty))
                        }
                        Err(error) => self.fail(at, TypeErrorKind::Constant { error }),
                    };
                }
                (_, Some(Value::String(zone)))
                    if definition
                        .overloads
                        .first()
                        .is_some_and(|o| o.params == [Sig::Timestamp])
                        && time::zone_offset(zone).is_none() =>
                {
                    let error = EvalError::TimeZone;
                    return self.fail(at, TypeErrorKind::Constant { error });
                }
                _ => {}
            }
        }
        let node = Node::Binary {
            function,
            price,
            left,
            right,
        };
        Ok(self.push(node, ty))
    }

    /// The result's type and the price of a call: dyn and one where several
    /// overloads fit and differ.
    pub(super) fn resolve_overload(
        &mut self,
        at: u32,
        name: &str,
        overloads: &[Overload],
        member: bool,
        types: &[Type],
    ) -> Result<(Type, Price), CompileError> {
        let mut result: Option<(Type, Price)> = None;
        for overload in overloads {
            if overload.member != member || overload.params.len() != types.len() {
                continue;
            }
            let (a, b) = (self.unifier.fresh(), self.unifier.fresh());
            let params: Vec<Type> = overload
                .params
                .iter()
                .map(|sig| Unifier::instantiate(*sig, &a, &b))
                .collect();
            if !self.unifier.all_assignable(types, &params) {
                continue;
            }
            let ty = Unifier::instantiate(overload.result, &a, &b);
            let ty = self.unifier.resolve(&ty);
            result = Some(match result {
                None => (ty, overload.price),
                Some((before, _)) if before == ty => (ty, Price::One),
                Some(_) => (Type::Dyn, Price::One),
            });
        }
        match result {
            Some(result) => Ok(result),
            None if self.environment.checked => self.no_overload(at, name, types),
            None => Ok((Type::Dyn, Price::One)),
        }
    }

    pub(super) fn no_overload<T>(
        &self,
        at: u32,
        name: &str,
        types: &[Type],
    ) -> Result<T, CompileError> {
        let types: Vec<String> = types
            .iter()
            .map(|ty| self.unifier.resolve(ty).to_string())
            .collect();
        let name = if name == "-_" { "-" } else { name };
        let kind = TypeErrorKind::NoOverload {
            name: name.to_owned(),
            arguments: format!("({})", types.join(", ")),
        };
        self.fail(at, kind)
    }
}
