//! Disagreements that were found, kept as files and replayed.

use crate::differential::{Verdict, judge_with};
use crate::dsl;
use crate::fga::Fga;
use crate::generate::{self, Shape};
use crate::shrink::{Small, shrink};
use crate::store::{Answer, Ask, Round, Store, Tuple};
use crate::tally::{Difference, Ours};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A kept case.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// What it shows.
    pub note: String,
    /// DSL text, by lines.
    pub model: Vec<String>,
    /// The store's tuples.
    #[serde(default)]
    pub tuples: Vec<Tuple>,
    /// The request's tuples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contextual: Vec<Tuple>,
    /// The request's tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The request's context.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
    /// The question.
    pub ask: Ask,
    /// The right answer.
    pub expected: Expected,
    /// OpenFGA's answer, where it is another one; the note says why it is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openfga: Option<Expected>,
}

/// An answer in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// Of a check.
    Allowed(bool),
    /// Of a list.
    Listed(BTreeSet<String>),
    /// A refusal, with OpenFGA's number for its kind.
    Failed(u32),
}

impl From<&Answer> for Expected {
    fn from(answer: &Answer) -> Expected {
        match answer {
            Answer::Allowed(allowed) => Expected::Allowed(*allowed),
            Answer::Listed(names) => Expected::Listed(names.clone()),
            Answer::Failed(code, _) => Expected::Failed(*code),
        }
    }
}

/// Where the cases lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("cases")
        .join("differential")
}

/// The cases, by file name.
pub fn all() -> Vec<(String, Kept)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect()
        })
        .unwrap_or_default();
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let kept = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            kept,
        )
    };
    files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(read)
        .collect()
}

impl Kept {
    /// A case of a check, whose right answer is given as text.
    pub fn of(small: &Small, ask: &Ask, expected: &str, note: &str) -> Kept {
        let expected = match expected {
            "true" => Expected::Allowed(true),
            "false" => Expected::Allowed(false),
            _ => Expected::Failed(2000),
        };
        Kept {
            note: note.into(),
            model: dsl::write(&small.store.model)
                .lines()
                .map(str::to_owned)
                .collect(),
            tuples: small.store.tuples.clone(),
            contextual: small.round.contextual.clone(),
            tenant: small.round.tenant.clone(),
            context: small.round.context.clone(),
            ask: ask.clone(),
            expected,
            openfga: None,
        }
    }

    /// The store and the round.
    ///
    /// # Errors
    /// The model is refused.
    pub fn small(&self) -> Result<Small, String> {
        let model = deputize::model::load(&self.model.join("\n"))
            .map_err(|errors| format!("{errors:?}"))?;
        let (context, contextual) = (self.context.clone(), self.contextual.clone());
        Ok(Small {
            store: Store {
                model,
                tuples: self.tuples.clone(),
            },
            round: Round {
                tenant: self.tenant.clone(),
                context,
                contextual,
                asks: vec![self.ask.clone()],
            },
        })
    }
}

/// Makes a disagreement small and writes it to a file.
///
/// # Errors
/// It could not be reproduced, or not be written.
pub fn keep(
    fga: &Fga,
    difference: &Difference,
    shape: Shape,
    ours: Ours<'_>,
) -> Result<PathBuf, String> {
    let case = generate::case(difference.seed, shape);
    let round = case
        .rounds
        .get(difference.round)
        .ok_or("there is no such round")?
        .clone();
    let round = Round {
        asks: vec![difference.ask.clone()],
        ..round
    };
    let answers = |small: &Small| {
        let theirs = fga
            .answer(&small.store, std::slice::from_ref(&small.round))
            .ok()?
            .pop()?
            .pop()?;
        Some((theirs, ours(&small.store, &small.round, small.ask())?))
    };
    let differs = |small: &Small| {
        answers(small).is_some_and(|(theirs, ours)| {
            let (store, round) = (&small.store, &small.round);
            judge_with(fga, store, round, small.ask(), &theirs, &ours) == Verdict::Different
        })
    };
    let small = Small {
        store: case.store,
        round,
    };
    if !differs(&small) {
        return Err("asked again, it does not differ".into());
    }
    let small = shrink(small, 300, differs);
    let (theirs, ours) = answers(&small).ok_or("asked again, there is no answer")?;
    let kept = Kept {
        note: format!("Found from seed {}: ours was {ours}.", difference.seed),
        model: dsl::write(&small.store.model)
            .lines()
            .map(str::to_owned)
            .collect(),
        tuples: small.store.tuples.clone(),
        contextual: small.round.contextual.clone(),
        tenant: small.round.tenant.clone(),
        context: small.round.context.clone(),
        ask: small.ask().clone(),
        expected: Expected::from(&theirs),
        openfga: None,
    };
    std::fs::create_dir_all(folder()).map_err(|error| error.to_string())?;
    let path = (0..)
        .map(|number| folder().join(format!("seed-{}-{number}.json", difference.seed)))
        .find(|path| !path.exists())
        .ok_or("every name is taken")?;
    let text = serde_json::to_string_pretty(&kept).map_err(|error| error.to_string())?;
    std::fs::write(&path, text + "\n").map_err(|error| error.to_string())?;
    Ok(path)
}

impl From<&Expected> for Answer {
    fn from(expected: &Expected) -> Answer {
        match expected {
            Expected::Allowed(allowed) => Answer::Allowed(*allowed),
            Expected::Listed(names) => Answer::Listed(names.clone()),
            Expected::Failed(code) => Answer::Failed(*code, String::new()),
        }
    }
}
