//! The grammar of the DSL as data, and as the network of states that a parser
//! generator makes of it. Only the explanation of refused text uses it.

use super::kind::{Kind, Kinds};

/// A piece of the grammar.
pub(super) enum Piece {
    Token(Kind),
    OneOf(Kinds),
    Rule(Rule),
    Seq(&'static [Piece]),
    Alt(&'static [Piece]),
    Opt(&'static Piece),
    Star(&'static Piece),
    Plus(&'static Piece),
}

/// The rules, in the order of [`RULES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Rule {
    Main,
    ModelHeader,
    ModuleHeader,
    TypeDefs,
    TypeDef,
    RelationDeclaration,
    RelationName,
    RelationDef,
    RelationDefNoDirect,
    Partials,
    Grouping,
    Recurse,
    RecurseNoDirect,
    Direct,
    Rewrite,
    Restriction,
    RestrictionBase,
    Conditions,
    Condition,
    ConditionName,
    Parameter,
    ParameterName,
    ParameterType,
    Comment,
    Identifier,
    ExtendedIdentifier,
    Expression,
}

use Kind::{
    And, ButNot, Colon, Comma, Condition, Define, Eof, Extend, From, Greater, Hash, LeftBrace,
    LeftBracket, LeftParen, Less, Model, Module, Newline, Or, ParamContainer, ParamType, Relations,
    RightBrace, RightBracket, RightParen, Schema, SchemaVersion, Type, Whitespace, With,
};
use Piece::{Alt, OneOf, Opt, Plus, Rule as Call, Seq, Star, Token};

const SPACE: Piece = Token(Whitespace);
const LINE: Piece = Token(Newline);
const MAYBE_SPACE: Piece = Opt(&SPACE);
const MAYBE_LINE: Piece = Opt(&LINE);
const SPACES: Piece = Star(&SPACE);
const NAME: Piece = Call(Rule::ExtendedIdentifier);
/// `(NEWLINE multiLineComment)?`
const MAYBE_COMMENT: Piece = Opt(&Seq(&[LINE, Call(Rule::Comment)]));
/// `(multiLineComment NEWLINE)?`
const LEADING_COMMENT: Piece = Opt(&Seq(&[Call(Rule::Comment), LINE]));
const OPERAND: Piece = Alt(&[Call(Rule::Grouping), Call(Rule::RecurseNoDirect)]);

/// The tokens that a condition's expression names; a second alternative
/// admits all others but `}`.
const CEL: Kinds = Kinds::of(&[
    Kind::Identifier,
    Kind::Equals,
    Kind::NotEquals,
    Kind::In,
    Kind::Less,
    Kind::LessEquals,
    Kind::GreaterEquals,
    Kind::Greater,
    Kind::LogicalAnd,
    Kind::LogicalOr,
    Kind::LeftBracket,
    Kind::RightBracket,
    Kind::LeftBrace,
    Kind::LeftParen,
    Kind::RightParen,
    Kind::Dot,
    Kind::Minus,
    Kind::Exclamation,
    Kind::Question,
    Kind::Plus,
    Kind::Star,
    Kind::Slash,
    Kind::Percent,
    Kind::True,
    Kind::False,
    Kind::Null,
    Kind::Whitespace,
    Kind::CelComment,
    Kind::Float,
    Kind::Int,
    Kind::Uint,
    Kind::String,
    Kind::Bytes,
    Kind::Newline,
]);

/// The words that may name a module.
const IDENTIFIERS: Kinds = Kinds::of(&[
    Kind::Identifier,
    Kind::Module,
    Kind::Model,
    Kind::Schema,
    Kind::Extend,
    Kind::Type,
    Kind::Relation,
]);

/// The body of each rule.
pub(super) static RULES: [Piece; 27] = [
    // main
    Seq(&[
        MAYBE_SPACE,
        MAYBE_LINE,
        Alt(&[Call(Rule::ModelHeader), Call(Rule::ModuleHeader)]),
        MAYBE_LINE,
        Call(Rule::TypeDefs),
        MAYBE_LINE,
        Call(Rule::Conditions),
        MAYBE_LINE,
        Token(Eof),
    ]),
    // modelHeader
    Seq(&[
        LEADING_COMMENT,
        Token(Model),
        LINE,
        Token(Schema),
        SPACE,
        Token(SchemaVersion),
        MAYBE_SPACE,
    ]),
    // moduleHeader
    Seq(&[
        LEADING_COMMENT,
        Token(Module),
        SPACE,
        Call(Rule::Identifier),
        MAYBE_SPACE,
    ]),
    // typeDefs
    Star(&Call(Rule::TypeDef)),
    // typeDef
    Seq(&[
        MAYBE_COMMENT,
        LINE,
        Opt(&Seq(&[Token(Extend), SPACE])),
        Token(Type),
        SPACE,
        NAME,
        Opt(&Seq(&[
            LINE,
            Token(Relations),
            Plus(&Call(Rule::RelationDeclaration)),
        ])),
    ]),
    // relationDeclaration
    Seq(&[
        MAYBE_COMMENT,
        LINE,
        Token(Define),
        SPACE,
        Call(Rule::RelationName),
        MAYBE_SPACE,
        Token(Colon),
        MAYBE_SPACE,
        Call(Rule::RelationDef),
    ]),
    // relationName
    NAME,
    // relationDef
    Seq(&[
        Alt(&[
            Call(Rule::Direct),
            Call(Rule::Grouping),
            Call(Rule::Recurse),
        ]),
        Opt(&Call(Rule::Partials)),
    ]),
    // relationDefNoDirect
    Seq(&[OPERAND, Opt(&Call(Rule::Partials))]),
    // relationDefPartials
    Alt(&[
        Plus(&Seq(&[SPACE, Token(Or), SPACE, OPERAND])),
        Plus(&Seq(&[SPACE, Token(And), SPACE, OPERAND])),
        Seq(&[SPACE, Token(ButNot), SPACE, OPERAND]),
    ]),
    // relationDefGrouping
    Call(Rule::Rewrite),
    // relationRecurse
    Seq(&[
        Token(LeftParen),
        SPACES,
        Alt(&[Call(Rule::RelationDef), Call(Rule::RecurseNoDirect)]),
        SPACES,
        Token(RightParen),
    ]),
    // relationRecurseNoDirect
    Seq(&[
        Token(LeftParen),
        SPACES,
        Alt(&[Call(Rule::RelationDefNoDirect), Call(Rule::RecurseNoDirect)]),
        SPACES,
        Token(RightParen),
    ]),
    // relationDefDirectAssignment
    Seq(&[
        Token(LeftBracket),
        MAYBE_SPACE,
        Call(Rule::Restriction),
        MAYBE_SPACE,
        Star(&Seq(&[
            Token(Comma),
            MAYBE_SPACE,
            Call(Rule::Restriction),
            MAYBE_SPACE,
        ])),
        Token(RightBracket),
    ]),
    // relationDefRewrite
    Seq(&[NAME, Opt(&Seq(&[SPACE, Token(From), SPACE, NAME]))]),
    // relationDefTypeRestriction
    Seq(&[
        MAYBE_LINE,
        Alt(&[
            Call(Rule::RestrictionBase),
            Seq(&[
                Call(Rule::RestrictionBase),
                SPACE,
                Token(With),
                SPACE,
                Call(Rule::ConditionName),
            ]),
        ]),
        MAYBE_LINE,
    ]),
    // relationDefTypeRestrictionBase
    Seq(&[
        NAME,
        Opt(&Alt(&[
            Seq(&[Token(Colon), Token(Kind::Star)]),
            Seq(&[Token(Hash), NAME]),
        ])),
    ]),
    // conditions
    Star(&Call(Rule::Condition)),
    // condition
    Seq(&[
        MAYBE_COMMENT,
        LINE,
        Token(Condition),
        SPACE,
        Call(Rule::ConditionName),
        MAYBE_SPACE,
        Token(LeftParen),
        MAYBE_SPACE,
        Call(Rule::Parameter),
        MAYBE_SPACE,
        Star(&Seq(&[
            Token(Comma),
            MAYBE_SPACE,
            Call(Rule::Parameter),
            MAYBE_SPACE,
        ])),
        MAYBE_LINE,
        Token(RightParen),
        MAYBE_SPACE,
        Token(LeftBrace),
        MAYBE_LINE,
        MAYBE_SPACE,
        Call(Rule::Expression),
        MAYBE_LINE,
        Token(RightBrace),
    ]),
    // conditionName
    Token(Kind::Identifier),
    // conditionParameter
    Seq(&[
        MAYBE_LINE,
        Call(Rule::ParameterName),
        MAYBE_SPACE,
        Token(Colon),
        MAYBE_SPACE,
        Call(Rule::ParameterType),
    ]),
    // parameterName
    Token(Kind::Identifier),
    // parameterType
    Alt(&[
        Token(ParamType),
        Seq(&[
            Token(ParamContainer),
            Token(Less),
            Token(ParamType),
            Token(Greater),
        ]),
    ]),
    // multiLineComment
    Seq(&[
        Token(Hash),
        Star(&OneOf(Kinds::ALL.without(Newline))),
        MAYBE_COMMENT,
    ]),
    // identifier
    OneOf(IDENTIFIERS),
    // extended_identifier
    Alt(&[Call(Rule::Identifier), Token(Kind::ExtendedIdentifier)]),
    // conditionExpression
    Star(&Alt(&[OneOf(CEL), OneOf(Kinds::ALL.without(RightBrace))])),
];

/// What a state is, as far as recovering from an error asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    /// The start of a choice or of a loop.
    Start,
    /// Where a loop goes back.
    LoopBack,
    /// The end of a rule.
    Stop,
}

/// A way out of a state.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edge {
    /// Takes nothing.
    Free(usize),
    /// Takes one token.
    Take(Kinds, usize),
    /// Enters a rule, and comes back to the state `after`.
    Enter { rule: usize, after: usize },
}

/// A state of the network.
#[derive(Debug)]
pub(super) struct State {
    pub(super) role: Role,
    pub(super) edges: Vec<Edge>,
    /// The rule it belongs to.
    pub(super) rule: usize,
}

/// A piece of the grammar with the states it stands between.
#[derive(Debug)]
pub(super) enum Node {
    /// Take one of these, at this state.
    Take(usize, Kinds),
    /// Enter this rule, at this state.
    Enter(usize, usize),
    /// Choose one way at this state; a way may be empty.
    Choose {
        at: usize,
        ways: Vec<Vec<Node>>,
        /// The last way is to skip it all.
        optional: bool,
    },
    /// Repeat while the state says so.
    Loop {
        /// Where the first decision is made; for a loop that runs at least
        /// once, where it begins.
        at: usize,
        /// Where all later ones are made.
        back: usize,
        body: Vec<Node>,
        at_least_once: bool,
    },
}

/// The states of all rules.
#[derive(Debug, Default)]
pub(super) struct Network {
    pub(super) states: Vec<State>,
    /// Each rule's first state, last state and body.
    pub(super) starts: Vec<usize>,
    pub(super) stops: Vec<usize>,
    pub(super) bodies: Vec<Vec<Node>>,
}

impl Network {
    pub(super) fn new() -> Self {
        let mut network = Self::default();
        for rule in 0..RULES.len() {
            let start = network.state(Role::Plain, rule);
            let stop = network.state(Role::Stop, rule);
            network.starts.push(start);
            network.stops.push(stop);
        }
        let ends: Vec<(usize, usize)> = network
            .starts
            .iter()
            .copied()
            .zip(network.stops.iter().copied())
            .collect();
        for (rule, (piece, (start, stop))) in RULES.iter().zip(ends).enumerate() {
            let mut body = Vec::new();
            let end = network.build(piece, start, rule, &mut body);
            network.edge(end, Edge::Free(stop));
            network.bodies.push(body);
        }
        // A rule's end leads to all places it was entered from, where those
        // are not known.
        let mut follows = Vec::new();
        for state in &network.states {
            for edge in &state.edges {
                if let Edge::Enter { rule, after } = edge {
                    follows.push((*rule, *after));
                }
            }
        }
        for (rule, after) in follows {
            if let Some(stop) = network.stops.get(rule).copied() {
                network.edge(stop, Edge::Free(after));
            }
        }
        network
    }

    pub(super) fn edges(&self, state: usize) -> &[Edge] {
        self.states.get(state).map_or(&[], |s| s.edges.as_slice())
    }

    pub(super) fn role(&self, state: usize) -> Role {
        self.states.get(state).map_or(Role::Plain, |s| s.role)
    }

    fn state(&mut self, role: Role, rule: usize) -> usize {
        self.states.push(State {
            role,
            edges: Vec::new(),
            rule,
        });
        self.states.len() - 1
    }

    fn edge(&mut self, from: usize, edge: Edge) {
        if let Some(state) = self.states.get_mut(from) {
            state.edges.push(edge);
        }
    }

    /// Adds `piece` behind the state `from`, and gives the state behind it.
    fn build(&mut self, piece: &Piece, from: usize, rule: usize, out: &mut Vec<Node>) -> usize {
        match piece {
            Token(kind) => self.take(Kinds::of(&[*kind]), from, rule, out),
            OneOf(kinds) => self.take(*kinds, from, rule, out),
            Call(callee) => {
                let after = self.state(Role::Plain, rule);
                let callee = *callee as usize;
                self.edge(
                    from,
                    Edge::Enter {
                        rule: callee,
                        after,
                    },
                );
                out.push(Node::Enter(from, callee));
                after
            }
            Seq(pieces) => {
                let mut at = from;
                for piece in *pieces {
                    at = self.build(piece, at, rule, out);
                }
                at
            }
            Alt(ways) => self.choose(ways, false, from, rule, out),
            Opt(Alt(ways)) => self.choose(ways, true, from, rule, out),
            Opt(piece) => self.choose(std::slice::from_ref(*piece), true, from, rule, out),
            Star(piece) => {
                let at = self.state(Role::Start, rule);
                self.edge(from, Edge::Free(at));
                let first = self.state(Role::Plain, rule);
                let back = self.state(Role::LoopBack, rule);
                let end = self.state(Role::Plain, rule);
                self.edge(at, Edge::Free(first));
                self.edge(at, Edge::Free(end));
                let mut body = Vec::new();
                let last = self.build(piece, first, rule, &mut body);
                self.edge(last, Edge::Free(back));
                self.edge(back, Edge::Free(at));
                out.push(Node::Loop {
                    at,
                    back,
                    body,
                    at_least_once: false,
                });
                end
            }
            Plus(piece) => {
                let at = self.state(Role::Start, rule);
                self.edge(from, Edge::Free(at));
                let first = self.state(Role::Plain, rule);
                let back = self.state(Role::LoopBack, rule);
                let end = self.state(Role::Plain, rule);
                self.edge(at, Edge::Free(first));
                let mut body = Vec::new();
                let last = self.build(piece, first, rule, &mut body);
                self.edge(last, Edge::Free(back));
                self.edge(back, Edge::Free(at));
                self.edge(back, Edge::Free(end));
                out.push(Node::Loop {
                    at,
                    back,
                    body,
                    at_least_once: true,
                });
                end
            }
        }
    }

    fn take(&mut self, kinds: Kinds, from: usize, rule: usize, out: &mut Vec<Node>) -> usize {
        let to = self.state(Role::Plain, rule);
        self.edge(from, Edge::Take(kinds, to));
        out.push(Node::Take(from, kinds));
        to
    }

    fn choose(
        &mut self,
        pieces: &'static [Piece],
        optional: bool,
        from: usize,
        rule: usize,
        out: &mut Vec<Node>,
    ) -> usize {
        let at = self.state(Role::Start, rule);
        self.edge(from, Edge::Free(at));
        let end = self.state(Role::Plain, rule);
        let mut ways = Vec::new();
        for piece in pieces {
            let first = self.state(Role::Plain, rule);
            self.edge(at, Edge::Free(first));
            let mut way = Vec::new();
            let last = self.build(piece, first, rule, &mut way);
            self.edge(last, Edge::Free(end));
            ways.push(way);
        }
        if optional {
            self.edge(at, Edge::Free(end));
        }
        out.push(Node::Choose { at, ways, optional });
        end
    }
}
