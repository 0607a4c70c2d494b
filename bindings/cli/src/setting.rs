//! What a host says about a request that comes with a token. Tuples, tenants
//! and values for conditions give rights, so none of it is the caller's word.

use clap::Args;
use deputize::Tuple;
use deputize::request::Setting;
use deputize::scope::ScopeSet;
use serde_json::{Map, Value};

use crate::fault::{Failure, Fault};
use crate::question;

/// What a host says about a request.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Request")]
pub(crate) struct SettingArgs {
    /// The tenant. Where the token names one, it must be the same.
    #[arg(long)]
    tenant: Option<String>,
    /// The task, `type:id`: what it holds constrains too.
    #[arg(long)]
    task: Option<String>,
    /// Values for conditions: a JSON object, or `@FILE` that holds one.
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
    /// A contextual tuple, "user relation object" or a JSON object; `@FILE`
    /// reads many (JSON, YAML or CSV). May be given again.
    #[arg(long = "tuple", value_name = "TUPLE")]
    tuples: Vec<String>,
    /// Scopes that narrow beside the token's.
    #[arg(long, value_name = "SCOPES")]
    narrow: Option<String>,
}

/// The same, read.
pub(crate) struct Said<'a> {
    args: &'a SettingArgs,
    context: Option<Map<String, Value>>,
    tuples: Vec<Tuple>,
    scopes: Option<ScopeSet>,
}

impl SettingArgs {
    /// Reads what it names.
    pub(crate) fn read(&self) -> Result<Said<'_>, Failure> {
        let context = match &self.context {
            None => None,
            Some(text) => Some(question::read_context(text)?),
        };
        let scopes = match &self.narrow {
            None => None,
            Some(text) => Some(ScopeSet::parse(text).map_err(|error| {
                Failure::from(Fault::new(error.code(), format!("--narrow: {error}")))
            })?),
        };
        Ok(Said {
            args: self,
            context,
            tuples: question::read_tuples(&self.tuples)?,
            scopes,
        })
    }
}

impl Said<'_> {
    /// As the core takes it.
    pub(crate) fn setting(&self) -> Setting<'_> {
        Setting {
            tenant: self.args.tenant.as_deref(),
            task: self.args.task.as_deref(),
            tuples: &self.tuples,
            context: self.context.as_ref(),
            fixed_context: None,
            scopes: self.scopes.as_ref(),
        }
    }
}
