//! Whatever is asked of an exchange, the next token gives no more than the
//! subject token did.

use deputize::Request;
use deputize::exchange::{Acting, Wanted};
use deputize::time::UnixSeconds;
use deputize::token::VerifyOptions;
use serde_json::{Value, json};

use crate::forge::{AUDIENCE, NOW};
use crate::world::{World, claims};

/// A small generator of its own, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn some<'t>(&mut self, all: &[&'t str]) -> Vec<&'t str> {
        let each = all.iter().copied();
        each.filter(|_| self.roll(2) == 0).collect()
    }
}

const SCOPES: [&str; 8] = [
    "document:read",
    "doc-1",
    "credit",
    "can_read",
    "can_*",
    "*",
    "opaque",
    "target-entity:e:read",
];
const AUDIENCES: [&str; 4] = [AUDIENCE, "https://b.example", "https://c.example", "e"];
const ASKED: [(&str, &str); 7] = [
    ("can_read", "document:1"),
    ("can_read", "document:2"),
    ("can_read", "document:3"),
    ("reader", "document:1"),
    ("can_adjust", "credit:7"),
    ("can_adjust", "credit:8"),
    ("can_read", "credit:7"),
];

fn token(dice: &mut Dice, sub: &str, actors: &[&str]) -> Value {
    let mut own = claims(sub, actors);
    for claim in ["scope", "scp", "permissions"] {
        if dice.roll(3) > 0 {
            let some = dice.some(&SCOPES);
            own[claim] = match claim {
                "scope" => json!(some.join(" ")),
                _ => json!(some),
            };
        }
    }
    own["aud"] = json!(dice.some(&AUDIENCES));
    if dice.roll(2) == 0 {
        own["aud"] = json!(AUDIENCE);
    }
    own["exp"] = json!(NOW + 1 + dice.roll(600) as u64);
    own
}

#[test]
fn no_exchange_ever_widens() {
    let scopes = json!({
        "document:read": [{"action": "can_read", "resource": "document:*"}],
        "doc-1": [{"action": "can_read", "resource": "document:1"}],
        "credit": [{"action": "can_adjust", "resource": "credit:*"}],
    });
    let mut dice = Dice(20_260_000);
    let (mut given, mut allowed) = (0, 0);
    for scope_use in ["narrow", "required"] {
        let world = World::new()
            .with("scopes", scopes.clone())
            .issuer("scopes", json!(scope_use))
            .issuer("audiences", json!(AUDIENCES));
        let policy = world.policy();
        for _ in 0..1_000 {
            let actors: &[&str] = [&[][..], &["coordinator"]][dice.roll(2)];
            let own = token(&mut dice, "anne", actors);
            let name = ["coordinator", "document", "calendar"][dice.roll(3)];
            let actor = token(&mut dice, name, &[]);
            let (scope, audiences) = (dice.some(&SCOPES).join(" "), dice.some(&AUDIENCES));
            let (subject, actor_token) = (world.token(&own), world.token(&actor));
            let options = VerifyOptions::default();
            let now = UnixSeconds(NOW);
            let request = Request::at(now).token(&subject).presented(options);
            let wanted = Wanted {
                actor: (dice.roll(3) > 0).then_some(Acting::Token {
                    token: actor_token.as_bytes(),
                    options,
                }),
                scope: (dice.roll(2) == 0).then_some(&scope),
                audiences: if dice.roll(2) == 0 { &audiences } else { &[] },
                lifetime: (dice.roll(2) == 0).then_some(dice.roll(900) as u64),
                ..Wanted::default()
            };
            let Ok(next) = policy.exchange(&request, &wanted) else {
                continue;
            };
            given += 1;
            assert!(next.claims["exp"].as_u64() <= own["exp"].as_u64());
            if wanted.actor.is_some() {
                assert!(next.claims["exp"].as_u64() <= actor["exp"].as_u64());
            }
            let held = match &own["aud"] {
                Value::String(one) => vec![one.as_str()],
                list => list
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(Value::as_str)
                    .collect(),
            };
            for audience in &next.audience {
                assert!(held.contains(&audience.as_str()));
            }
            // The same policy takes it, and gives its caller no more.
            let signed = world.token(&Value::Object(next.claims.clone()));
            let before = policy
                .admit(
                    &Request::at(now)
                        .token(subject.as_bytes())
                        .presented(options),
                )
                .unwrap();
            let after = policy.admit(&Request::at(now).token(signed.as_bytes()).presented(options));
            let after = after.unwrap_or_else(|e| panic!("{e}: {}", json!(next.claims)));
            assert_eq!(after.chain(), next.chain);
            assert_eq!(after.subject(), before.subject());
            for (action, resource) in ASKED {
                let may = after.at(UnixSeconds(NOW)).can(action, resource);
                allowed += usize::from(may);
                assert!(
                    !may || before.at(UnixSeconds(NOW)).can(action, resource)
                        || before.chain().len() > 1,
                    "{action} {resource}: {own} became {}",
                    json!(next.claims)
                );
                // The scopes by themselves, whoever acts.
                let covered = |caller: &deputize::caller::Caller| {
                    let checked = caller.at(UnixSeconds(NOW)).check(action, resource);
                    checked
                        .err()
                        .is_none_or(|d| d.code() != "scope.insufficient")
                };
                assert!(
                    !covered(&after) || covered(&before),
                    "{action} {resource}: {own} became {}",
                    json!(next.claims)
                );
            }
        }
    }
    assert!(given > 200 && allowed > 50, "{given} {allowed}");
}
