//! `completions`: what a shell needs to complete our command lines.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use crate::answer::Answer;
use crate::command::Cli;
use crate::fault::{Failure, Fault};

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize completions bash > ~/.local/share/bash-completion/completions/deputize
  deputize completions zsh > ~/.zfunc/_deputize
  deputize completions fish > ~/.config/fish/completions/deputize.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Answers `completions`.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Answer, Failure> {
    let mut bytes = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "deputize", &mut bytes);
    let text =
        String::from_utf8(bytes).map_err(|error| Fault::new("internal", error.to_string()))?;
    Ok(Answer {
        document: json!({ "shell": args.shell.to_string(), "script": text }),
        text,
        ..Answer::default()
    })
}
