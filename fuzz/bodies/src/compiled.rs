//! Any bytes as the compiled form: refused, or a policy that answers. The
//! checksum would stop nearly all of them, so it is made right again, and the
//! bytes also stand as patches on a good file.

use std::sync::OnceLock;

use deputize::Policy;
use xxhash_rust::xxh3::xxh3_64;

static GOOD: OnceLock<Vec<u8>> = OnceLock::new();

/// Where the checksum ends, and what it is taken of begins.
const HEADER: usize = 24;

/// Takes one input.
pub fn run(bytes: &[u8]) {
    open(bytes);
    open(&summed(bytes.to_vec()));
    let mut image = GOOD.get_or_init(good).clone();
    // Four bytes a patch: where (two), what, and whether to cut there.
    for patch in bytes.chunks_exact(4) {
        if image.is_empty() {
            break;
        }
        let at = usize::from(u16::from_le_bytes([patch[0], patch[1]])) % image.len();
        image[at] = patch[2];
        if patch[3] == 0xff {
            image.truncate(at);
        }
    }
    let damaged = image != *GOOD.get_or_init(good);
    assert!(!damaged || !open(&image), "a damaged file is refused");
    open(&summed(image));
}

fn summed(mut image: Vec<u8>) -> Vec<u8> {
    if let Some((header, body)) = image.split_at_mut_checked(HEADER) {
        header[HEADER - 8..].copy_from_slice(&xxh3_64(body).to_le_bytes());
    }
    image
}

fn open(bytes: &[u8]) -> bool {
    match Policy::from_compiled(bytes) {
        Ok(policy) => {
            let view = policy.view();
            let _ = view.check("user:anne", "can_view", "document:1");
            let _ = view.list_objects("user:anne", "viewer", "document");
            let _ = view.list_users("document:1", "viewer", "user");
            let _ = view.explain("user:bob", "can_view", "document:1");
            let _ = policy.to_compiled();
            true
        }
        Err(error) => {
            assert!(!error.code().is_empty());
            let _ = error.to_string();
            false
        }
    }
}

fn good() -> Vec<u8> {
    const SNAPSHOT: &[u8] = include_bytes!("../../policies/request.json");
    Policy::from_json(SNAPSHOT)
        .expect("the policy is right")
        .to_compiled()
}
