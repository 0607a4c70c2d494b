//! The compiled form: a policy as a file that opens without parsing.
//!
//! ```text
//! magic "DEPUTIZE"            8 bytes
//! version                     u32
//! number of sections          u32
//! checksum of all that follows u64 (xxh3)
//! section lengths             u64 each
//! sections                    each padded to 8 bytes
//! ```
//! All numbers are little-endian. The first section is the snapshot without
//! its tuples, as JSON; the others are the tables as they lie in memory.

use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use crate::canonical;
use crate::snapshot::{LimitsRecord, Snapshot, SnapshotError};

use super::build;
use super::directory::Directory;
use super::graph::Graph;
use super::guard::GuardTable;
use super::names::Names;
use super::plan::Plan;
#[cfg(feature = "tokens")]
use super::trust::Trust;
use super::{Corrupt, Inner, TypeRanges, Warning};

const MAGIC: &[u8; 8] = b"DEPUTIZE";
const VERSION: u32 = 3;
const SECTIONS: usize = 11;
const HEADER: usize = 24;

/// Why a file is not opened as a compiled policy.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CompiledError {
    /// It does not begin as a compiled policy does.
    Foreign,
    /// It was written by another version of the format.
    Version {
        /// The version found.
        found: u32,
    },
    /// It is shorter than it says.
    Truncated,
    /// Its checksum does not fit its bytes.
    Checksum,
    /// Its parts do not hold together.
    Corrupt {
        /// Which part.
        part: &'static str,
    },
    /// Its snapshot part is refused.
    Snapshot(Box<SnapshotError>),
}

impl CompiledError {
    /// A stable name for the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Foreign => "compiled.foreign",
            Self::Version { .. } => "compiled.version",
            Self::Truncated => "compiled.truncated",
            Self::Checksum => "compiled.checksum",
            Self::Corrupt { .. } => "compiled.corrupt",
            Self::Snapshot(error) => error.code(),
        }
    }
}

impl fmt::Display for CompiledError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("this is not a compiled policy"),
            Self::Version { found } => write!(
                f,
                "the compiled policy has version `{found}`; `{VERSION}` is read here: compile it again"
            ),
            Self::Truncated => f.write_str("the compiled policy is cut off"),
            Self::Checksum => {
                f.write_str("the compiled policy is damaged: its checksum does not fit")
            }
            Self::Corrupt { part } => {
                write!(
                    f,
                    "the compiled policy is damaged: its {part} do not hold together"
                )
            }
            Self::Snapshot(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for CompiledError {}

impl From<Corrupt> for CompiledError {
    fn from(Corrupt(part): Corrupt) -> Self {
        Self::Corrupt { part }
    }
}

/// A guard as the file holds it.
#[derive(Serialize, Deserialize)]
struct GuardRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    condition: Option<u32>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    context: String,
}

/// A warning as the file holds it.
#[derive(Serialize, Deserialize)]
struct WarningRecord {
    code: String,
    pointer: String,
    subject: String,
}

pub(super) fn write(policy: &Inner) -> Vec<u8> {
    image(policy, &policy.warnings)
}

/// SHA-256 of the compiled form without its warnings: they point into the
/// snapshot as it was written, and change nothing.
pub(super) fn digest(policy: &Inner) -> [u8; 32] {
    Sha256::digest(image(policy, &[])).into()
}

fn image(policy: &Inner, noted: &[Warning]) -> Vec<u8> {
    let (text, ends, slots, seed) = policy.names.parts();
    let graph = &policy.graph;
    let pairs =
        |p: &[[u32; 2]]| -> Vec<u8> { p.iter().flatten().flat_map(|n| n.to_le_bytes()).collect() };
    let words = |w: &[u32]| -> Vec<u8> { w.iter().flat_map(|n| n.to_le_bytes()).collect() };
    let sections: [Vec<u8>; SECTIONS] = [
        head(policy),
        guards(&policy.guards),
        warnings(noted),
        text.as_bytes().to_vec(),
        words(ends),
        pairs(slots),
        words(&graph.objects),
        words(&graph.rows),
        pairs(&graph.usersets),
        words(&graph.reverse),
        pairs(&graph.reverse_edges),
    ];
    let mut body = seed.to_le_bytes().to_vec();
    for section in &sections {
        body.extend((section.len() as u64).to_le_bytes());
    }
    for section in &sections {
        body.extend(section);
        body.resize(body.len().next_multiple_of(8), 0);
    }
    let mut out = Vec::with_capacity(HEADER + body.len());
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend((SECTIONS as u32).to_le_bytes());
    out.extend(xxh3_64(&body).to_le_bytes());
    out.extend(body);
    out
}

fn head(policy: &Inner) -> Vec<u8> {
    let limits = policy.limits;
    let mut snapshot = policy.sections.clone();
    snapshot.limits = LimitsRecord {
        steps: Some(limits.steps),
        call_steps: Some(limits.call_steps),
        depth: limits.depth,
        condition_cost: limits.condition_cost,
    };
    // Shapes made of strings and numbers always serialise.
    canonical::to_text(&snapshot).into_bytes()
}

fn guards(table: &GuardTable) -> Vec<u8> {
    let records: Vec<_> = table
        .guards
        .iter()
        .map(|g| GuardRecord {
            tenant: g.tenant.clone(),
            condition: g.condition.as_ref().map(|c| c.index),
            context: g
                .condition
                .as_ref()
                .map_or(String::new(), |c| c.source.clone()),
        })
        .collect();
    serde_json::to_vec(&records).unwrap_or_default()
}

fn warnings(warnings: &[Warning]) -> Vec<u8> {
    let records: Vec<_> = warnings
        .iter()
        .map(|w| WarningRecord {
            code: w.code.to_owned(),
            pointer: w.pointer.clone(),
            subject: w.subject.clone(),
        })
        .collect();
    serde_json::to_vec(&records).unwrap_or_default()
}

pub(super) fn read(bytes: &[u8]) -> Result<Inner, CompiledError> {
    let Some((magic, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(CompiledError::Foreign);
    };
    if magic != MAGIC {
        return Err(CompiledError::Foreign);
    }
    let mut reader = Reader { rest };
    let version = reader.u32()?;
    if version != VERSION {
        return Err(CompiledError::Version { found: version });
    }
    if reader.u32()? as usize != SECTIONS {
        return Err(CompiledError::Corrupt { part: "sections" });
    }
    let checksum = reader.u64()?;
    if xxh3_64(reader.rest) != checksum {
        return Err(CompiledError::Checksum);
    }
    let seed = reader.u64()?;
    let mut lengths = [0u64; SECTIONS];
    for length in &mut lengths {
        *length = reader.u64()?;
    }
    let mut sections = lengths.into_iter();
    let mut next = || -> Result<&[u8], CompiledError> {
        let length = sections.next().ok_or(CompiledError::Truncated)?;
        reader.section(length)
    };
    let (head, guard_records, warning_records) = (next()?, next()?, next()?);
    let text =
        std::str::from_utf8(next()?).map_err(|_| CompiledError::Corrupt { part: "names" })?;
    let names = Names::from_parts(text.into(), words(next()?)?, pairs(next()?)?, seed)?;
    let graph = Graph {
        objects: words(next()?)?,
        rows: words(next()?)?,
        usersets: pairs(next()?)?,
        reverse: words(next()?)?,
        reverse_edges: pairs(next()?)?,
        guarded: guard_records != b"[]",
    };
    if !reader.rest.is_empty() {
        return Err(CompiledError::Corrupt { part: "sections" });
    }

    let refused = |e: SnapshotError| CompiledError::Snapshot(Box::new(e));
    let snapshot = Snapshot::from_json(head).map_err(refused)?;
    let (model, _) = build::read_model(snapshot.model.as_ref()).map_err(refused)?;
    let plan = Plan::compile(&model);
    let directory = Directory::compile(&snapshot, &model).map_err(refused)?;
    #[cfg(feature = "tokens")]
    let trust = Trust::compile(&snapshot, &plan).map_err(refused)?;
    let mut guards = GuardTable::for_model(&model).map_err(refused)?;
    let records: Vec<GuardRecord> = serde_json::from_slice(guard_records)
        .map_err(|_| CompiledError::Corrupt { part: "guards" })?;
    for (i, record) in records.into_iter().enumerate() {
        let key = (record.tenant, record.condition, record.context);
        guards.bind(&key, i).map_err(refused)?;
    }
    let relations = plan.relations.len() as u32;
    graph.validate(names.len(), relations, guards.guards.len() as u32)?;
    let records: Vec<WarningRecord> = serde_json::from_slice(warning_records)
        .map_err(|_| CompiledError::Corrupt { part: "warnings" })?;
    let warnings = records
        .into_iter()
        .map(|w| Warning {
            code: Warning::known(&w.code),
            pointer: w.pointer,
            subject: w.subject,
        })
        .collect();
    Ok(Inner {
        revision: snapshot.revision.clone().into_owned(),
        issued_at: snapshot.issued_at,
        not_after: snapshot.not_after,
        types: TypeRanges::of(&plan, &names),
        limits: build::limits(&snapshot.limits).map_err(refused)?,
        model,
        plan,
        names,
        graph,
        guards,
        warnings,
        directory,
        #[cfg(feature = "tokens")]
        trust,
        sections: snapshot.without_tuples(),
        digest: OnceLock::new(),
    })
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn u32(&mut self) -> Result<u32, CompiledError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(CompiledError::Truncated)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn u64(&mut self) -> Result<u64, CompiledError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(CompiledError::Truncated)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn section(&mut self, length: u64) -> Result<&'b [u8], CompiledError> {
        let length = usize::try_from(length).map_err(|_| CompiledError::Truncated)?;
        let padded = length
            .checked_next_multiple_of(8)
            .ok_or(CompiledError::Truncated)?;
        let (section, rest) = self
            .rest
            .split_at_checked(padded)
            .ok_or(CompiledError::Truncated)?;
        self.rest = rest;
        section.get(..length).ok_or(CompiledError::Truncated)
    }
}

fn words(bytes: &[u8]) -> Result<Box<[u32]>, CompiledError> {
    let (words, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(CompiledError::Corrupt { part: "sections" });
    }
    Ok(words.iter().map(|w| u32::from_le_bytes(*w)).collect())
}

fn pairs(bytes: &[u8]) -> Result<Box<[[u32; 2]]>, CompiledError> {
    let (pairs, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(CompiledError::Corrupt { part: "sections" });
    }
    Ok(pairs
        .iter()
        .map(|&[a, b, c, d, e, f, g, h]| {
            [
                u32::from_le_bytes([a, b, c, d]),
                u32::from_le_bytes([e, f, g, h]),
            ]
        })
        .collect())
}
