//! Finds words for the refusal of a text: the errors, and the way of going on
//! after each, of the parser that ANTLR generates from OpenFGA's grammar. It
//! runs only on text that has been refused, and only explains: when it gives
//! up, the text stays refused.

use super::error::{ErrorKind, Expected, ModelError, Span, SyntaxError};
use super::grammar::{Edge, Network, Node, Role, Rule};
use super::kind::{Kind, Kinds};
use super::predict::{Look, Predictor, TooMuch};
use super::token::{Token, Tokens};

/// How many errors are reported at most.
const MAX_ERRORS: usize = 100;

/// How many rules may be open at once; each costs some hundred bytes of stack.
const MAX_OPEN: usize = 160;

/// Everything that is wrong with the grammar of `source`, of which the parser
/// refused the token at `refused`.
pub(super) fn explain(source: &Tokens, refused: usize) -> Vec<ModelError> {
    let network = Network::new();
    let mut explainer = Explainer {
        source,
        network: &network,
        predictor: Predictor::new(&network),
        at: 0,
        state: 0,
        open: Vec::new(),
        recovering: false,
        failed_at: None,
        failed_in: Vec::new(),
        errors: Vec::new(),
        fetched: 0,
        passed_on: 0,
    };
    let ended = explainer.run(Rule::Main as usize);
    explainer.fetched = source.tokens.len();
    explainer.pass_on();
    let mut errors = explainer.errors;
    let gave_up = matches!(ended, Err(Stop::TooMuch)) && errors.len() < MAX_ERRORS;
    if gave_up || errors.is_empty() {
        errors = source.errors.iter().map(|(_, e)| e.clone()).collect();
        errors.truncate(MAX_ERRORS);
        let token = source.tokens.get(refused).or(source.tokens.last());
        if let Some(token) = token {
            errors.push(error_at(source, *token, SyntaxError::Unexplained));
        }
    }
    errors
}

fn error_at(source: &Tokens, token: Token, syntax: SyntaxError) -> ModelError {
    let symbol = source.text_of(token);
    let span = Span {
        line: token.line,
        start: token.column,
        end: token.column,
    };
    let error = ModelError::new(ErrorKind::Syntax(syntax), symbol);
    error.at(Some(span.with_width_of(symbol)))
}

/// Why a rule was left before its end.
enum Stop {
    /// The token fits nothing here.
    Mismatch,
    /// No way of a choice that begins at the first token admits the second.
    NoWay { start: usize, token: usize },
    /// Explaining takes too much work, or has found enough.
    TooMuch,
}

impl From<TooMuch> for Stop {
    fn from(_: TooMuch) -> Self {
        Self::TooMuch
    }
}

struct Explainer<'a> {
    source: &'a Tokens,
    network: &'a Network,
    predictor: Predictor<'a>,
    at: usize,
    state: usize,
    /// Where the open rules return to, outermost first.
    open: Vec<usize>,
    /// An error has been reported and no token matched since.
    recovering: bool,
    failed_at: Option<usize>,
    failed_in: Vec<usize>,
    errors: Vec<ModelError>,
    /// The greatest index of a token that has been looked at.
    fetched: usize,
    /// How many of the source's own errors have been passed on.
    passed_on: usize,
}

impl<'a> Explainer<'a> {
    fn token(&mut self, ahead: usize) -> Option<Token> {
        let index = self.at + ahead;
        self.fetched = self.fetched.max(index);
        let tokens = &self.source.tokens;
        tokens.get(index).or(tokens.last()).copied()
    }

    fn kind(&mut self, ahead: usize) -> Kind {
        self.token(ahead).map_or(Kind::Eof, |token| token.kind)
    }

    fn consume(&mut self) {
        if self.kind(0) != Kind::Eof {
            self.at += 1;
            self.fetched = self.fetched.max(self.at);
        }
    }

    /// Passes on what is wrong with the characters up to the last token seen.
    fn pass_on(&mut self) {
        while let Some((index, error)) = self.source.errors.get(self.passed_on) {
            if *index > self.fetched || self.errors.len() >= MAX_ERRORS {
                break;
            }
            self.errors.push(error.clone());
            self.passed_on += 1;
        }
    }

    fn report(&mut self, token: usize, syntax: SyntaxError) -> Result<(), Stop> {
        self.recovering = true;
        self.pass_on();
        let tokens = &self.source.tokens;
        if let Some(token) = tokens.get(token).or(tokens.last()) {
            self.errors.push(error_at(self.source, *token, syntax));
        }
        match self.errors.len() < MAX_ERRORS {
            true => Ok(()),
            false => Err(Stop::TooMuch),
        }
    }

    /// A token fits: the last error is over.
    fn matched(&mut self) {
        self.recovering = false;
        self.failed_at = None;
        self.failed_in.clear();
    }

    fn run(&mut self, rule: usize) -> Result<(), Stop> {
        let network = self.network;
        self.state = network.starts.get(rule).copied().unwrap_or_default();
        let body = network.bodies.get(rule).map_or(&[][..], Vec::as_slice);
        let stop = match self.all(body) {
            Ok(()) => return Ok(()),
            Err(stop) => stop,
        };
        let at = self.at;
        match stop {
            Stop::TooMuch => return Err(stop),
            _ if self.recovering => {}
            Stop::Mismatch => {
                let expected = self.expected()?;
                self.report(at, SyntaxError::Mismatched { expected })?;
            }
            Stop::NoWay { start, token } => {
                let first = self.source.tokens.get(start).map(|t| t.kind);
                let input = match first {
                    Some(Kind::Eof) | None => "<EOF>".to_owned(),
                    Some(_) => self.source.text_between(start, token),
                };
                self.report(token, SyntaxError::NoAlternative { input })?;
            }
        }
        self.recover()
    }

    /// Skips tokens until one can follow one of the open rules.
    fn recover(&mut self) -> Result<(), Stop> {
        if self.failed_at == Some(self.at) && self.failed_in.contains(&self.state) {
            // The same token failed here before: without skipping it, this
            // would go on for ever.
            self.consume();
        }
        self.failed_at = Some(self.at);
        self.failed_in.push(self.state);
        let wanted = self.recovery_set()?;
        self.consume_until(wanted);
        Ok(())
    }

    fn recovery_set(&mut self) -> Result<Kinds, Stop> {
        let mut kinds = Kinds::NONE;
        for nth in (0..self.open.len()).rev() {
            if let Some(place) = self.open.get(nth) {
                kinds = kinds.and(self.predictor.next(*place)?.kinds);
            }
        }
        Ok(kinds)
    }

    fn consume_until(&mut self, wanted: Kinds) {
        loop {
            let kind = self.kind(0);
            if kind == Kind::Eof || wanted.has(kind) {
                return;
            }
            self.consume();
        }
    }

    /// What could come next: in this rule, and where it may end, in the rules
    /// around it.
    fn expected_kinds(&mut self) -> Result<Kinds, Stop> {
        let Look {
            mut kinds,
            mut ends,
        } = self.predictor.next(self.state)?;
        for nth in (0..self.open.len()).rev() {
            if !ends {
                break;
            }
            if let Some(place) = self.open.get(nth) {
                let look = self.predictor.next(*place)?;
                kinds = kinds.and(look.kinds);
                ends = look.ends;
            }
        }
        Ok(match ends {
            true => kinds.and(Kinds::of(&[Kind::Eof])),
            false => kinds,
        })
    }

    fn expected(&mut self) -> Result<Expected, Stop> {
        Ok(Expected(self.expected_kinds()?.shown()))
    }

    fn all(&mut self, nodes: &'a [Node]) -> Result<(), Stop> {
        for node in nodes {
            match node {
                Node::Take(at, kinds) => self.take(*at, *kinds)?,
                Node::Enter(at, rule) => self.enter(*at, *rule)?,
                Node::Choose { at, ways, optional } => {
                    self.state = *at;
                    self.sync()?;
                    let chosen = self.way(*at, *optional)?;
                    if let Some(way) = ways.get(chosen) {
                        self.all(way)?;
                    }
                }
                Node::Loop {
                    at,
                    back,
                    body,
                    at_least_once,
                } => {
                    self.state = *at;
                    self.sync()?;
                    let decides = if *at_least_once { *back } else { *at };
                    let mut again = *at_least_once || self.way(decides, true)? == 0;
                    while again {
                        self.all(body)?;
                        self.state = *back;
                        self.sync()?;
                        again = self.way(decides, true)? == 0;
                    }
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, at: usize, rule: usize) -> Result<(), Stop> {
        if self.open.len() >= MAX_OPEN {
            return Err(Stop::TooMuch);
        }
        let after = match self.network.edges(at).first() {
            Some(Edge::Enter { after, .. }) => *after,
            _ => at,
        };
        self.state = at;
        self.open.push(after);
        let done = self.run(rule);
        self.open.pop();
        self.state = at;
        done
    }

    fn take(&mut self, at: usize, kinds: Kinds) -> Result<(), Stop> {
        self.state = at;
        let kind = self.kind(0);
        if kinds.has(kind) {
            self.matched();
            self.consume();
            return Ok(());
        }
        if self.delete_one()? {
            self.consume();
            return Ok(());
        }
        // Would all be well if the token that is missing here were there?
        if let Some(Edge::Take(_, next)) = self.network.edges(at).first() {
            let look = self.predictor.next_within(*next, &self.open)?;
            if look.kinds.has(kind) {
                if !self.recovering {
                    let expected = self.expected()?;
                    self.report(self.at, SyntaxError::Missing { expected })?;
                }
                return Ok(());
            }
        }
        Err(Stop::Mismatch)
    }

    /// Deletes the token, if the one after it fits here.
    fn delete_one(&mut self) -> Result<bool, Stop> {
        let next = self.kind(1);
        if !self.expected_kinds()?.has(next) {
            return Ok(false);
        }
        self.report_extraneous()?;
        self.consume();
        self.matched();
        Ok(true)
    }

    fn report_extraneous(&mut self) -> Result<(), Stop> {
        if self.recovering {
            return Ok(());
        }
        let expected = self.expected()?;
        self.report(self.at, SyntaxError::Extraneous { expected })
    }

    /// Before a decision: makes sure that the token can be decided on.
    fn sync(&mut self) -> Result<(), Stop> {
        if self.recovering {
            return Ok(());
        }
        let look = self.predictor.next(self.state)?;
        if look.ends || look.kinds.has(self.kind(0)) {
            return Ok(());
        }
        match self.network.role(self.state) {
            Role::Start => match self.delete_one()? {
                true => Ok(()),
                false => Err(Stop::Mismatch),
            },
            Role::LoopBack => {
                self.report_extraneous()?;
                let wanted = self.expected_kinds()?.and(self.recovery_set()?);
                self.consume_until(wanted);
                Ok(())
            }
            Role::Plain | Role::Stop => Ok(()),
        }
    }

    /// Which way to go at a decision. Where one token decides, an optional
    /// part that it does not begin is skipped.
    fn way(&mut self, at: usize, optional: bool) -> Result<usize, Stop> {
        let kind = self.kind(0);
        if let Some(firsts) = self.predictor.distinct_firsts(at)? {
            let found = firsts.iter().position(|first| first.has(kind));
            return match found {
                Some(way) => Ok(way),
                None if optional => Ok(firsts.len()),
                None => Err(Stop::NoWay {
                    start: self.at,
                    token: self.at,
                }),
            };
        }
        let tokens = &self.source.tokens;
        let fetched = &mut self.fetched;
        let start = self.at;
        let chosen = self.predictor.choose(at, &self.open, start, |index| {
            *fetched = (*fetched).max(index);
            tokens.get(index).map_or(Kind::Eof, |token| token.kind)
        })?;
        chosen.map_err(|failed| Stop::NoWay {
            start,
            token: failed.token,
        })
    }
}
