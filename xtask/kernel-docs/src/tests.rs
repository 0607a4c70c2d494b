use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use deputize::Policy;

use super::oracle::{Oracle, Reach};
use super::page::{self, Entry};
use super::snapshot::{self, Snapshot, person};
use super::trial;
use xtask::program::{Program, root};

const EXCERPT: &str = include_str!("excerpt.html");

const DOCUMENTS: [&str; 19] = [
    "Documentation/acpi/dsd.rst",
    "Documentation/acpi/extra/aml.rst",
    "Documentation/bus/netbus.rst",
    "Documentation/bus/orphan.rst",
    "Documentation/driver-api/acpi/scan.rst",
    "Documentation/driver-api/acpi-like.rst",
    "Documentation/index.rst",
    "Documentation/networking/index.rst",
    "Documentation/networking/tips.rst",
    "Documentation/networking/tipsy.rst",
    "Documentation/networking/wireless/mac80211.rst",
    "Documentation/networking/wireless/mac-old.rst",
    "Documentation/networking/wireless/deep/mac.rst",
    "Documentation/process/maintainer-net.rst",
    "Documentation/sound/da7213.rst",
    "Documentation/sound/da8000.rst",
    "Documentation/sound/hd-audio/models.rst",
    "Documentation/spi/ti-wl12xx.rst",
    "Documentation/spi/twl4030.rst",
];

fn documents() -> BTreeSet<String> {
    DOCUMENTS.iter().map(|path| (*path).to_owned()).collect()
}

fn excerpt() -> Vec<Entry> {
    page::read(EXCERPT).unwrap()
}

/// The snapshot's own relationships, followed by hand: sets of people, with
/// no evaluator between. Knows this model only.
struct ByHand {
    tuples: BTreeMap<(String, &'static str), Vec<String>>,
}

impl ByHand {
    fn new(snapshot: &Snapshot) -> Self {
        let mut tuples: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for tuple in &snapshot.tuples {
            let key = (tuple.object.clone(), tuple.relation);
            tuples.entry(key).or_default().push(tuple.user.clone());
        }
        Self { tuples }
    }

    fn of(&self, object: &str, relation: &'static str) -> &[String] {
        self.tuples
            .get(&(object.to_owned(), relation))
            .map_or(&[], Vec::as_slice)
    }

    fn excluded(&self, view: &str) -> bool {
        !self.of(view, "excluded").is_empty()
            || self.of(view, "parent").iter().any(|up| self.excluded(up))
    }

    fn members(&self, object: &str) -> BTreeSet<String> {
        if object.starts_with("subsystem:") {
            let people = [self.of(object, "maintainer"), self.of(object, "reviewer")];
            return people.concat().into_iter().collect();
        }
        if self.excluded(object) {
            return BTreeSet::new();
        }
        let sources = [self.of(object, "entry"), self.of(object, "parent")].concat();
        sources.iter().flat_map(|from| self.members(from)).collect()
    }

    /// Members of what `relation` leads to, here and in every directory above.
    fn reached(&self, object: &str, relation: &'static str) -> BTreeSet<String> {
        let here = self.of(object, relation).iter();
        let mut people: BTreeSet<String> = here.flat_map(|from| self.members(from)).collect();
        for up in self.of(object, "parent") {
            people.extend(self.reached(up, relation));
        }
        people
    }

    fn answers(&self, documents: &BTreeSet<String>) -> BTreeSet<(String, &'static str, String)> {
        let mut answers = BTreeSet::new();
        for document in documents {
            let object = format!("document:{document}");
            for (relation, found) in [("covered_by", "keeper"), ("swept_by", "reader")] {
                for person in self.reached(&object, relation) {
                    let person = person.strip_prefix("user:").unwrap().to_owned();
                    if found == "keeper" {
                        answers.insert((person.clone(), "reader", document.clone()));
                    }
                    answers.insert((person, found, document.clone()));
                }
            }
        }
        answers
    }
}

fn answers_of(oracle: &Oracle) -> BTreeSet<(String, &'static str, String)> {
    let mut answers = BTreeSet::new();
    for (person, reach) in &oracle.people {
        for (relation, documents) in [("keeper", &reach.keeper), ("reader", &reach.reader)] {
            for document in documents {
                answers.insert((person.clone(), relation, document.clone()));
            }
        }
    }
    answers
}

#[test]
fn the_page_is_read_entry_by_entry() {
    let entries = excerpt();
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "acpi",
            "networking",
            "wireless",
            "sound-da7xx",
            "orphan-bus",
            "documentation",
            "the-rest"
        ]
    );
    let acpi = &entries[0];
    let maintainers: Vec<_> = acpi.maintainers.iter().collect();
    assert_eq!(maintainers, ["ada@example.org", "bo.beech@example.org"]);
    let reviewers: Vec<_> = acpi.reviewers.iter().collect();
    assert_eq!(reviewers, ["cy@example.net"]);
    assert_eq!(acpi.files.len(), 3);
    assert!(acpi.excluded.is_empty());
    assert_eq!(entries[1].excluded.len(), 3);
    assert_eq!(entries[2].regexes.len(), 1);
    assert!(entries[2].excluded[0].is("Documentation/networking/wireless/mac-old.rst"));
    assert_eq!(entries[4].people().count(), 0);
}

#[test]
fn a_page_that_is_not_understood_is_an_error() {
    let spoiled = [
        EXCERPT.replace("maintainers-list", "list"),
        EXCERPT.replace(">Reviewer<", ">Rezensent<"),
        EXCERPT.replace(
            "<span class=\"pre\">Documentation/acpi/<",
            "<span class=\"pre\">Documentation//acpi<",
        ),
        EXCERPT.replace("[^a-z]wl[0-9]+", "wl("),
        EXCERPT.replace("</code></p>", "</code> and more</p>"),
        EXCERPT.split("the-rest").next().unwrap().to_owned(),
    ];
    for page in spoiled {
        assert!(page::read(&page).is_err());
    }
}

#[test]
fn exclusion_is_the_entry_s_and_not_the_person_s() {
    let documents = documents();
    let built = snapshot::build("1", &excerpt(), &documents).unwrap();
    let answers = ByHand::new(&built).answers(&documents);
    let keeps = |address: &str, document: &str| {
        let document = format!("Documentation/{document}");
        answers.contains(&(person(address), "keeper", document))
    };
    let reads = |address: &str, document: &str| {
        let document = format!("Documentation/{document}");
        answers.contains(&(person(address), "reader", document))
    };
    // A directory, with and without its slash, and all below it.
    assert!(keeps("ada@example.org", "acpi/extra/aml.rst"));
    assert!(keeps("ada@example.org", "driver-api/acpi/scan.rst"));
    assert!(!keeps("ada@example.org", "driver-api/acpi-like.rst"));
    // Di is left out of wireless by NETWORKING, and comes in by WIRELESS.
    assert!(keeps("di@example.org", "networking/index.rst"));
    assert!(keeps("di@example.org", "networking/wireless/mac80211.rst"));
    assert!(!keeps("di@example.org", "networking/wireless/mac-old.rst"));
    assert!(!keeps("di@example.org", "networking/wireless/deep/mac.rst"));
    assert!(!keeps(
        "bo.beech@example.org",
        "networking/wireless/mac80211.rst"
    ));
    assert!(!keeps("di@example.org", "networking/tips.rst"));
    assert!(keeps("di@example.org", "networking/tipsy.rst"));
    assert!(keeps("di@example.org", "bus/netbus.rst"));
    // `N:` looks anywhere in the path.
    assert!(keeps("di@example.org", "spi/ti-wl12xx.rst"));
    assert!(!keeps("di@example.org", "spi/twl4030.rst"));
    // `X:` holds against an `F:` that names something below it.
    assert!(!reads("fay@example.org", "acpi/extra/aml.rst"));
    // Entries over the whole tree give readers and no keepers.
    assert!(reads("fay@example.org", "index.rst"));
    assert!(!keeps("fay@example.org", "index.rst"));
    assert!(!reads("fay@example.org", "sound/hd-audio/models.rst"));
    assert!(reads("gus@example.org", "acpi/dsd.rst"));
    assert!(!keeps("gus@example.org", "acpi/dsd.rst"));
    // One person, one id, however the address is written.
    assert!(reads("bo.beech@example.org", "networking/index.rst"));
}

#[test]
fn no_address_is_in_the_snapshot() {
    let built = snapshot::build("1", &excerpt(), &documents()).unwrap();
    let text = serde_json::to_string(&built).unwrap();
    assert!(!text.contains('@') && !text.contains("example"));
    assert!(text.contains(&person("ada@example.org")));
}

#[test]
fn documents_that_cannot_be_named_are_refused() {
    for path in [
        "Documentation/a b.rst",
        "Documentation/a:b.rst",
        "Documentation/a#b.rst",
        "Documentation",
        "elsewhere/a.rst",
    ] {
        let documents = BTreeSet::from([path.to_owned()]);
        assert!(snapshot::build("1", &[], &documents).is_err(), "{path}");
    }
}

/// A wrong answer on either side is a failure, not a remark.
#[test]
fn a_difference_is_found() {
    let documents = documents();
    let built = snapshot::build("1", &excerpt(), &documents).unwrap();
    let policy = Policy::from_json(&serde_json::to_vec(&built).unwrap()).unwrap();
    let oracle = Oracle {
        documents,
        unkept: BTreeSet::new(),
        people: BTreeMap::from([(person("cy@example.net"), Reach::default())]),
    };
    let failure = trial::compare(&policy, &oracle).unwrap_err().to_string();
    assert!(failure.contains("acpi/dsd.rst"), "{failure}");
}

/// The oracle reads the same excerpt with a parser and a matcher of its own.
#[test]
fn engine_and_oracle_agree_on_the_excerpt() {
    if !Program::new("python3").args(["--version"]).works() {
        eprintln!("skipped engine_and_oracle_agree_on_the_excerpt: there is no python3");
        return;
    }
    let folder = xtask::program::target().join("kernel-docs-excerpt");
    fs::create_dir_all(&folder).unwrap();
    let (page, list) = (folder.join("excerpt.html"), folder.join("documents.txt"));
    fs::write(&page, EXCERPT).unwrap();
    fs::write(&list, DOCUMENTS.join("\n")).unwrap();
    let oracle = Oracle::ask(&root(), &page, &list).unwrap();

    let documents = documents();
    let built = snapshot::build("1", &excerpt(), &documents).unwrap();
    let answers = ByHand::new(&built).answers(&documents);
    assert_eq!(answers, answers_of(&oracle));
    let policy = Policy::from_json(&serde_json::to_vec(&built).unwrap()).unwrap();
    // Seven people and a stranger, two relations, every document.
    let decisions = 8 * 2 * documents.len();
    assert_eq!(trial::compare(&policy, &oracle).unwrap(), decisions);
    assert!(answers.len() > 40, "{}", answers.len());
    let unkept: Vec<_> = oracle.unkept.iter().map(String::as_str).collect();
    assert_eq!(
        unkept,
        [
            "Documentation/driver-api/acpi-like.rst",
            "Documentation/index.rst",
            "Documentation/networking/tips.rst",
            "Documentation/networking/wireless/deep/mac.rst",
            "Documentation/networking/wireless/mac-old.rst",
            "Documentation/sound/hd-audio/models.rst",
            "Documentation/spi/twl4030.rst",
        ]
    );
}
