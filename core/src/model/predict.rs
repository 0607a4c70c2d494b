//! Looks ahead in the network of the grammar: which tokens can come next, and
//! which way a choice goes. It decides as ANTLR's adaptive LL(*) does (Parr,
//! Harwell and Fisher, "Adaptive LL(*) Parsing", 2014), first without and then
//! with the rules being parsed, so that refusals are worded as ANTLR words
//! them.

use std::collections::{BTreeMap, BTreeSet};

use super::grammar::{Edge, Network, Role};
use super::kind::{Kind, Kinds};

/// How many states may be visited for one text.
const MAX_STEPS: usize = 3_000_000;

/// How many rules may be open at once while looking ahead.
const MAX_OPEN: usize = 400;

/// Looking ahead took more work than is allowed.
#[derive(Debug)]
pub(super) struct TooMuch;

/// What can come next.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    pub(super) kinds: Kinds,
    /// The rule may end here.
    pub(super) ends: bool,
}

/// Where a choice failed: no way admits the token at this index.
#[derive(Debug)]
pub(super) struct NoWay {
    pub(super) token: usize,
}

/// The set of possible places to return to, as a node of a shared graph.
type Context = usize;

/// No place: what lies below is every place the rule is ever entered from, or,
/// where the open rules are known, the end of the text.
const NOWHERE: Context = 0;
/// The caller is not asked for.
const UNASKED: Context = 1;
/// Stands in a set of places for [`NOWHERE`].
const NO_STATE: usize = usize::MAX;

pub(super) struct Predictor<'a> {
    network: &'a Network,
    contexts: Vec<Vec<(usize, Context)>>,
    heights: Vec<usize>,
    interned: BTreeMap<Vec<(usize, Context)>, Context>,
    nexts: BTreeMap<usize, Look>,
    firsts: BTreeMap<usize, Option<Vec<Kinds>>>,
    steps: usize,
}

/// A possible state of the parse: this state of the network, reached by this
/// way, with these places to return to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Config {
    state: usize,
    way: usize,
    context: Context,
    /// It left the rule that the choice lies in.
    left: bool,
}

/// All possible states of the parse, by state and way.
type Configs = BTreeMap<(usize, usize), (Context, bool)>;

impl<'a> Predictor<'a> {
    pub(super) fn new(network: &'a Network) -> Self {
        let mut predictor = Self {
            network,
            contexts: Vec::new(),
            heights: Vec::new(),
            interned: BTreeMap::new(),
            nexts: BTreeMap::new(),
            firsts: BTreeMap::new(),
            steps: 0,
        };
        // `NOWHERE` and `UNASKED`.
        predictor.intern(vec![(NO_STATE, 0)], 0);
        predictor.intern(vec![(NO_STATE, 1)], 0);
        predictor
    }

    /// What can come next at `state`, as far as its rule says.
    pub(super) fn next(&mut self, state: usize) -> Result<Look, TooMuch> {
        if let Some(known) = self.nexts.get(&state) {
            return Ok(*known);
        }
        let look = self.look(state, UNASKED, true)?;
        self.nexts.insert(state, look);
        Ok(look)
    }

    /// What can come next at `state`, where the open rules return to `stack`,
    /// outermost first.
    pub(super) fn next_within(&mut self, state: usize, stack: &[usize]) -> Result<Look, TooMuch> {
        let context = self.context_of(stack)?;
        self.look(state, context, true)
    }

    /// The first tokens of each way out of `state`, where they tell all ways
    /// apart.
    pub(super) fn distinct_firsts(&mut self, state: usize) -> Result<Option<Vec<Kinds>>, TooMuch> {
        if let Some(known) = self.firsts.get(&state) {
            return Ok(known.clone());
        }
        let mut firsts: Vec<Kinds> = Vec::new();
        let mut distinct = true;
        for edge in self.network.edges(state) {
            if let Edge::Free(to) = edge {
                let kinds = self.look(*to, NOWHERE, false)?.kinds;
                distinct &= !firsts.iter().any(|earlier| earlier.meets(kinds));
                firsts.push(kinds);
            }
        }
        let firsts = distinct.then_some(firsts);
        self.firsts.insert(state, firsts.clone());
        Ok(firsts)
    }

    /// Chooses a way out of `state`, counted from 0, for the tokens that
    /// `kind_at` gives by index, from `start` on.
    pub(super) fn choose(
        &mut self,
        state: usize,
        stack: &[usize],
        start: usize,
        mut kind_at: impl FnMut(usize) -> Kind,
    ) -> Result<Result<usize, NoWay>, TooMuch> {
        let mut within = false;
        let mut configs = self.begin(state, NOWHERE, within)?;
        let mut token = start;
        loop {
            let kind = kind_at(token);
            let reached = self.reach(&configs, kind, within)?;
            if reached.is_empty() {
                let finished = self.finished(&configs);
                return Ok(finished.ok_or(NoWay { token }));
            }
            let mut ways = reached.keys().map(|(_, way)| *way);
            let first = ways.next().unwrap_or_default();
            if ways.all(|way| way == first) {
                return Ok(Ok(first));
            }
            let groups = groups(&reached);
            if within {
                // All that is left agrees on its first way.
                let mut least = groups.iter().filter_map(|group| group.first());
                let first = least.next().copied().unwrap_or_default();
                if least.all(|way| *way == first) {
                    return Ok(Ok(first));
                }
            } else if self.all_stopped(&reached)
                || groups.iter().any(|group| group.len() > 1) && !has_lone_state(&reached)
            {
                // The ways cannot be told apart without knowing the open
                // rules: begin again with them.
                within = true;
                let context = self.context_of(stack)?;
                configs = self.begin(state, context, within)?;
                token = start;
                continue;
            }
            configs = reached;
            if kind != Kind::Eof {
                token += 1;
            }
        }
    }

    fn begin(&mut self, state: usize, context: Context, within: bool) -> Result<Configs, TooMuch> {
        let mut ways = Vec::new();
        for edge in self.network.edges(state) {
            if let Edge::Free(to) = edge {
                ways.push(Config {
                    state: *to,
                    way: ways.len(),
                    context,
                    left: false,
                });
            }
        }
        self.close(ways, within, false)
    }

    fn reach(&mut self, configs: &Configs, kind: Kind, within: bool) -> Result<Configs, TooMuch> {
        let mut moved = Vec::new();
        let mut kept = Vec::new();
        for ((state, way), (context, left)) in configs {
            let config = |state| Config {
                state,
                way: *way,
                context: *context,
                left: *left,
            };
            if self.network.role(*state) == Role::Stop {
                if within || kind == Kind::Eof {
                    kept.push(config(*state));
                }
                continue;
            }
            for edge in self.network.edges(*state) {
                if let Edge::Take(kinds, to) = edge
                    && kinds.has(kind)
                {
                    moved.push(config(*to));
                }
            }
        }
        let ends = kind == Kind::Eof;
        let one_way = moved.windows(2).all(|pair| match pair {
            [a, b] => a.way == b.way,
            _ => true,
        });
        let mut reached = if kept.is_empty() && !ends && one_way {
            // The choice is made: where it leads need not be known.
            let mut reached = Configs::new();
            for config in moved {
                self.add(&mut reached, config, within)?;
            }
            reached
        } else {
            self.close(moved, within, ends)?
        };
        if ends {
            reached.retain(|(state, _), _| self.network.role(*state) == Role::Stop);
        }
        let stopped = |(state, _): &(usize, usize)| self.network.role(*state) == Role::Stop;
        if !within || !reached.keys().any(stopped) {
            for config in kept {
                self.add(&mut reached, config, within)?;
            }
        }
        Ok(reached)
    }

    /// Follows all edges that take nothing.
    fn close(
        &mut self,
        mut left_to_do: Vec<Config>,
        within: bool,
        ends: bool,
    ) -> Result<Configs, TooMuch> {
        let mut closed = Configs::new();
        let mut seen = BTreeSet::new();
        while let Some(config) = left_to_do.pop() {
            if !seen.insert(config) {
                continue;
            }
            self.step()?;
            let network = self.network;
            let stopped = network.role(config.state) == Role::Stop;
            if stopped && config.context != NOWHERE {
                let places = self.contexts.get(config.context).cloned();
                for (state, context) in places.unwrap_or_default() {
                    if state == NO_STATE {
                        let context = NOWHERE;
                        self.add(&mut closed, Config { context, ..config }, within)?;
                    } else {
                        left_to_do.push(Config {
                            state,
                            context,
                            ..config
                        });
                    }
                }
                continue;
            }
            if stopped && within {
                self.add(&mut closed, config, within)?;
                continue;
            }
            let edges = network.edges(config.state);
            if edges.is_empty() || edges.iter().any(|e| matches!(e, Edge::Take(..))) {
                self.add(&mut closed, config, within)?;
            }
            for edge in edges {
                match edge {
                    Edge::Free(state) => left_to_do.push(Config {
                        state: *state,
                        left: config.left || stopped,
                        ..config
                    }),
                    Edge::Enter { rule, after } => {
                        let context = self.push(*after, config.context)?;
                        if let Some(state) = network.starts.get(*rule).copied() {
                            left_to_do.push(Config {
                                state,
                                context,
                                ..config
                            });
                        }
                    }
                    Edge::Take(kinds, state) => {
                        if ends && kinds.has(Kind::Eof) {
                            left_to_do.push(Config {
                                state: *state,
                                ..config
                            });
                        }
                    }
                }
            }
        }
        Ok(closed)
    }

    fn add(&mut self, configs: &mut Configs, config: Config, within: bool) -> Result<(), TooMuch> {
        let key = (config.state, config.way);
        let (context, left) = match configs.get(&key).copied() {
            None => (config.context, config.left),
            Some((context, left)) => (
                self.merge(context, config.context, !within)?,
                left || config.left,
            ),
        };
        configs.insert(key, (context, left));
        Ok(())
    }

    fn all_stopped(&self, configs: &Configs) -> bool {
        let mut states = configs.keys().map(|(state, _)| *state);
        states.all(|state| self.network.role(state) == Role::Stop)
    }

    /// The first way that came to the end of the rule the choice lies in.
    fn finished(&self, configs: &Configs) -> Option<usize> {
        let finished = configs.iter().filter(|((state, _), (context, left))| {
            let nowhere = |places: &Vec<(usize, Context)>| {
                *context == NOWHERE || places.iter().any(|(state, _)| *state == NO_STATE)
            };
            *left
                || self.network.role(*state) == Role::Stop
                    && self.contexts.get(*context).is_some_and(nowhere)
        });
        finished.map(|((_, way), _)| *way).min()
    }

    /// The tokens that can come at `state` with the given places to return to.
    fn look(&mut self, state: usize, context: Context, ending: bool) -> Result<Look, TooMuch> {
        let mut look = Look::default();
        let mut seen = BTreeSet::new();
        // The third part says which rules are being looked into, so that none
        // is entered twice.
        let mut left_to_do = vec![(state, context, 0u32)];
        while let Some((state, context, inside)) = left_to_do.pop() {
            if !seen.insert((state, context)) {
                continue;
            }
            self.step()?;
            let network = self.network;
            if network.role(state) == Role::Stop {
                if context == UNASKED {
                    look.ends = true;
                    continue;
                }
                if context == NOWHERE && ending {
                    look.kinds = look.kinds.and(Kinds::of(&[Kind::Eof]));
                    continue;
                }
                if context != NOWHERE {
                    let rule = network.states.get(state).map_or(0, |s| s.rule);
                    let inside = inside & !(1 << rule);
                    for (state, context) in self.contexts.get(context).into_iter().flatten() {
                        left_to_do.push((*state, *context, inside));
                    }
                    continue;
                }
            }
            for edge in network.edges(state) {
                match edge {
                    Edge::Free(to) => left_to_do.push((*to, context, inside)),
                    Edge::Take(kinds, _) => look.kinds = look.kinds.and(*kinds),
                    Edge::Enter { rule, after } => {
                        if inside & (1 << rule) == 0 {
                            let context = self.push(*after, context)?;
                            let start = network.starts.get(*rule).copied().unwrap_or_default();
                            left_to_do.push((start, context, inside | (1 << rule)));
                        }
                    }
                }
            }
        }
        Ok(look)
    }

    fn context_of(&mut self, stack: &[usize]) -> Result<Context, TooMuch> {
        let mut context = NOWHERE;
        for place in stack {
            context = self.push(*place, context)?;
        }
        Ok(context)
    }

    fn push(&mut self, place: usize, below: Context) -> Result<Context, TooMuch> {
        let height = self.heights.get(below).copied().unwrap_or(0) + 1;
        if height > MAX_OPEN {
            return Err(TooMuch);
        }
        Ok(self.intern(vec![(place, below)], height))
    }

    /// The union of two sets of places. Without the open rules, nowhere means
    /// anywhere, and so takes in all else. The recursion goes as deep as rules
    /// are open, which is limited.
    fn merge(&mut self, a: Context, b: Context, anywhere: bool) -> Result<Context, TooMuch> {
        if a == b {
            return Ok(a);
        }
        if anywhere && (a == NOWHERE || b == NOWHERE) {
            return Ok(NOWHERE);
        }
        self.step()?;
        let mut places: BTreeMap<usize, Context> = BTreeMap::new();
        let first = self.contexts.get(a).cloned().unwrap_or_default();
        let second = self.contexts.get(b).cloned().unwrap_or_default();
        for (place, below) in first.into_iter().chain(second) {
            let below = match places.get(&place).copied() {
                Some(other) => self.merge(other, below, anywhere)?,
                None => below,
            };
            places.insert(place, below);
        }
        let tallest = |context: &Context| self.heights.get(*context).copied().unwrap_or(0);
        let height = places.values().map(tallest).max().unwrap_or(0) + 1;
        Ok(self.intern(places.into_iter().collect(), height))
    }

    fn intern(&mut self, places: Vec<(usize, Context)>, height: usize) -> Context {
        if let Some(known) = self.interned.get(&places) {
            return *known;
        }
        let context = self.contexts.len();
        self.contexts.push(places.clone());
        self.heights.push(height);
        self.interned.insert(places, context);
        context
    }

    fn step(&mut self) -> Result<(), TooMuch> {
        self.steps += 1;
        match self.steps > MAX_STEPS {
            true => Err(TooMuch),
            false => Ok(()),
        }
    }
}

/// For each state and set of places: the ways that lead there.
fn groups(configs: &Configs) -> Vec<BTreeSet<usize>> {
    let mut groups: BTreeMap<(usize, Context), BTreeSet<usize>> = BTreeMap::new();
    for ((state, way), (context, _)) in configs {
        groups.entry((*state, *context)).or_default().insert(*way);
    }
    groups.into_values().collect()
}

/// Whether some state is reached by one way only.
fn has_lone_state(configs: &Configs) -> bool {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for (state, _) in configs.keys() {
        *counts.entry(*state).or_default() += 1;
    }
    counts.values().any(|count| *count == 1)
}
