//! `exchange`: the next token of a chain (RFC 8693).

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use deputize::Request;
use deputize::exchange::{Acting, Binding, ExchangeClaims, ExchangeRefusal, Wanted};
use deputize::token::VerifyOptions;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::ClockArgs;
use crate::fault::Failure;
use crate::input::{self, SnapshotArgs};
use crate::presented::{self, ProofArgs};
use crate::refused;
use crate::setting::SettingArgs;
use crate::signing::{Signed, SigningArgs};

/// Exchange a token for the next one of its chain (RFC 8693)
///
/// Prints the claims of the next token: never more than the subject token
/// gave. With --key they are signed, and the token is printed. Exit status: 0
/// done, 1 refused, 2 no answer (which refuses).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize exchange --subject-token login.jwt --actor-token coordinator.jwt -s policy.json
  deputize exchange --subject-token login.jwt --actor agent:coordinator --scope document:read -s policy.json --key key.json > next.jwt
  deputize exchange --subject-token login.jwt --scope document:read -s policy.json   # only narrowed")]
pub(crate) struct ExchangeArgs {
    /// On whose behalf, and what may be handed on: a file, `-`, or the token
    /// itself.
    #[arg(long, value_name = "TOKEN")]
    subject_token: String,
    /// Who is to act, by a token of its own.
    #[arg(long, value_name = "TOKEN")]
    actor_token: Option<String>,
    /// Who is to act, on your word: `type:id`.
    #[arg(long, value_name = "PRINCIPAL", conflicts_with = "actor_token")]
    actor: Option<String>,
    /// The scope that is wanted; without, all that may be handed on.
    #[arg(long)]
    scope: Option<String>,
    /// A resource that the next token is for, an absolute URI. May be given
    /// again.
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,
    /// An audience that the next token is for. May be given again.
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// How long the next token is to live, in seconds.
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
    /// Of a token that is bound to its holder: what the next one is bound to.
    /// Needed where the actor has no token that is bound itself.
    #[arg(long, value_name = "BINDING")]
    binding: Option<BindingArg>,
    /// The audience that the tokens given must be for.
    #[arg(long, value_name = "AUDIENCE")]
    token_audience: Option<String>,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    clock: ClockArgs,
    /// Sign with this development key: a private JWK or PEM, or `-`.
    #[arg(short, long, value_name = "FILE", help_heading = "Signing")]
    key: Option<PathBuf>,
    #[command(flatten)]
    signing: SigningArgs,
    // Of the subject token.
    #[command(flatten)]
    proofs: ProofArgs,
    #[command(flatten)]
    setting: SettingArgs,
}

/// What the next token is bound to.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum BindingArg {
    /// What the subject token is bound to.
    Keep,
    /// Nothing: whoever has it may use it.
    Drop,
}

impl From<BindingArg> for Binding<'_> {
    fn from(binding: BindingArg) -> Self {
        match binding {
            BindingArg::Keep => Self::Keep,
            BindingArg::Drop => Self::Drop,
        }
    }
}

/// Answers `exchange`.
pub(crate) fn exchange(args: &ExchangeArgs) -> Result<Answer, Failure> {
    input::share_stdin(&[
        ("the subject token", args.subject_token == "-"),
        ("the actor token", args.actor_token.as_deref() == Some("-")),
        ("the snapshot", args.snapshot.is_stdin()),
        ("the key", args.key.as_deref().is_some_and(input::is_stdin)),
        ("a proof", args.proofs.is_stdin()),
    ])?;
    let loaded = args.snapshot.load()?;
    let subject_token = presented::read(&args.subject_token, "the subject token")?;
    let actor_token = match &args.actor_token {
        None => None,
        Some(argument) => Some(presented::read(argument, "the actor token")?),
    };
    let proofs = args.proofs.read()?;
    let said = args.setting.read()?;
    let resources: Vec<&str> = args.resource.iter().map(String::as_str).collect();
    let audiences: Vec<&str> = args.audience.iter().map(String::as_str).collect();
    let token_audience = args.token_audience.as_deref();
    let actor = match (&actor_token, &args.actor) {
        (Some(token), _) => Some(Acting::Token {
            token,
            options: VerifyOptions {
                audience: token_audience,
                ..VerifyOptions::default()
            },
        }),
        (None, Some(principal)) => Some(Acting::Principal(principal)),
        (None, None) => None,
    };
    let request = Request::at(args.clock.now())
        .token(&subject_token)
        .presented(proofs.options(token_audience))
        .setting(said.setting());
    let wanted = Wanted {
        actor,
        binding: args.binding.map(Binding::from),
        scope: args.scope.as_deref(),
        resources: &resources,
        audiences: &audiences,
        lifetime: args.expires_in,
    };
    match loaded.policy.exchange(&request, &wanted) {
        Ok(claims) => args.give(&claims),
        Err(refusal) => Ok(refuse(&refusal)),
    }
}

impl ExchangeArgs {
    fn give(&self, next: &ExchangeClaims) -> Result<Answer, Failure> {
        let signed = match &self.key {
            None => None,
            Some(key) => Some(self.signing.sign(key, next.claims.clone())?),
        };
        let mut document = json!({
            "claims": next.claims,
            "chain": next.chain,
            "expires_in": next.expires_in(),
            "scope": next.scope,
        });
        if let (Some(signed), Some(members)) = (&signed, document.as_object_mut()) {
            // RFC 8693 §2.2.1; RFC 9449 §5 for a token that is bound to a key.
            let bound = next.claims.get("cnf").and_then(|cnf| cnf.get("jkt"));
            let token_type = if bound.is_some() { "DPoP" } else { "Bearer" };
            let issued = "urn:ietf:params:oauth:token-type:access_token";
            members.insert("claims".to_owned(), json!(signed.claims));
            members.insert("access_token".to_owned(), json!(signed.token));
            members.insert("issued_token_type".to_owned(), json!(issued));
            members.insert("token_type".to_owned(), json!(token_type));
        }
        Ok(Answer {
            text: spell(signed.as_ref(), &Value::Object(next.claims.clone())),
            document,
            ..Answer::default()
        })
    }
}

fn refuse(refusal: &ExchangeRefusal) -> Answer {
    refused::answer(refusal.oauth_error(), refusal.code(), &refusal.message)
}

/// What goes to standard output: the token, or the claims where none is signed.
pub(crate) fn spell(signed: Option<&Signed>, claims: &Value) -> String {
    match signed {
        Some(signed) => format!("{}\n", signed.token),
        None => format!("{claims:#}\n"),
    }
}
