//! What can be wrong with a model, and where.
//!
//! The kinds, their wording and their positions are OpenFGA's own, so that a
//! model author sees here what the OpenFGA tools would have said.

use std::fmt;

/// A stretch of one line of DSL text. Lines and columns count from 0, columns
/// in characters; `Display` of [`ModelError`] prints them from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The line, from 0.
    pub line: u32,
    /// The first column, from 0.
    pub start: u32,
    /// The column after the last one. Equal to `start` where nothing in
    /// particular is meant.
    pub end: u32,
}

impl Span {
    /// The same start, with the width of `text`.
    pub(super) fn with_width_of(mut self, text: &str) -> Self {
        let width = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self.end = self.start.saturating_add(width);
        self
    }
}

/// One thing that is wrong with a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelError {
    /// What is wrong.
    pub kind: ErrorKind,
    /// The word or phrase that is meant, as the model spells it. Empty where
    /// there is none.
    pub symbol: String,
    /// Where, in DSL text. `None` for a model that came as JSON.
    pub span: Option<Span>,
    /// Which part of the model it lies in.
    pub part: Box<Part>,
}

/// The part of a model that an error lies in, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// The file, for a model made of modules.
    pub file: Option<String>,
    /// The module.
    pub module: Option<String>,
    /// The type that the error lies in.
    pub type_name: Option<String>,
    /// The relation that the error lies in.
    pub relation: Option<String>,
    /// The condition that the error lies in.
    pub condition: Option<String>,
}

/// What is wrong with a model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text does not follow the grammar.
    Syntax(SyntaxError),
    /// A relation is defined twice in one type.
    RelationRedefined,
    /// A condition is defined twice.
    ConditionRedefined,
    /// A parameter is declared twice in one condition.
    ParameterRedefined,
    /// `extend type` outside a module.
    ExtendOutsideModule,
    /// A module extends the same type twice in one file.
    ExtendedTwice,
    /// Parentheses (or usersets in JSON) nest deeper than the limit.
    TooDeep {
        /// How deep they may nest.
        limit: usize,
    },
    /// A union or an intersection of nothing.
    NoOperands,
    /// The model is larger than is allowed.
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// Checking the model would take more work than is allowed.
    TooIntricate {
        /// How many steps are allowed.
        limit: usize,
    },
    /// No schema version.
    SchemaVersionRequired,
    /// A schema version other than 1.1 and 1.2.
    InvalidSchema,
    /// A type named `self` or `this`.
    ReservedTypeName,
    /// A relation named `self` or `this`.
    ReservedRelationName,
    /// A type's name breaks the naming rule.
    InvalidTypeName,
    /// A relation's name breaks the naming rule.
    InvalidRelationName,
    /// A rewrite names a relation that its type does not define.
    MissingRelation,
    /// A restriction `type#relation`, or the tupleset of `x from tupleset`,
    /// names a relation that the type does not define.
    InvalidRelationType {
        /// The relation that is missing.
        missing: String,
        /// The type that should have defined it.
        on_type: String,
    },
    /// `x from parent`, where no type that `parent` admits defines `x`.
    InvalidRelationOnTupleset {
        /// `x`.
        computed: String,
        /// `parent`.
        tupleset: String,
        /// The type that `parent` admits and that lacks `x`.
        on_type: String,
    },
    /// A restriction names a type that the model does not define.
    InvalidType,
    /// The relation can never hold anyone, or is computed from itself.
    NoEntrypoint {
        /// Computed relations lead into a circle.
        is_loop: bool,
    },
    /// The relation after `from` is not a plain list of object types.
    TuplesetNotDirect,
    /// A type is defined twice.
    DuplicateType,
    /// One restriction is listed twice.
    DuplicateRestriction,
    /// One operand occurs twice in a union, intersection or exclusion.
    DuplicateOperand,
    /// A relation is assignable and admits nobody.
    AssignableWithoutTypes,
    /// One restriction is both a wildcard and a userset.
    WildcardWithRelation,
    /// A restriction names a condition that the model does not define.
    ConditionNotDefined,
    /// No restriction names the condition.
    ConditionNotUsed,
    /// In JSON, a condition's key and its `name` differ.
    ConditionNameDiffers {
        /// The key.
        key: String,
    },
    /// Parts of one file belong to different modules.
    MultipleModulesInFile {
        /// The modules, in the order met.
        modules: Vec<String>,
    },
    /// The DSL has no way to write this relation or parameter.
    NotInDsl,
    /// A file given as a module has no `module` header.
    NotAModule,
    /// A condition of this name came from an earlier module.
    DuplicateCondition,
    /// `extend type` of a type that no module defines.
    ExtendsMissingType,
    /// An extension defines a relation that its type already has.
    RelationExists,
    /// The JSON form has the wrong shape.
    Json {
        /// What is wrong, and what would be right.
        problem: String,
    },
}

/// How text fails to follow the grammar. The wording is that of the parser
/// generator OpenFGA uses, since its test suites compare it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxError {
    /// No token starts with these characters.
    Token {
        /// The characters that were skipped.
        text: String,
    },
    /// A token too many.
    Extraneous {
        /// What could have stood here instead.
        expected: Expected,
    },
    /// A wrong token.
    Mismatched {
        /// What could have stood here instead.
        expected: Expected,
    },
    /// A token too few.
    Missing {
        /// What should have stood here.
        expected: Expected,
    },
    /// No way to go on, judging by more than one token.
    NoAlternative {
        /// The text from where the choice began to the token it failed at.
        input: String,
    },
    /// The text is refused, and the exact reason was not worked out because
    /// it is too large or too intricate.
    Unexplained,
}

/// The tokens that could have come next, as they are shown: `')'`,
/// `IDENTIFIER`, `<EOF>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected(pub Vec<&'static str>);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => f.write_str(one),
            many => write!(f, "{{{}}}", many.join(", ")),
        }
    }
}

/// OpenFGA's naming rule for types.
pub(super) const TYPE_RULE: &str = r"^[^:#@\*\s]{1,254}$";
/// OpenFGA's naming rule for relations.
pub(super) const RELATION_RULE: &str = r"^[^:#@\*\s]{1,50}$";

impl ModelError {
    /// An error of `kind` about `symbol`, to be placed with the builders below.
    pub(super) fn new(kind: ErrorKind, symbol: impl Into<String>) -> Self {
        Self {
            kind,
            symbol: symbol.into(),
            span: None,
            part: Box::default(),
        }
    }

    pub(super) fn at(mut self, span: Option<Span>) -> Self {
        self.span = span;
        self
    }

    pub(super) fn in_type(mut self, name: &str) -> Self {
        self.part.type_name = Some(name.to_owned());
        self
    }

    pub(super) fn in_relation(mut self, name: &str) -> Self {
        self.part.relation = Some(name.to_owned());
        self
    }

    pub(super) fn in_condition(mut self, name: &str) -> Self {
        self.part.condition = Some(name.to_owned());
        self
    }

    pub(super) fn in_file(mut self, file: Option<&str>, module: Option<&str>) -> Self {
        self.part.file = file.map(str::to_owned);
        self.part.module = module.map(str::to_owned);
        self
    }

    /// A stable code: OpenFGA's own name for the kind where it has one.
    pub fn code(&self) -> &'static str {
        match &self.kind {
            ErrorKind::Syntax(_) => "invalid-syntax",
            ErrorKind::RelationRedefined => "relation-redefined",
            ErrorKind::ConditionRedefined => "condition-redefined",
            ErrorKind::ParameterRedefined => "parameter-redefined",
            ErrorKind::ExtendOutsideModule => "extend-outside-module",
            ErrorKind::ExtendedTwice => "extended-twice",
            ErrorKind::TooDeep { .. } => "too-deep",
            ErrorKind::NoOperands => "no-operands",
            ErrorKind::TooLarge { .. } => "too-large",
            ErrorKind::TooIntricate { .. } => "too-intricate",
            ErrorKind::SchemaVersionRequired => "schema-version-required",
            ErrorKind::InvalidSchema => "invalid-schema",
            ErrorKind::ReservedTypeName => "reserved-type-keywords",
            ErrorKind::ReservedRelationName => "reserved-relation-keywords",
            ErrorKind::InvalidTypeName | ErrorKind::InvalidRelationName => "invalid-name",
            ErrorKind::MissingRelation => "missing-definition",
            ErrorKind::InvalidRelationType { .. } => "invalid-relation-type",
            ErrorKind::InvalidRelationOnTupleset { .. } => "invalid-relation-on-tupleset",
            ErrorKind::InvalidType => "invalid-type",
            ErrorKind::NoEntrypoint { .. } => "relation-no-entry-point",
            ErrorKind::TuplesetNotDirect => "tupleuserset-not-direct",
            ErrorKind::DuplicateType
            | ErrorKind::DuplicateRestriction
            | ErrorKind::DuplicateOperand => "duplicated-error",
            ErrorKind::AssignableWithoutTypes => "assignable-relation-must-have-type",
            ErrorKind::WildcardWithRelation => "type-wildcard-relation",
            ErrorKind::ConditionNotDefined => "condition-not-defined",
            ErrorKind::ConditionNotUsed => "condition-not-used",
            ErrorKind::ConditionNameDiffers { .. } => "different-nested-condition-name",
            ErrorKind::MultipleModulesInFile { .. } => "multiple-modules-in-file",
            ErrorKind::NotInDsl => "not-in-dsl",
            ErrorKind::NotAModule => "not-a-module",
            ErrorKind::DuplicateCondition => "duplicate-condition",
            ErrorKind::ExtendsMissingType => "extends-missing-type",
            ErrorKind::RelationExists => "relation-exists",
            ErrorKind::Json { .. } => "invalid-json",
        }
    }

    /// Whether this is a mistake that leaves the model's meaning clear:
    /// OpenFGA's tools report it, and its server takes the model all the same.
    pub fn is_advice(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::ConditionNotUsed
                | ErrorKind::DuplicateRestriction
                | ErrorKind::DuplicateOperand
        )
    }

    /// What is wrong, without the place: OpenFGA's wording where it has one.
    pub fn message(&self) -> String {
        Message(self).to_string()
    }
}

/// The message alone, so that it is written once for `message` and `Display`.
struct Message<'a>(&'a ModelError);

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        let symbol = error.symbol.as_str();
        let type_name = error.part.type_name.as_deref().unwrap_or_default();
        let relation = error.part.relation.as_deref().unwrap_or_default();
        let condition = error.part.condition.as_deref().unwrap_or_default();
        match &error.kind {
            ErrorKind::Syntax(syntax) => write_syntax(f, syntax, symbol),
            ErrorKind::RelationRedefined => {
                write!(f, "'{symbol}' is already defined in '{type_name}'")
            }
            ErrorKind::ConditionRedefined => {
                write!(f, "condition '{symbol}' is already defined in the model")
            }
            ErrorKind::ParameterRedefined => write!(
                f,
                "parameter '{symbol}' is already defined in the condition '{condition}'"
            ),
            ErrorKind::ExtendOutsideModule => {
                f.write_str("extend can only be used in a modular model")
            }
            ErrorKind::ExtendedTwice => write!(f, "'{symbol}' is already extended in file."),
            ErrorKind::TooDeep { limit } => {
                write!(f, "a relation may nest at most {limit} levels deep")
            }
            ErrorKind::NoOperands => write!(
                f,
                "relation `{symbol}` has a union or intersection without operands"
            ),
            ErrorKind::TooLarge { what, limit } => {
                write!(f, "a model may have at most {limit} {what}")
            }
            ErrorKind::TooIntricate { limit } => {
                write!(f, "the model takes more than {limit} steps to check")
            }
            ErrorKind::SchemaVersionRequired => f.write_str("schema version required"),
            ErrorKind::InvalidSchema => write!(f, "invalid schema {symbol}"),
            ErrorKind::ReservedTypeName => f.write_str("a type cannot be named 'self' or 'this'."),
            ErrorKind::ReservedRelationName => {
                f.write_str("a relation cannot be named 'self' or 'this'.")
            }
            ErrorKind::InvalidTypeName => {
                write!(
                    f,
                    "type '{symbol}' does not match naming rule: '{TYPE_RULE}'."
                )
            }
            ErrorKind::InvalidRelationName => write!(
                f,
                "relation '{symbol}' of type '{type_name}' does not match naming rule: '{RELATION_RULE}'."
            ),
            ErrorKind::MissingRelation => write!(f, "the relation `{symbol}` does not exist."),
            ErrorKind::InvalidRelationType { missing, on_type } => {
                write!(f, "`{missing}` is not a valid relation for `{on_type}`.")
            }
            ErrorKind::InvalidRelationOnTupleset {
                computed,
                tupleset,
                on_type,
            } => write!(
                f,
                "the `{computed}` relation definition on type `{type_name}` is not valid: \
                 `{computed}` does not exist on `{tupleset}`, which is of type `{on_type}`."
            ),
            ErrorKind::InvalidType => write!(f, "`{symbol}` is not a valid type."),
            ErrorKind::NoEntrypoint { is_loop } => write!(
                f,
                "`{symbol}` is an impossible relation for `{type_name}` ({}).",
                if *is_loop {
                    "potential loop"
                } else {
                    "no entrypoint"
                }
            ),
            ErrorKind::TuplesetNotDirect => write!(
                f,
                "`{symbol}` relation used inside from allows only direct relation."
            ),
            ErrorKind::DuplicateType => write!(f, "the type `{symbol}` is a duplicate."),
            ErrorKind::DuplicateRestriction => write!(
                f,
                "the type restriction `{symbol}` is a duplicate in the relation `{relation}`."
            ),
            ErrorKind::DuplicateOperand => write!(
                f,
                "the partial relation definition `{symbol}` is a duplicate in the relation `{relation}`."
            ),
            ErrorKind::AssignableWithoutTypes => {
                write!(f, "assignable relation '{symbol}' must have types")
            }
            ErrorKind::WildcardWithRelation => write!(
                f,
                "type restriction `{symbol}` cannot contain both wildcard and relation"
            ),
            ErrorKind::ConditionNotDefined => {
                write!(f, "`{symbol}` is not a defined condition in the model.")
            }
            ErrorKind::ConditionNotUsed => {
                write!(f, "`{symbol}` condition is not used in the model.")
            }
            ErrorKind::ConditionNameDiffers { key } => write!(
                f,
                "condition key is `{key}` but nested name property is {symbol}"
            ),
            ErrorKind::MultipleModulesInFile { modules } => write!(
                f,
                "file {symbol} would contain multiple module definitions ({}) when transforming \
                 to DSL. Only one module can be defined per file.",
                modules.join(", ")
            ),
            ErrorKind::NotInDsl => {
                match (type_name, relation, condition) {
                    (_, "", "") => write!(f, "the name '{symbol}'")?,
                    (_, "", _) if symbol == condition => {
                        write!(f, "the '{condition}' condition definition")?;
                    }
                    (_, "", _) => {
                        write!(f, "the '{symbol}' parameter of the '{condition}' condition")?;
                    }
                    _ => write!(
                        f,
                        "the '{relation}' relation definition under the '{type_name}' type"
                    )?,
                }
                f.write_str(" is not supported by the OpenFGA DSL syntax yet")
            }
            ErrorKind::NotAModule => f.write_str("file is not a module"),
            ErrorKind::DuplicateCondition => write!(f, "duplicate condition {symbol}"),
            ErrorKind::ExtendsMissingType => {
                write!(f, "extended type {symbol} does not exist")
            }
            ErrorKind::RelationExists => {
                write!(f, "relation {symbol} already exists on type {type_name}")
            }
            ErrorKind::Json { problem } => f.write_str(problem),
        }
    }
}

fn write_syntax(f: &mut fmt::Formatter<'_>, syntax: &SyntaxError, symbol: &str) -> fmt::Result {
    match syntax {
        SyntaxError::Token { text } => {
            write!(f, "token recognition error at: '{}'", escaped(text))
        }
        SyntaxError::Extraneous { expected } => {
            write!(
                f,
                "extraneous input '{}' expecting {expected}",
                escaped(symbol)
            )
        }
        SyntaxError::Mismatched { expected } => {
            write!(
                f,
                "mismatched input '{}' expecting {expected}",
                escaped(symbol)
            )
        }
        SyntaxError::Missing { expected } => {
            write!(f, "missing {expected} at '{}'", escaped(symbol))
        }
        SyntaxError::NoAlternative { input } => {
            write!(f, "no viable alternative at input '{}'", escaped(input))
        }
        SyntaxError::Unexplained => f.write_str("the text does not follow the grammar"),
    }
}

/// Line ends and tabs are shown as two characters each.
fn escaped(text: &str) -> String {
    text.replace('\n', "\\n")
        .replace('\r', "\\r")
        .replace('\t', "\\t")
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.part.file {
            write!(f, "{file}: ")?;
        }
        if let Some(span) = self.span {
            write!(f, "line {}, column {}: ", span.line + 1, span.start + 1)?;
        }
        Message(self).fmt(f)
    }
}

impl std::error::Error for ModelError {}
