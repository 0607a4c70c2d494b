//! The next token of a chain: what it may claim, how a chain is proved by its
//! tokens, and where the first one comes from.

mod credentials;
mod lineage;
mod narrowing;
mod refusals;
mod rewrite;

use deputize::Request;
use deputize::caller::Caller;
use deputize::decision::Denial;
use deputize::exchange::{Acting, ExchangeClaims, ExchangeRefusal, Wanted};
use deputize::request::Setting;
use deputize::time::UnixSeconds;
use deputize::token::VerifyOptions;
use serde_json::{Value, json};

use crate::forge::NOW;
use crate::world::World;

/// An exchange of a subject token with these claims.
pub(crate) struct Exchange<'w> {
    pub(crate) world: &'w World,
    pub(crate) subject: Value,
    pub(crate) actor: Option<Value>,
    pub(crate) principal: Option<&'w str>,
    pub(crate) wanted: Wanted<'w>,
    pub(crate) setting: Setting<'w>,
    pub(crate) options: VerifyOptions<'w>,
}

pub(crate) fn of(world: &World, subject: Value) -> Exchange<'_> {
    Exchange {
        world,
        subject,
        actor: None,
        principal: None,
        wanted: Wanted::default(),
        setting: Setting::default(),
        options: VerifyOptions::default(),
    }
}

impl<'w> Exchange<'w> {
    /// With an actor token of these claims.
    pub(crate) fn by(mut self, actor: Value) -> Self {
        self.actor = Some(actor);
        self
    }

    pub(crate) fn by_principal(mut self, principal: &'w str) -> Self {
        self.principal = Some(principal);
        self
    }

    pub(crate) fn scope(mut self, scope: &'w str) -> Self {
        self.wanted.scope = Some(scope);
        self
    }

    pub(crate) fn run(&self) -> Result<ExchangeClaims, ExchangeRefusal> {
        let subject = self.world.token(&self.subject);
        let actor = self.actor.as_ref().map(|claims| self.world.token(claims));
        let acting = match (&actor, self.principal) {
            (Some(token), _) => Some(Acting::Token {
                token: token.as_bytes(),
                options: VerifyOptions::default(),
            }),
            (None, Some(principal)) => Some(Acting::Principal(principal)),
            (None, None) => None,
        };
        let request = Request::at(UnixSeconds(NOW))
            .token(&subject)
            .presented(self.options)
            .setting(self.setting);
        let wanted = Wanted {
            actor: acting,
            ..self.wanted
        };
        let answer = self.world.policy().exchange(&request, &wanted);
        if let Ok(given) = &answer {
            assert!(given.expires_in() > 0);
            assert_eq!(given.claims["exp"], json!(given.expires_at));
        }
        // A refusal repeats neither token.
        if let Err(refusal) = &answer {
            let mut parts = subject.split('.');
            assert!(!parts.any(|part| refusal.to_string().contains(part)));
        }
        answer
    }

    /// The claims that came out.
    pub(crate) fn claims(&self) -> Value {
        Value::Object(self.run().unwrap_or_else(|e| panic!("{e}")).claims)
    }

    /// The reason and the OAuth error of the refusal.
    pub(crate) fn refused(&self) -> (&'static str, &'static str) {
        match self.run() {
            Ok(given) => panic!("given: {}", json!(given.claims)),
            Err(refusal) => {
                assert!(!refusal.to_string().is_empty());
                (refusal.code(), refusal.oauth_error())
            }
        }
    }
}

/// The caller of the next token, once it has been signed.
pub(crate) fn verified(world: &World, claims: &Value) -> Caller {
    world.verify(claims).unwrap_or_else(|e| panic!("{e}"))
}

/// The caller of a chain that these tokens prove.
pub(crate) fn proved(world: &World, tokens: &[Value]) -> Result<Caller, Denial> {
    let tokens: Vec<String> = tokens.iter().map(|claims| world.token(claims)).collect();
    let tokens: Vec<&[u8]> = tokens.iter().map(String::as_bytes).collect();
    let (options, setting) = (VerifyOptions::default(), Setting::default());
    world.policy().admit(
        &Request::at(UnixSeconds(NOW))
            .tokens(&tokens)
            .presented(options)
            .setting(setting),
    )
}

/// The principals of a caller, subject first.
pub(crate) fn principals(caller: &Caller) -> Vec<&str> {
    caller.chain().iter().map(|p| &*p.principal).collect()
}
