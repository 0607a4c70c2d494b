//! `verify`: whose token this is, or why it counts for nothing.

use clap::Args;
use deputize::scope::ScopeSet;
use deputize::time::UnixSeconds;
use deputize::{Caller, Denial, Request};
use serde_json::{Value, json};

use crate::answer::{Answer, Status};
use crate::clock::ClockArgs;
use crate::date;
use crate::fault::Failure;
use crate::input::{self, SnapshotArgs};
use crate::paint::{BAD, FAINT, GOOD, STRONG, paint, printable};
use crate::presented::{self, ProofArgs};
use crate::setting::SettingArgs;

/// Verify a token, and say who calls and on whose behalf
///
/// Checks the token against the snapshot's issuers, then identity, chain,
/// tenant and hops. Several tokens, oldest first, prove a chain one hop each.
/// Exit status: 0 verified, 1 refused, 2 no answer (which refuses).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize verify token.jwt -s policy.json --audience https://api.example
  deputize verify -s policy.json < token.jwt
  deputize verify login.jwt coordinator.jwt documents.jwt -s policy.json
  deputize verify token.jwt -s policy.json --dpop proof.jwt --dpop-method GET --dpop-uri https://api.example/1")]
pub(crate) struct VerifyArgs {
    /// The token: a file, `-` for standard input, or the token itself.
    #[arg(value_name = "TOKEN", default_value = "-")]
    tokens: Vec<String>,
    /// Who is asked: the token must be for this audience, and not only for one
    /// that its issuer's tokens may have.
    #[arg(short, long)]
    audience: Option<String>,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    clock: ClockArgs,
    #[command(flatten)]
    proofs: ProofArgs,
    #[command(flatten)]
    setting: SettingArgs,
}

/// Answers `verify`.
pub(crate) fn verify(args: &VerifyArgs) -> Result<Answer, Failure> {
    let standing = |token: &String| ("a token", token == "-");
    let mut takers: Vec<(&str, bool)> = args.tokens.iter().map(standing).collect();
    takers.push(("the snapshot", args.snapshot.is_stdin()));
    takers.push(("a proof", args.proofs.is_stdin()));
    input::share_stdin(&takers)?;
    let loaded = args.snapshot.load()?;
    let tokens = read_all(&args.tokens)?;
    let proofs = args.proofs.read()?;
    let said = args.setting.read()?;
    let now = args.clock.now();
    let options = proofs.options(args.audience.as_deref());
    let policy = &loaded.policy;
    let request = Request::at(now).setting(said.setting());
    let verified = policy.admit(&with_tokens(request, &tokens).presented(options));
    Ok(match verified {
        Ok(caller) => Answer {
            text: draw(&caller, now),
            document: document(&caller),
            ..Answer::default()
        },
        Err(denial) => Answer {
            text: refusal(&denial),
            document: json!({
                "verified": false,
                "reason": denial.code(),
                "message": denial.message,
                "revision": policy.revision(),
            }),
            status: Status::Deny,
            ..Answer::default()
        },
    })
}

/// A request with these tokens. One says by itself what led to it.
pub(crate) fn with_tokens<'a>(request: Request<'a>, tokens: &'a [Vec<u8>]) -> Request<'a> {
    match tokens {
        [token] => request.token(token),
        tokens => request.tokens(&tokens.iter().collect::<Vec<_>>()),
    }
}

/// Reads tokens, oldest first.
pub(crate) fn read_all(arguments: &[String]) -> Result<Vec<Vec<u8>>, Failure> {
    let numbered = arguments.iter().zip(1..);
    numbered
        .map(|(argument, number)| {
            let what = match arguments.len() {
                1 => "the token".to_owned(),
                _ => format!("token {number}"),
            };
            presented::read(argument, &what)
        })
        .collect()
}

/// A denial in one line.
pub(crate) fn refusal(denial: &Denial) -> String {
    let label = paint(BAD.bold(), "deny");
    let code = paint(FAINT, format_args!("[{}]", denial.code()));
    format!("{label}: {} {code}\n", printable(&denial.message))
}

/// A chain in one line.
pub(crate) fn spell_chain<'a>(principals: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = principals.map(printable).collect();
    names.join(" → ")
}

/// A token's scopes as one text.
pub(crate) fn spell_scopes(caller: &Caller) -> Option<String> {
    let set = ScopeSet::from_claims(caller.scopes()?).ok()??;
    Some(printable(&set.to_string()))
}

fn draw(caller: &Caller, now: UnixSeconds) -> String {
    let inputs = caller.inputs();
    let (subject, actor) = (caller.subject(), caller.actor());
    let label = paint(GOOD.bold(), "verified");
    let who = match subject == actor {
        true => format!("{} for itself", printable(subject)),
        false => format!("{} for {}", printable(actor), printable(subject)),
    };
    let mut out = format!("{label}: {}\n", paint(STRONG, who));
    let mut line = |name: &str, text: String| {
        out.push_str(&format!("  {} {text}\n", paint(FAINT, format!("{name:9}"))));
    };
    line("subject", known(caller, 0));
    if subject != actor {
        line("actor", known(caller, caller.chain().len() - 1));
        let principals = caller.chain().iter().map(|p| p.principal.as_str());
        line("chain", spell_chain(principals));
    }
    let scopes = match (spell_scopes(caller), inputs.scopes_required) {
        (Some(scopes), _) if !scopes.is_empty() => scopes,
        (Some(_), _) | (None, true) => "none, which covers nothing".to_owned(),
        (None, false) => "none that narrow".to_owned(),
    };
    line("scopes", scopes);
    line(
        "tenant",
        caller.tenant().map_or("none".to_owned(), printable),
    );
    if !inputs.tasks.is_empty() {
        line("task", printable(&inputs.tasks.join(", ")));
    }
    if let Some(until) = inputs.until {
        line("until", date::both(until, now));
    }
    if let Some(fresh) = caller
        .fresh_until()
        .filter(|fresh| Some(*fresh) != inputs.until)
    {
        line("fresh", format!("until {}", date::both(fresh, now)));
    }
    if let Some(token) = &inputs.token {
        let id = token.id.as_deref().map(printable);
        let id = id.map_or("without an id".to_owned(), |id| format!("with the id {id}"));
        let (issuer, kid) = (printable(&token.issuer), printable(&token.kid));
        line("token", format!("of {issuer}, key {kid}, {id}"));
    }
    if let Some(used) = caller.dpop() {
        let id = printable(&used.id);
        line("proof", format!("DPoP {id}: accept it once"));
    }
    out
}

/// A party, and who it is to its issuer.
fn known(caller: &Caller, place: usize) -> String {
    let Some(party) = caller.chain().get(place) else {
        return String::new();
    };
    let principal = printable(&party.principal);
    match (&party.subject, &party.issuer) {
        (Some(subject), Some(issuer)) => {
            let (subject, issuer) = (printable(subject), printable(issuer));
            let said = paint(FAINT, format_args!("({subject} of {issuer})"));
            format!("{principal} {said}")
        }
        _ => principal,
    }
}

fn document(caller: &Caller) -> Value {
    let inputs = caller.inputs();
    let dpop = caller.dpop().map(
        |used| json!({"id": used.id, "issued_at": used.issued_at, "thumbprint": used.thumbprint}),
    );
    json!({
        "verified": true,
        "subject": caller.subject(),
        "actor": caller.actor(),
        "chain": caller.chain(),
        "scopes": caller.scopes(),
        "tenant": caller.tenant(),
        "tasks": inputs.tasks,
        "until": inputs.until,
        "fresh_until": caller.fresh_until(),
        "token": inputs.token,
        "dpop": dpop,
        "revision": caller.policy().revision(),
    })
}
