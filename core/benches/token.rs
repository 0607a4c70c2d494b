//! What verifying a token costs, beside AWS-LC's own verification of the same
//! signature: `cargo bench -p deputize --bench token`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unreachable,
    dead_code,
    reason = "a bench fails by panicking, and uses only part of what forges tokens"
)]

#[path = "../tests/it/forge.rs"]
mod forge;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use deputize::time::UnixSeconds;
use deputize::token::{TokenCache, VerifyOptions};
use divan::Bencher;
use forge::{Key, NOW, claims, entry, issuers, key_for};

const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

fn main() {
    divan::main();
}

/// The whole of [`deputize::token::Issuers::verify`].
#[divan::bench(args = ALGORITHMS)]
fn verify(bencher: Bencher<'_, '_>, algorithm: &'static str) {
    let key = key_for(algorithm);
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&claims());
    bencher.bench(|| {
        issuers
            .verify(
                token.as_bytes(),
                UnixSeconds(NOW),
                &VerifyOptions::default(),
            )
            .unwrap()
    });
}

/// The signature alone, by AWS-LC.
#[divan::bench(args = ALGORITHMS)]
fn aws_lc(bencher: Bencher<'_, '_>, algorithm: &'static str) {
    let key = key_for(algorithm);
    let input = key.token(&claims());
    let input = input.rsplit_once('.').unwrap().0;
    let signature = key.sign(input.as_bytes());
    let (kind, public): (&'static dyn VerificationAlgorithm, &[u8]) = match &key {
        Key::Ed(pair) => (&ED25519, pair.public_key().as_ref()),
        Key::Ec(pair, _) => (&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()),
        Key::Rsa(pair, _) => (&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()),
        Key::Secret(..) => unreachable!("only public keys are compared"),
    };
    let public = UnparsedPublicKey::new(kind, public);
    bencher.bench(|| public.verify(input.as_bytes(), &signature).unwrap());
}

/// Everything but the signature.
#[divan::bench(args = ALGORITHMS)]
fn all_but_the_signature(bencher: Bencher<'_, '_>, algorithm: &'static str) {
    let key = key_for(algorithm);
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&claims());
    bencher.bench(|| {
        issuers
            .prepare(
                token.as_bytes(),
                UnixSeconds(NOW),
                &VerifyOptions::default(),
            )
            .and_then(|prepared| prepared.finish(true))
            .unwrap()
    });
}

/// A token that the cache holds.
#[divan::bench(args = ALGORITHMS)]
fn cached(bencher: Bencher<'_, '_>, algorithm: &'static str) {
    let key = key_for(algorithm);
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&claims());
    let mut cache = TokenCache::new(16);
    let options = VerifyOptions::default();
    bencher.bench_local(|| {
        cache
            .verify(
                &issuers,
                &[7; 32],
                token.as_bytes(),
                UnixSeconds(NOW),
                &options,
            )
            .unwrap()
    });
}
