//! Equations: how a question is decided that leads back to itself.
//!
//! Everything that the question rests on becomes an equation: a union, an
//! intersection or an exclusion of others. What they come to together does not
//! hang on where one began. A thing is *decided* when it is true or false for
//! good; decided things only grow:
//!
//! 1. What follows from decided operands alone is decided.
//! 2. With the decided fixed, errors spread as far as they can; what the
//!    operands then make true or false is decided. So an error is forgotten
//!    only because of a truth that does not itself rest on forgetting it.
//! 3. Unions that rest on nothing but false unions and each other are false:
//!    the least fixpoint, since nothing makes them true.
//!
//! What is left when none of these applies is an error, a false with an error
//! passed over, or a cycle through an intersection or an exclusion. All deny.

use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::policy::{Node, Op, OpId, Parents, Row};

use super::error::QueryError;
use super::search::{Search, hash};
use super::value::{All, Value};

/// The place of an equation.
type Place = u32;

/// What one thing rests on.
enum Equation {
    /// On nothing: known from outside.
    Known(Value),
    Any(SmallVec<[Place; 4]>),
    All(SmallVec<[Place; 4]>),
    Except([Place; 2]),
}

impl Equation {
    fn operands(&self) -> &[Place] {
        match self {
            Self::Known(_) => &[],
            Self::Any(operands) | Self::All(operands) => operands,
            Self::Except(operands) => operands,
        }
    }
}

/// The equations of one question.
#[derive(Default)]
struct System {
    equations: Vec<Equation>,
    places: HashTable<(Node, Place)>,
    /// Relations whose rewrite is not read yet.
    pending: Vec<(Node, Place)>,
}

impl System {
    fn add(&mut self, equation: Equation) -> Place {
        self.equations.push(equation);
        self.equations.len() as Place - 1
    }

    fn known(&mut self, value: Value) -> Place {
        self.add(Equation::Known(value))
    }
}

impl Search<'_, '_> {
    /// Decides a relation by the equations of all that it rests on.
    pub(super) fn solve(&mut self, target: Node) -> Result<Value, QueryError> {
        let mut system = System::default();
        let start = self.place_of(target, &mut system)?;
        self.solved(system, start)
    }

    /// As [`Search::solve`], for one operation of a relation's rewrite.
    pub(super) fn solve_op(&mut self, op: OpId, object: u32) -> Result<Value, QueryError> {
        let mut system = System::default();
        let start = self.equation_of(op, object, &mut system)?;
        self.solved(system, start)
    }

    fn solved(&mut self, mut system: System, start: Place) -> Result<Value, QueryError> {
        while let Some((node, place)) = system.pending.pop() {
            let root = self.view.policy.plan.root(node.relation);
            let root = self.equation_of(root, node.object, &mut system)?;
            if let Some(equation) = system.equations.get_mut(place as usize) {
                *equation = Equation::Any(SmallVec::from_slice(&[root]));
            }
        }
        let mut solution = Solution::of(&system.equations);
        while solution.advance() {
            self.step(system.equations.len() as u64)?;
        }
        if self.view.limits.depth.is_none() {
            for (node, place) in &system.places {
                let value = solution.value(*place);
                if matches!(value, Value::True | Value::False) {
                    self.frames.remember(*node, value);
                }
            }
        }
        Ok(solution.value(start))
    }

    fn place_of(&mut self, node: Node, system: &mut System) -> Result<Place, QueryError> {
        self.step(1)?;
        let found = system.places.find(hash(node), |(n, _)| *n == node);
        if let Some((_, place)) = found {
            return Ok(*place);
        }
        let monotone = self.is_monotone(node.relation);
        let known = match self.given(node).or_else(|| self.frames.decided(node)) {
            None if monotone => Some(self.enter_monotone(node)?),
            known => known,
        };
        let place = match known {
            Some(value) => system.known(value),
            None => {
                let place = system.add(Equation::Any(SmallVec::new()));
                system.pending.push((node, place));
                place
            }
        };
        let entry = (node, place);
        system
            .places
            .insert_unique(hash(node), entry, |(n, _)| hash(*n));
        Ok(place)
    }

    fn equation_of(
        &mut self,
        op: OpId,
        object: u32,
        system: &mut System,
    ) -> Result<Place, QueryError> {
        let view = self.view;
        let of = |relation| Node { object, relation };
        // A rewrite nests no deeper than the model's parser allows.
        let equation = match view.policy.plan.op(op) {
            Op::Never => Equation::Known(Value::False),
            Op::Computed(relation) => return self.place_of(of(*relation), system),
            Op::Direct(relation) => {
                let node = of(*relation);
                let named = self.named(node)?;
                let set = view.rows(node).map(Row::usersets);
                Equation::Any(self.tuples_of(set, None, named, system)?)
            }
            Op::Parents(parents) => {
                let set = view.rows(of(parents.tupleset));
                Equation::Any(self.tuples_of(set, Some(parents), Value::False, system)?)
            }
            Op::Union(parts) => Equation::Any(self.equations_of(parts, object, system)?),
            Op::Intersection(parts) => Equation::All(self.equations_of(parts, object, system)?),
            Op::Exclusion { base, subtract } => Equation::Except([
                self.equation_of(*base, object, system)?,
                self.equation_of(*subtract, object, system)?,
            ]),
        };
        Ok(system.add(equation))
    }

    fn equations_of(
        &mut self,
        parts: &[OpId],
        object: u32,
        system: &mut System,
    ) -> Result<SmallVec<[Place; 4]>, QueryError> {
        let mut places = SmallVec::new();
        for part in parts {
            places.push(self.equation_of(*part, object, system)?);
        }
        Ok(places)
    }

    /// What the tuples of a set lead to, next to what is known of it already.
    fn tuples_of(
        &mut self,
        set: [Row<'_>; 2],
        parents: Option<&Parents>,
        known: Value,
        system: &mut System,
    ) -> Result<SmallVec<[Place; 4]>, QueryError> {
        let lead = |search: &Self, subject| search.led(subject, parents);
        let (led, passed) = self.apart(|search| search.counting::<Node, 4>(set, lead))?;
        let mut places = SmallVec::new();
        for node in led {
            places.push(self.place_of(node, system)?);
        }
        let known = known.or(passed);
        if known != Value::False {
            places.push(system.known(known));
        }
        Ok(places)
    }
}

/// What the equations come to, as far as it is known.
struct Solution<'s> {
    equations: &'s [Equation],
    /// By place: the equations that rest on it.
    above: Vec<SmallVec<[Place; 2]>>,
    /// By place: true or false for good.
    decided: Vec<Option<bool>>,
    /// By place: what it is while it is not decided.
    value: Vec<Value>,
    /// By place: some error may reach it.
    fallible: Vec<bool>,
}

impl<'s> Solution<'s> {
    fn of(equations: &'s [Equation]) -> Self {
        let count = equations.len();
        let mut solution = Self {
            equations,
            above: vec![SmallVec::new(); count],
            decided: vec![None; count],
            value: vec![Value::Cycle; count],
            fallible: vec![false; count],
        };
        let mut errors = Vec::new();
        for (place, equation) in (0..).zip(equations) {
            for operand in equation.operands() {
                if let Some(above) = solution.above.get_mut(*operand as usize) {
                    above.push(place);
                }
            }
            if let Equation::Known(value) = equation {
                put(&mut solution.value, place, *value);
                match value {
                    Value::True => put(&mut solution.decided, place, Some(true)),
                    Value::False => put(&mut solution.decided, place, Some(false)),
                    _ => errors.push(place),
                }
            }
        }
        while let Some(place) = errors.pop() {
            if !get(&solution.fallible, place, true) {
                put(&mut solution.fallible, place, true);
                errors.extend(solution.above(place));
            }
        }
        solution.follow((0..count as Place).collect());
        solution
    }

    /// What a thing comes to.
    fn value(&self, place: Place) -> Value {
        match get(&self.decided, place, None) {
            Some(true) => Value::True,
            Some(false) => Value::False,
            None => get(&self.value, place, Value::Cycle),
        }
    }

    fn above(&self, place: Place) -> &[Place] {
        self.above
            .get(place as usize)
            .map_or(&[], SmallVec::as_slice)
    }

    /// One round of the steps 2 and 3; false when nothing more is decided.
    fn advance(&mut self) -> bool {
        self.spread();
        let now = self.now_decided();
        if !now.is_empty() {
            self.decide(now);
            return true;
        }
        let unfounded = self.unfounded();
        if unfounded.is_empty() {
            return false;
        }
        self.decide(unfounded.into_iter().map(|place| (place, false)).collect());
        true
    }

    fn decide(&mut self, places: Vec<(Place, bool)>) {
        let mut pending = Vec::new();
        for (place, value) in places {
            put(&mut self.decided, place, Some(value));
            pending.extend(self.above(place));
        }
        self.follow(pending);
    }

    /// Step 1, from these equations on.
    fn follow(&mut self, mut pending: Vec<Place>) {
        while let Some(place) = pending.pop() {
            if get(&self.decided, place, None).is_none()
                && let Some(value) = self.follows(place)
            {
                put(&mut self.decided, place, Some(value));
                pending.extend(self.above(place));
            }
        }
    }

    /// What follows from decided operands alone. An operand that no error can
    /// reach will never be more than a cycle while it is undecided.
    fn follows(&self, place: Place) -> Option<bool> {
        let of = |operand: &Place| get(&self.decided, *operand, None);
        let settled =
            |operand: &Place| of(operand).is_some() || !get(&self.fallible, *operand, true);
        match self.equations.get(place as usize)? {
            Equation::Known(_) => None,
            Equation::Any(operands) => {
                if operands.iter().any(|o| of(o) == Some(true)) {
                    return Some(true);
                }
                let all = operands.iter().all(|o| of(o) == Some(false));
                all.then_some(false)
            }
            Equation::All(operands) => {
                if operands.iter().all(|o| of(o) == Some(true)) {
                    return Some(true);
                }
                let refused = operands.iter().any(|o| of(o) == Some(false));
                (refused && operands.iter().all(settled)).then_some(false)
            }
            Equation::Except([base, subtract]) => match (of(base), of(subtract)) {
                (Some(true), Some(false)) => Some(true),
                (Some(false), _) if settled(subtract) => Some(false),
                (_, Some(true)) if settled(base) => Some(false),
                _ => None,
            },
        }
    }

    /// What the operands make of an equation now.
    fn table(&self, place: Place) -> Value {
        match self.equations.get(place as usize) {
            None => Value::Cycle,
            Some(Equation::Known(value)) => *value,
            Some(Equation::Any(operands)) => operands
                .iter()
                .fold(Value::False, |so_far, o| so_far.or(self.value(*o))),
            Some(Equation::All(operands)) => {
                let mut all = All::default();
                operands.iter().for_each(|o| all.add(self.value(*o)));
                all.value()
            }
            Some(Equation::Except([base, subtract])) => {
                self.value(*base).except(self.value(*subtract))
            }
        }
    }

    /// Whether an equation is open: neither decided nor known from outside.
    fn open(&self, place: Place) -> bool {
        get(&self.decided, place, None).is_none()
            && !matches!(
                self.equations.get(place as usize),
                None | Some(Equation::Known(_))
            )
    }

    /// Errors spread as far as they can: the first half of step 2.
    fn spread(&mut self) {
        let mut pending = Vec::new();
        for place in 0..self.equations.len() as Place {
            if self.open(place) {
                put(&mut self.value, place, Value::Cycle);
                if get(&self.fallible, place, true) {
                    pending.push(place);
                }
            }
        }
        while let Some(place) = pending.pop() {
            if !self.open(place) {
                continue;
            }
            // What would be true or false is neither as long as errors spread.
            let now = self.table(place);
            if matches!(now, Value::Passed(_) | Value::Error(_))
                && now.rank() > self.value(place).rank()
            {
                put(&mut self.value, place, now);
                pending.extend(self.above(place));
            }
        }
    }

    /// The second half of step 2.
    fn now_decided(&self) -> Vec<(Place, bool)> {
        let open = (0..self.equations.len() as Place).filter(|place| self.open(*place));
        let tables = open.map(|place| (place, self.table(place)));
        tables
            .filter_map(|(place, value)| match value {
                Value::True => Some((place, true)),
                Value::False => Some((place, false)),
                _ => None,
            })
            .collect()
    }

    /// Step 3: the greatest set of unions that rest on nothing but false ones
    /// and each other.
    fn unfounded(&self) -> Vec<Place> {
        let is_cycle = |place: Place| self.open(place) && self.value(place) == Value::Cycle;
        let places = 0..self.equations.len() as Place;
        let mut within: Vec<bool> = places
            .clone()
            .map(|place| {
                matches!(self.equations.get(place as usize), Some(Equation::Any(_)))
                    && is_cycle(place)
            })
            .collect();
        let mut pending: Vec<Place> = places.clone().filter(|p| get(&within, *p, false)).collect();
        while let Some(place) = pending.pop() {
            let rests = |operand: &Place| {
                get(&within, *operand, false) || get(&self.decided, *operand, None) == Some(false)
            };
            let operands = self.equations.get(place as usize).map(Equation::operands);
            if get(&within, place, false) && !operands.is_some_and(|o| o.iter().all(rests)) {
                put(&mut within, place, false);
                pending.extend(self.above(place));
            }
        }
        places.filter(|place| get(&within, *place, false)).collect()
    }
}

fn get<T: Copy>(of: &[T], place: Place, missing: T) -> T {
    of.get(place as usize).copied().unwrap_or(missing)
}

fn put<T>(of: &mut [T], place: Place, value: T) {
    if let Some(slot) = of.get_mut(place as usize) {
        *slot = value;
    }
}
