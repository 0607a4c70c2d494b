//! The command line: what may be asked, and who answers it.

use clap::{Parser, Subcommand, ValueEnum};

use crate::answer::Answer;
use crate::fault::Failure;
use crate::{check, compile, completions, demo, expand, filter, import, lint, list, model, test};
use crate::{decide, exchange, grant, inspect, keys, replay, token, verify};

/// May this agent do this, and on whose behalf?
///
/// Answers from a snapshot of policy data: locally, without a server, and the
/// same everywhere.
#[derive(Debug, Parser)]
#[command(name = "deputize", version, propagate_version = true)]
#[command(after_help = "\
Exit status: 0 allowed or done, 1 denied or failed, 2 no answer (an error denies).

Examples:
  deputize check user:anne can_read document:1 -s policy.json
  deputize explain user:bob can_read document:1 -s store.fga.yaml
  deputize filter user:anne can_read -s policy.json < ids.txt
  deputize decide can_read document:1 --token token.jwt -s policy.json
  deputize test stores/*.fga.yaml")]
pub(crate) struct Cli {
    /// Answer with one JSON document on standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,

    #[command(subcommand)]
    command: Command,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Explain(check::ExplainArgs),
    Filter(filter::FilterArgs),
    ListObjects(list::ListObjectsArgs),
    ListUsers(list::ListUsersArgs),
    Expand(expand::ExpandArgs),
    Inspect(inspect::InspectArgs),
    Verify(verify::VerifyArgs),
    Decide(decide::DecideArgs),
    Replay(replay::ReplayArgs),
    Exchange(exchange::ExchangeArgs),
    Grant(grant::GrantArgs),
    Token(token::TokenArgs),
    Keys(keys::KeysArgs),
    Test(test::TestArgs),
    Lint(lint::LintArgs),
    #[command(subcommand)]
    Import(import::ImportCommand),
    Compile(compile::CompileArgs),
    #[command(subcommand)]
    Model(model::ModelCommand),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
}

/// Runs what the command line asks for.
pub(crate) fn run(cli: Cli) -> Result<Answer, Failure> {
    match cli.command {
        Command::Check(args) => check::check(&args),
        Command::Explain(args) => check::explain(&args),
        Command::Filter(args) => filter::filter(&args),
        Command::ListObjects(args) => list::list_objects(&args),
        Command::ListUsers(args) => list::list_users(&args),
        Command::Expand(args) => expand::expand(&args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Decide(args) => decide::decide(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Exchange(args) => exchange::exchange(&args),
        Command::Grant(args) => grant::grant(&args),
        Command::Token(args) => token::token(&args),
        Command::Keys(args) => keys::keys(&args),
        Command::Test(args) => test::test(&args),
        Command::Lint(args) => lint::lint(&args),
        Command::Import(command) => import::run(&command),
        Command::Compile(args) => compile::compile(&args),
        Command::Model(command) => model::run(&command),
        Command::Demo(args) => demo::demo(&args),
        Command::Completions(args) => completions::completions(&args),
    }
}
