//! Pages: a search's results, a part at a time.
//!
//! A token says after which result the next page begins and to which request it
//! belongs. It is opaque by agreement, not secret, and gives nothing: each page
//! is found anew and cut. Results come in one order, so that a page that begins
//! after a name skips and repeats nothing when the snapshot has changed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::error::{RequestError, RequestFault};
use super::request::{Place, Wanted, shape};
use crate::canonical;

/// Which part of the results an answer holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Page {
    /// The token of the next page; empty on the last.
    pub next_token: String,
    /// How many results there are on this page.
    pub count: usize,
    /// How many there are on all.
    pub total: usize,
}

/// Which part of the results is asked for.
pub(super) struct Cut {
    /// The request that this is a page of.
    of: String,
    limit: Option<u64>,
    after: Option<String>,
}

/// What a token holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    of: String,
    limit: Option<u64>,
    after: Option<String>,
}

/// The members that a search's results depend on.
const ASKED: [&str; 4] = ["subject", "action", "resource", "context"];

impl Cut {
    pub(super) fn read(root: &Place<'_>, wanted: Wanted) -> Result<Self, RequestError> {
        let mut asked = format!("{wanted:?}");
        for name in ASKED {
            asked.push(' ');
            canonical::write(root.get(name).unwrap_or(&Value::Null), 0, &mut asked);
        }
        let digest = Sha256::digest(asked.as_bytes());
        let of = URL_SAFE_NO_PAD.encode(digest.get(..12).unwrap_or_default());
        let mut cut = Self {
            of,
            limit: None,
            after: None,
        };
        let Some(page) = root.object("page")? else {
            return Ok(cut);
        };
        // What might sort or filter is not supported; none is declared.
        page.properties()?;
        if let Some(limit) = page.get("limit") {
            let expected = "a whole number that is not negative";
            let limit = limit.as_u64().ok_or_else(|| shape("/page/limit", expected));
            cut.limit = Some(limit?);
        }
        // What the last page ended with: an empty token asks for the first.
        let token = match page.get("token") {
            None => "",
            Some(_) => page.text("token")?,
        };
        if !token.is_empty() {
            let refused = || RequestError::new("/page/token", RequestFault::PageToken);
            let token = URL_SAFE_NO_PAD.decode(token).ok();
            let token = token.and_then(|text| serde_json::from_slice::<Token>(&text).ok());
            let token = token.ok_or_else(refused)?;
            if token.of != cut.of || cut.limit.is_some_and(|own| Some(own) != token.limit) {
                return Err(refused());
            }
            cut.limit = token.limit;
            cut.after = token.after;
        }
        Ok(cut)
    }

    /// Cuts the page out of all results, which are sorted.
    pub(super) fn apply(self, results: Vec<String>) -> (Vec<String>, Page) {
        let total = results.len();
        let start = match &self.after {
            Some(after) => results.partition_point(|name| name <= after),
            None => 0,
        };
        let left = total.saturating_sub(start);
        let limit = self.limit.map(|limit| usize::try_from(limit).ok());
        let count = limit.flatten().map_or(left, |limit| limit.min(left));
        let kept: Vec<String> = results.into_iter().skip(start).take(count).collect();
        let mut page = Page {
            next_token: String::new(),
            count,
            total,
        };
        if count < left {
            let token = Token {
                of: self.of,
                limit: self.limit,
                after: kept.last().cloned().or(self.after),
            };
            let text = serde_json::to_vec(&token).unwrap_or_default();
            page.next_token = URL_SAFE_NO_PAD.encode(text);
        }
        (kept, page)
    }
}
