//! `decide`: may whoever presented this token do this, and on whose behalf?

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use deputize::Request;
use deputize::decision::Decision;
use serde_json::json;

use crate::answer::{Answer, Status};
use crate::clock::ClockArgs;
use crate::fault::{Failure, Fault};
use crate::input::{self, SnapshotArgs};
use crate::presented::ProofArgs;
use crate::setting::SettingArgs;
use crate::{ruling, verify};

/// Say whether an agent may do something, on whose behalf, and why
///
/// What the subject may, what the current actor may, and what the token's
/// scopes cover: all are needed. Every failure denies with a reason. Exit
/// status: 0 allowed, 1 denied, 2 no answer (which denies).
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("who").required(true).args(["tokens", "subject"]))]
#[command(after_help = "\
Examples:
  deputize decide can_read document:42 --token token.jwt -s policy.json
  deputize decide can_read document:42 --token - -s policy.json < token.jwt
  deputize decide can_change_limit account:carla --token token.jwt -s policy.json --context '{\"amount\": 500}'
  deputize decide can_read document:42 --as user:anne --actor agent:triage -s policy.json
  deputize decide can_read document:42 --token login.jwt --token agent.jwt -s policy.json --record audit.jsonl")]
pub(crate) struct DecideArgs {
    /// What is asked: a relation, a permission, or a colon action.
    action: String,
    /// On what: `type:id`, or a path.
    resource: String,
    /// The token: a file, `-` for standard input, or the token itself. Given
    /// again, oldest first: tokens that prove a chain, one a hop.
    #[arg(short, long = "token", value_name = "TOKEN")]
    tokens: Vec<String>,
    /// Without a token, on your word: the subject, `type:id`.
    #[arg(long = "as", value_name = "PRINCIPAL")]
    subject: Option<String>,
    /// Who acts for it, `type:id`. Given again: each acts for the one before.
    #[arg(long = "actor", value_name = "PRINCIPAL", requires = "subject")]
    actors: Vec<String>,
    /// Who is asked: the token must be for this audience.
    #[arg(short, long, conflicts_with = "subject")]
    audience: Option<String>,
    /// Append the audit record to a file, as one line of JSON.
    #[arg(short, long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    clock: ClockArgs,
    #[command(flatten)]
    proofs: ProofArgs,
    #[command(flatten)]
    setting: SettingArgs,
}

/// Answers `decide`.
pub(crate) fn decide(args: &DecideArgs) -> Result<Answer, Failure> {
    let standing = |token: &String| ("a token", token == "-");
    let mut takers: Vec<(&str, bool)> = args.tokens.iter().map(standing).collect();
    takers.push(("the snapshot", args.snapshot.is_stdin()));
    takers.push(("a proof", args.proofs.is_stdin()));
    input::share_stdin(&takers)?;
    let loaded = args.snapshot.load()?;
    let policy = &loaded.policy;
    let decision = args.ask(policy)?;
    if let Some(path) = &args.record {
        // An answer that is not on record is none.
        input::append_line(path, &decision.record.to_canonical())?;
    }
    let mut document = serde_json::to_value(&decision)
        .map_err(|error| Fault::new("internal", error.to_string()))?;
    if let Some(members) = document.as_object_mut() {
        members.insert("hops".to_owned(), json!(policy.hops(&decision.record)));
    }
    Ok(Answer {
        text: ruling::verdict(&decision) + &ruling::draw(policy, &decision),
        document,
        status: Status::of(decision.allowed),
        ..Answer::default()
    })
}

impl DecideArgs {
    fn ask(&self, policy: &deputize::Policy) -> Result<Decision, Failure> {
        let said = self.setting.read()?;
        let request = Request::at(self.clock.now()).setting(said.setting());
        if let Some(subject) = &self.subject {
            let mut chain = vec![subject.as_str()];
            chain.extend(self.actors.iter().map(String::as_str));
            let request = request.on_behalf_of(&chain);
            return Ok(policy.decide(&request, &self.action, &self.resource));
        }
        let tokens = verify::read_all(&self.tokens)?;
        let proofs = self.proofs.read()?;
        let options = proofs.options(self.audience.as_deref());
        let request = verify::with_tokens(request, &tokens).presented(options);
        Ok(policy.decide(&request, &self.action, &self.resource))
    }
}
