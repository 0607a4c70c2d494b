//! Macros that walk a range, and what cel-go charges for their loops.

use super::super::error::TypeErrorKind;
use super::super::program::{Node, NodeId, Quantifier};
use super::super::syntax::{Fold, FoldKind};
use super::super::types::Type;
use super::{Checked, Checker, Typed};

impl<'a> Checker<'a> {
    pub(super) fn fold(&mut self, at: u32, fold: &'a Fold) -> Checked {
        let range = self.expr(fold.range)?;
        let two = fold.second.is_some();
        let (first, second) = match self.unifier.resolve(&range.ty) {
            Type::List(of) if two => (Type::Int, *of),
            Type::List(of) => (*of, Type::Dyn),
            Type::Map(key, value) => (*key, *value),
            Type::Dyn => (Type::Dyn, Type::Dyn),
            Type::Unknown(open) => {
                self.unifier.bind(open, Type::Dyn);
                (Type::Dyn, Type::Dyn)
            }
            _ if !self.environment.checked => (Type::Dyn, Type::Dyn),
            found => {
                let found = found.to_string();
                return self.fail(at, TypeErrorKind::Range { found });
            }
        };
        let key = first.clone();
        let outer = self.locals.len();
        self.locals.push((&fold.first, first));
        if let Some(name) = &fold.second {
            self.locals.push((name, second));
        }
        let filter = match fold.filter {
            Some(id) => {
                let filter = self.expr(id)?;
                self.require(id, &filter.ty, &Type::Bool)?;
                Some(filter.node)
            }
            None => None,
        };
        let transform = match fold.transform {
            Some(id) => Some(self.expr(id)?),
            None => None,
        };
        let element = self
            .locals
            .get(outer)
            .map_or(Type::Dyn, |(_, ty)| ty.clone());
        self.locals.truncate(outer);
        let quantifier = match fold.kind {
            FoldKind::All => Quantifier::All,
            FoldKind::Exists => Quantifier::Exists,
            FoldKind::ExistsOne => Quantifier::ExistsOne,
            FoldKind::List => {
                return Ok(self.collect(range.node, two, filter, transform, element));
            }
            FoldKind::Map => {
                let value = transform.unwrap_or(Typed {
                    node: range.node,
                    ty: Type::Dyn,
                });
                let node = Node::CollectMap {
                    range: range.node,
                    filter,
                    transform: value.node,
                };
                return Ok(self.push(node, Type::Map(Box::new(key), Box::new(value.ty))));
            }
        };
        let node = Node::Quantifier {
            quantifier,
            range: range.node,
            two,
            predicate: filter.unwrap_or(range.node),
        };
        Ok(self.push(node, Type::Bool))
    }

    fn collect(
        &mut self,
        range: NodeId,
        two: bool,
        filter: Option<NodeId>,
        transform: Option<Typed>,
        element: Type,
    ) -> Typed {
        let fold = self.environment.fold;
        let constant = transform
            .as_ref()
            .is_some_and(|t| self.constant(t.node).is_some());
        // `result + [element]`: a read, a list unless it is constant, a sum;
        // and one more read where the element itself is kept.
        let list = if fold && constant { 0 } else { 10 };
        let price = 1 + list + 1 + u64::from(transform.is_none());
        let (transform, of) = match transform {
            Some(typed) => (Some(typed.node), typed.ty),
            None => (None, element),
        };
        let node = Node::Collect {
            range,
            two,
            filter,
            transform,
            element: price,
            start: if fold { 0 } else { 10 },
        };
        self.push(node, Type::list(of))
    }
}
