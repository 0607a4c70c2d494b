//! Random documents of each format, of which one record is damaged, moved or
//! renamed: what is taken, warned of and refused is always what was given, and
//! what is taken stands in the snapshot.

use super::*;

/// A document, where its records stand, and what reads it.
struct Case {
    document: Value,
    /// The lists or objects that hold records.
    parts: Vec<String>,
    read: fn(&Value) -> Result<Imported, Refused>,
}

impl Case {
    /// Where the records stand.
    fn records(&self) -> Vec<String> {
        let mut all = Vec::new();
        for part in &self.parts {
            match self.document.pointer(part) {
                Some(Value::Array(items)) => {
                    all.extend((0..items.len()).map(|index| format!("{part}/{index}")));
                }
                Some(Value::Object(members)) => {
                    let escaped = |name: &String| name.replace('~', "~0").replace('/', "~1");
                    all.extend(
                        members
                            .keys()
                            .map(|name| format!("{part}/{}", escaped(name))),
                    );
                }
                _ => {}
            }
        }
        all
    }
}

fn fusionauth(numbers: &mut Numbers) -> Case {
    let ids = ["a", "b", "c", "d", "e"];
    let some = |numbers: &mut Numbers| numbers.below(4);
    let permissions = json!([{"name": "read", "isDefault": true}, {"name": "write"}]);
    let types: Vec<Value> = ids
        .iter()
        .take(1 + some(numbers))
        .map(|id| json!({"id": id, "name": "T", "permissions": permissions, "insertInstant": 1}))
        .collect();
    let entities: Vec<Value> = ids
        .iter()
        .take(some(numbers))
        .map(|id| json!({"id": id, "tenantId": "t", "type": {"id": numbers.pick(&ids)}, "clientSecret": "x"}))
        .collect();
    let users: Vec<Value> = ids
        .iter()
        .take(some(numbers))
        .map(|id| json!({"id": id, "active": numbers.below(2) == 0, "expiry": numbers.below(9) * 1_000, "email": "x"}))
        .collect();
    let grants: Vec<Value> = (0..some(numbers))
        .map(|n| {
            let recipient = *numbers.pick(&["userId", "recipientEntityId"]);
            json!({"id": format!("g{n}"), "entity": {"id": ids[n]}, recipient: numbers.pick(&ids)})
        })
        .collect();
    Case {
        document: json!([{ "entityTypes": types }, { "entities": entities }, { "users": users }, { "grants": grants }]),
        parts: ["/0/entityTypes", "/1/entities", "/2/users", "/3/grants"]
            .map(str::to_owned)
            .to_vec(),
        read: |document| super::super::fusionauth(document.as_array().unwrap()),
    }
}

fn fusebit(numbers: &mut Numbers) -> Case {
    let mut agents = |kind: &str| -> Vec<Value> {
        (0..numbers.below(4))
            .map(|n| {
                json!({"id": format!("{kind}-{n}"), "displayName": "x",
                    "identities": [{"issuerId": "i", "subject": format!("{kind}{n}")}],
                    "access": {"allow": [{"action": numbers.pick(&["a", "a:*", "*"]), "resource": "/x"}]}})
            })
            .collect()
    };
    let (users, clients) = (agents("usr"), agents("clt"));
    let issuers: Vec<Value> = (0..numbers.below(3))
        .map(|n| match numbers.below(2) {
            0 => json!({"id": format!("i{n}"), "jsonKeyUri": "https://far.example"}),
            _ => json!({"id": format!("i{n}"), "publicKeys": [{"keyId": "k", "publicKey": "-----BEGIN PUBLIC KEY-----"}]}),
        })
        .collect();
    Case {
        document: json!({"users": users, "clients": clients, "issuers": issuers}),
        parts: ["/users", "/clients", "/issuers"]
            .map(str::to_owned)
            .to_vec(),
        read: |document| {
            super::super::fusebit(std::slice::from_ref(document), &FusebitOptions::default())
        },
    }
}

fn permit(numbers: &mut Numbers) -> Case {
    let of = |numbers: &mut Numbers, prefix: &str, each: &dyn Fn(&mut Numbers) -> Value| -> Value {
        let names = (0..numbers.below(4)).map(|n| format!("{prefix}{n}"));
        Value::Object(names.map(|name| (name, each(numbers))).collect())
    };
    let role =
        |numbers: &mut Numbers| json!({"grants": {"doc": [numbers.pick(&["read", "write"])]}});
    let document = json!({
        "tenants": {"t0": {}, "t1": {}},
        "roles": of(numbers, "r", &role),
        "role_permissions": {"doc": of(numbers, "d", &role), "dir": of(numbers, "e", &role)},
        "resource_types": of(numbers, "type", &|_| json!({"actions": {"read": {}}, "relations": {"in": "dir"}})),
        "users": of(numbers, "u", &|n| json!({"roleAssignments": {"t0": [format!("r{}", n.below(3))]}})),
        "role_assignments": {"user:u0": of(numbers, "doc:", &|n| json!([format!("d{}", n.below(3))])),
                             "group:g": of(numbers, "doc:", &|_| json!(["d0"]))},
        "relationships": of(numbers, "doc:", &|n| json!({"in": {"dir": [n.below(3).to_string()]}})),
        "resource_instances": of(numbers, "doc:", &|n| match n.below(2) {
            0 => json!({"tenant": "t0"}),
            _ => json!({"attributes": {"a": 1}}),
        }),
    });
    let parts = [
        "/tenants",
        "/roles",
        "/role_permissions/doc",
        "/role_permissions/dir",
        "/resource_types",
        "/users",
        "/role_assignments/user:u0",
        "/role_assignments/group:g",
        "/relationships",
        "/resource_instances",
    ];
    Case {
        document,
        parts: parts.map(str::to_owned).to_vec(),
        read: |document| super::super::permit(document, &PermitOptions::default()),
    }
}

fn openfga(numbers: &mut Numbers) -> Case {
    let users = ["user:a", "user:b", "user:*", "group:g#member"];
    let mut tuple = |n: usize| {
        let mut tuple = json!({"user": numbers.pick(&users), "relation": numbers.pick(&["viewer", "blocked", "none"]),
            "object": format!("doc:{n}")});
        if numbers.below(3) == 0 {
            tuple["condition"] = json!({"name": "late", "context": {"until": numbers.below(9)}});
        }
        match numbers.below(3) {
            0 => json!({"key": tuple, "timestamp": "t"}),
            1 => tuple,
            _ => {
                json!({"user_type": "user", "user_id": "a", "relation": "viewer", "object_type": "doc",
                "object_id": n.to_string()})
            }
        }
    };
    let (first, second): (Vec<Value>, Vec<Value>) = (
        (0..4).map(&mut tuple).collect(),
        (4..9).map(&mut tuple).collect(),
    );
    let model = "model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user]\ntype doc\n  relations\n    define viewer: [user, user:*, group#member, user with late] but not blocked\n    define blocked: [user, group#member]\ncondition late(until: int) {\n  until > 1\n}\n";
    Case {
        document: json!([{"tuples": first, "continuation_token": ""}, second, {"model": model}]),
        parts: ["/0/tuples", "/1", "/2"].map(str::to_owned).to_vec(),
        read: |document| super::super::openfga(document.as_array().unwrap()),
    }
}

/// Damages, moves or renames the record at a pointer; says which.
fn change(case: &mut Case, numbers: &mut Numbers, record: &str) -> &'static str {
    let words = ["id", "user", "tenant", "expires", "a:b", "", "active", "*"];
    let (part, own) = record.rsplit_once('/').unwrap();
    let (part, own) = (part.to_owned(), own.replace("~1", "/").replace("~0", "~"));
    let is_list = case.document.pointer(&part).unwrap().is_array();
    match numbers.below(4) {
        // A member more or another value of one, somewhere in it.
        0 | 1 => {
            let damage = numbers.json(&words, 2);
            let mut place = case.document.pointer_mut(record).unwrap();
            loop {
                let deeper = numbers.below(3) > 0;
                let next = match place {
                    Value::Object(members) if deeper && !members.is_empty() => {
                        let at = numbers.below(members.len());
                        members.keys().nth(at).unwrap().clone()
                    }
                    _ => break,
                };
                place = &mut place[next.as_str()];
            }
            match place {
                Value::Object(members) => {
                    members.insert((*numbers.pick(&words)).to_owned(), damage);
                }
                other => *other = damage,
            }
            "damaged"
        }
        // Into another part.
        2 => {
            let others: Vec<String> = case
                .parts
                .iter()
                .filter(|other| **other != part)
                .cloned()
                .collect();
            let to = numbers.pick(&others).clone();
            let taken = match case.document.pointer_mut(&part).unwrap() {
                Value::Array(items) => items.remove(own.parse().unwrap()),
                Value::Object(members) => members.remove(&own).unwrap(),
                _ => panic!("{part} is no list"),
            };
            match case.document.pointer_mut(&to).unwrap() {
                Value::Array(items) => items.push(taken),
                Value::Object(members) => {
                    members.insert(format!("moved {own}"), taken);
                }
                _ => panic!("{part} is no list"),
            }
            "moved"
        }
        // Its name, or one of its members'.
        _ => {
            let target = if is_list { record } else { part.as_str() };
            let members = case
                .document
                .pointer_mut(target)
                .and_then(Value::as_object_mut);
            if let Some(members) = members {
                let name = match is_list {
                    true => members.keys().next().cloned(),
                    false => Some(own),
                };
                if let Some(value) = name.and_then(|name| members.remove(&name)) {
                    members.insert("renamed".to_owned(), value);
                }
            }
            "renamed"
        }
    }
}

/// How many entries stand in the snapshot of each section that records become.
fn entries(imported: &Imported) -> usize {
    let sections = [
        "tuples",
        "entity_types",
        "entities",
        "entity_grants",
        "principals",
        "issuers",
    ];
    let counts = imported.counts();
    counts
        .filter(|(name, _)| sections.contains(name))
        .map(|(_, count)| count)
        .sum()
}

fn run(name: &str, make: fn(&mut Numbers) -> Case, seed: u64) {
    let mut numbers = Numbers(seed);
    let mut outcomes = std::collections::BTreeMap::new();
    for _ in 0..1_500 {
        let mut case = make(&mut numbers);
        let given = case.records();
        let whole = (case.read)(&case.document);
        let sound = whole.unwrap_or_else(|refused| panic!("{name} {refused}\n{:#}", case.document));
        assert_eq!(
            sound.records().total(),
            given.len(),
            "{name}\n{:#}",
            case.document
        );
        if given.is_empty() {
            continue;
        }
        // The model of OpenFGA's is one record that is not in a list.
        let one: Vec<&String> = given.iter().filter(|at| !at.ends_with("/model")).collect();
        let record = (*numbers.pick(&one)).clone();
        let how = change(&mut case, &mut numbers, &record);
        let (records, is_refused) = match (case.read)(&case.document) {
            Ok(imported) => {
                // What is taken stands there.
                if ["fusionauth", "fusebit", "openfga"].contains(&name) {
                    let model = usize::from(name == "openfga");
                    let (own, found) = (imported.records(), entries(&imported) + model);
                    assert!(
                        own.taken <= found,
                        "{name} {how} {record}\n{:#}",
                        case.document
                    );
                    assert!(
                        found <= own.total(),
                        "{name} {how} {record}\n{:#}",
                        case.document
                    );
                }
                (imported.records(), false)
            }
            Err(refused) => (refused.records, true),
        };
        assert_eq!(
            records.total(),
            given.len(),
            "{name}: {how} {record}\n{:#}",
            case.document
        );
        assert_eq!(records.refused > 0, is_refused, "{name}: {how} {record}");
        *outcomes.entry((how, is_refused)).or_insert(0) += 1;
    }
    // Each kind of change was made, and most of them do not pass.
    for how in ["damaged", "moved", "renamed"] {
        assert!(
            outcomes.get(&(how, true)) > Some(&40),
            "{name} {outcomes:?}"
        );
    }
}

#[test]
fn every_record_of_fusionauths_is_accounted_for() {
    run("fusionauth", fusionauth, 41);
}

#[test]
fn every_record_of_fusebits_is_accounted_for() {
    run("fusebit", fusebit, 42);
}

#[test]
fn every_record_of_permits_is_accounted_for() {
    run("permit", permit, 43);
}

#[test]
fn every_record_of_openfgas_is_accounted_for() {
    run("openfga", openfga, 44);
}
