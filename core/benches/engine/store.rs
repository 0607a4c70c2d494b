//! A generated store: organisations with nested teams, folders and documents.

use std::fmt::Write;

/// The model of the generated store.
pub(crate) const MODEL: &str = "\
model
  schema 1.1
type user
type team
  relations
    define member: [user, team#member]
type folder
  relations
    define parent: [folder]
    define viewer: [user, team#member] or viewer from parent
type document
  relations
    define parent: [folder]
    define owner: [user]
    define viewer: [user, team#member] or owner or viewer from parent
";

/// A small generator of numbers (Steele and Vigna's SplitMix64): the store is
/// the same on every machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// A generated store.
pub(crate) struct Store {
    /// The snapshot document.
    pub(crate) json: String,
    /// How many documents there are: `document:d0` and up.
    pub(crate) documents: usize,
    /// How many users there are: `user:u0` and up.
    pub(crate) users: usize,
}

/// A store of about `size` tuples. Each document is in a folder, each folder is
/// shared with two users and a team, folders nest three deep and teams three.
pub(crate) fn generate(size: usize) -> Store {
    let documents = size / 2;
    let folders = (size / 20).max(4);
    let users = (size / 10).max(10);
    let teams = (size / 100).max(4);
    let mut numbers = Numbers(7);
    let mut tuples = Vec::with_capacity(size);
    let mut tuple = |user: String, relation: &str, object: String| {
        tuples.push(format!(
            "{{\"user\":\"{user}\",\"relation\":\"{relation}\",\"object\":\"{object}\"}}"
        ));
    };
    for user in 0..users {
        tuple(
            format!("user:u{user}"),
            "member",
            format!("team:t{}", numbers.below(teams)),
        );
    }
    for team in 1..teams {
        if team % 4 != 0 {
            tuple(
                format!("team:t{team}#member"),
                "member",
                format!("team:t{}", team - 1),
            );
        }
    }
    for folder in 0..folders {
        if folder % 4 != 0 {
            tuple(
                format!("folder:f{}", folder - 1),
                "parent",
                format!("folder:f{folder}"),
            );
        }
        let team = numbers.below(teams);
        tuple(
            format!("team:t{team}#member"),
            "viewer",
            format!("folder:f{folder}"),
        );
        for _ in 0..2 {
            let user = numbers.below(users);
            tuple(
                format!("user:u{user}"),
                "viewer",
                format!("folder:f{folder}"),
            );
        }
    }
    for document in 0..documents {
        let folder = numbers.below(folders);
        tuple(
            format!("folder:f{folder}"),
            "parent",
            format!("document:d{document}"),
        );
        if document % 3 == 0 {
            let user = numbers.below(users);
            tuple(
                format!("user:u{user}"),
                "owner",
                format!("document:d{document}"),
            );
        }
    }
    let mut json = String::new();
    let model = serde_json::to_string(MODEL).unwrap_or_default();
    let _ = write!(
        json,
        "{{\"deputize\":1,\"revision\":\"1\",\"model\":{model},\"tuples\":["
    );
    json.push_str(&tuples.join(","));
    json.push_str("]}");
    Store {
        json,
        documents,
        users,
    }
}
