//! The checks, in their order. All of a token's verification that can change an
//! answer stands here.
//!
//! 1. size, three segments, header, `crit` ([`Jws::parse`]); an algorithm that
//!    exists
//! 2. claims as strict JSON; `iss` names a trusted issuer
//! 3. `alg` and `typ` are among the issuer's; `kid` names one of its keys, and
//!    that key is for `alg`
//! 4. the signature
//! 5. the claims: their kinds, `act` only where expected, `exp`, `nbf`, `iat`, lifetime, `aud`
//! 6. nothing that its issuer's entry needs is left out or elsewhere
//! 7. `cnf` and its proof
//! 8. revocation of the key and of the token
//!
//! Who the principals are, whether *they* were revoked and what the chain may
//! do is asked afterwards, of the policy.

use std::fmt;

use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::claims::Claims;
use super::confirmation::{self, ClientCertificate, Confirmation, DpopRequest, DpopUse};
use super::error::TokenError;
use super::issuer::{ChainConvention, Issuer, Issuers, media_type};
use super::json::shorten;
use super::jws::Jws;
use super::key::Key;
use crate::time::UnixSeconds;

/// What the request says about itself, beside the token.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifyOptions<'a> {
    /// Who is asked: the token must name this audience, and the issuer must be
    /// trusted for it. Without it, the token must name one of the issuer's
    /// `audiences`.
    pub audience: Option<&'a str>,
    /// The DPoP proof that came with the request.
    pub dpop: Option<DpopRequest<'a>>,
    /// The certificate that the client showed in the TLS handshake.
    pub certificate: Option<ClientCertificate>,
}

/// A token of which everything before the signature has been checked.
///
/// It tells nothing of the claims: those come out of [`Prepared::verify`], or of
/// [`Prepared::finish`] where something else, like WebCrypto, checks the
/// signature.
///
/// Its `Debug` form shows the issuer and the header, never the token.
#[must_use = "nothing is verified until `verify` or `finish` is called"]
pub struct Prepared<'a> {
    issuers: &'a Issuers,
    index: usize,
    issuer: &'a Issuer,
    key: &'a Key,
    jws: Jws<'a>,
    members: Map<String, Value>,
    token: &'a [u8],
    now: UnixSeconds,
    options: VerifyOptions<'a>,
}

/// A token that stands up to every check of this module.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Verified {
    /// Its issuer's index in the snapshot's `issuers`.
    pub issuer: usize,
    /// The `kid` of the key that signed it.
    pub kid: String,
    /// The algorithm it is signed with.
    pub algorithm: Algorithm,
    /// Its claims.
    pub claims: Claims,
    /// The DPoP proof's id, which the host should accept only once.
    pub dpop: Option<DpopUse>,
}

impl Issuers {
    /// Verifies a token at a time.
    ///
    /// ```
    /// use deputize::time::UnixSeconds;
    /// use deputize::token::{IssuerConfig, Issuers, RevokedConfig, VerifyOptions};
    ///
    /// let config: IssuerConfig = serde_json::from_str(
    ///     r#"{
    ///       "issuer": "https://id.example",
    ///       "audiences": ["https://api.example"],
    ///       "algorithms": ["EdDSA"],
    ///       "keys": { "keys": [ { "kty": "OKP", "crv": "Ed25519", "kid": "k1",
    ///         "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" } ] }
    ///     }"#,
    /// )?;
    /// let issuers = Issuers::compile(&[config], &RevokedConfig::default())?;
    /// let error = issuers
    ///     .verify(b"not.a-token", UnixSeconds(1_763_719_200), &VerifyOptions::default())
    ///     .unwrap_err();
    /// assert_eq!(error.code(), "token.malformed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Each [`TokenError`] as its documentation says, except
    /// [`TokenError::RevokedPrincipal`].
    pub fn verify(
        &self,
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
    ) -> Result<Verified, TokenError> {
        self.prepare(token, now, options)?.verify()
    }

    /// Makes every check that comes before the signature.
    ///
    /// # Errors
    ///
    /// Those of [`Issuers::verify`] that come before
    /// [`TokenError::Signature`].
    pub fn prepare<'a>(
        &'a self,
        token: &'a [u8],
        now: UnixSeconds,
        options: &VerifyOptions<'a>,
    ) -> Result<Prepared<'a>, TokenError> {
        let jws = Jws::parse(token)?;
        jws.header.algorithm()?;
        let members = jws.claims()?;
        let name = match members.get("iss") {
            None => return Err(TokenError::IssuerMissing),
            Some(Value::String(name)) => name,
            Some(_) => {
                return Err(TokenError::Claim {
                    claim: "iss".to_owned(),
                    expected: "a string",
                });
            }
        };
        let (index, issuer) = self.find(name)?;
        let algorithm = jws.header.algorithm()?;
        if !issuer.algorithms.contains(&algorithm) {
            return Err(TokenError::Algorithm {
                algorithm: algorithm.name().to_owned(),
            });
        }
        check_type(jws.header.typ.as_deref(), issuer)?;
        let key = issuer.keys.select(&jws.header, &issuer.algorithms)?;
        Ok(Prepared {
            issuers: self,
            index,
            issuer,
            key,
            jws,
            members,
            token,
            now,
            options: *options,
        })
    }
}

impl Prepared<'_> {
    /// The algorithm to check the signature with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The key to check it with, as a public JWK; `None` for a shared secret,
    /// which only [`Prepared::verify`] uses.
    #[must_use]
    pub fn public_jwk(&self) -> Option<Value> {
        self.key.to_public_jwk()
    }

    /// The bytes that were signed.
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.jws.signing_input
    }

    /// The signature's bytes; for ECDSA `r ‖ s`, as WebCrypto takes them.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.jws.signature
    }

    /// Checks the signature here, and nothing else: a token whose signature fits
    /// may be expired, or another's.
    ///
    /// # Errors
    ///
    /// [`TokenError::Signature`], and [`TokenError::KeyUnfit`] where this build
    /// cannot tell.
    pub fn check_signature(&self) -> Result<(), TokenError> {
        self.key.verify(&self.jws)
    }

    /// The `kid` of the key to check it with.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.key.kid()
    }

    /// Checks the signature here, and then everything that comes after it.
    ///
    /// # Errors
    ///
    /// [`TokenError::Signature`], and those that come after it.
    pub fn verify(self) -> Result<Verified, TokenError> {
        self.check_signature()?;
        self.accept()
    }

    /// Takes another's word for the signature, and checks everything that comes
    /// after it. `signature_fits` must be the answer for exactly this
    /// [algorithm](Self::algorithm), [key](Self::public_jwk),
    /// [input](Self::signing_input) and [signature](Self::signature).
    ///
    /// # Errors
    ///
    /// [`TokenError::Signature`] where it is `false` or the key is a shared
    /// secret, and those that come after it.
    pub fn finish(self, signature_fits: bool) -> Result<Verified, TokenError> {
        if !signature_fits || self.algorithm().is_symmetric() {
            return Err(TokenError::Signature);
        }
        self.accept()
    }

    /// Steps 5 to 8: only ever called once the signature is known to fit.
    fn accept(self) -> Result<Verified, TokenError> {
        let mut claims = Claims::read(self.members, self.issuer)?;
        check_actors(&claims)?;
        check_times(&claims, self.issuer, self.now)?;
        claims.audience_by = check_audience(&claims, self.issuer, self.options.audience)?;
        claims.reading.check_whole(&claims)?;
        claims.confirmation = Confirmation::read(&claims.all)?;
        let dpop = confirmation::check(
            claims.confirmation.as_ref(),
            self.options.dpop.as_ref(),
            self.options.certificate,
            self.token,
            self.now,
        )?;
        let revoked = self.issuers.revoked();
        revoked.check_key(&self.issuer.name, self.key.kid())?;
        revoked.check_token(claims.id.as_deref())?;
        Ok(Verified {
            issuer: self.index,
            kid: self.key.kid().to_owned(),
            algorithm: self.key.algorithm(),
            claims,
            dpop,
        })
    }
}

impl fmt::Debug for Prepared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("issuer", &self.issuer.name)
            .field("jws", &self.jws)
            .finish_non_exhaustive()
    }
}

/// RFC 8725 §3.11: a token of one kind must not be taken for another.
fn check_type(typ: Option<&str>, issuer: &Issuer) -> Result<(), TokenError> {
    // RFC 7519 §5.1: where `typ` is left out, the context says that it is a JWT.
    let found = media_type(typ.unwrap_or("JWT"));
    if issuer.types.contains(&found) {
        return Ok(());
    }
    Err(TokenError::Type {
        typ: typ.map(|typ| shorten(typ, 100)),
        expected: issuer.types.clone(),
    })
}

/// Nothing is inferred from a token's shape: an issuer that does not say how
/// `act` is to be read has no tokens with it.
pub(crate) fn check_actors(claims: &Claims) -> Result<(), TokenError> {
    let reading = &claims.reading;
    match (reading.chain, claims.actors.first()) {
        (ChainConvention::None | ChainConvention::Client, Some(_)) => {
            Err(TokenError::ChainNotExpected)
        }
        (ChainConvention::Client, None) if claims.client.is_none() => {
            Err(TokenError::ChainClientMissing)
        }
        // The client that came last is the one that acts.
        (ChainConvention::Rfc8693, Some(current)) if reading.client.is_some() => {
            let client = claims.client.as_deref();
            let client = client.ok_or(TokenError::ChainClientMissing)?;
            let named = match current.all.get("client_id") {
                Some(name) => name.as_str(),
                None => Some(current.subject.as_str()),
            };
            match named == Some(client) {
                true => Ok(()),
                false => Err(TokenError::ChainClientMismatch),
            }
        }
        _ => Ok(()),
    }
}

/// RFC 7519 §4.1.4 to §4.1.6, with the issuer's leeway on each bound.
fn check_times(claims: &Claims, issuer: &Issuer, now: UnixSeconds) -> Result<(), TokenError> {
    let expires_at = claims.expires_at;
    // "on or after which the JWT MUST NOT be accepted"
    if now >= expires_at.plus(issuer.leeway) {
        return Err(TokenError::Expired { expires_at, now });
    }
    for (claim, time) in [("nbf", claims.not_before), ("iat", claims.issued_at)] {
        if let Some(at) = time
            && at > now.plus(issuer.leeway)
        {
            return Err(TokenError::NotYetValid { claim, at, now });
        }
    }
    let lifetime = expires_at.since(claims.issued_at.unwrap_or(now));
    if lifetime > issuer.max_lifetime {
        return Err(TokenError::Lifetime {
            lifetime,
            limit: issuer.max_lifetime,
        });
    }
    Ok(())
}

/// RFC 7519 §4.1.3 and RFC 8725 §3.9. Gives what stood for an audience that
/// the token does not name.
fn check_audience(
    claims: &Claims,
    issuer: &Issuer,
    asked: Option<&str>,
) -> Result<Option<String>, TokenError> {
    let found = claims.audience.as_slice();
    if let (true, Some((claim, one_of))) = (found.is_empty(), &issuer.audience_by) {
        let value = claim.find(&claims.all).and_then(Value::as_str);
        let value = value.ok_or(TokenError::AudienceMissing)?;
        let known = one_of.iter().any(|known| known == value);
        return match known && asked.is_none_or(|asked| asked == value) {
            true => Ok(Some(value.to_owned())),
            false => Err(TokenError::AudienceMismatch {
                expected: asked.map_or_else(|| one_of.clone(), |asked| vec![asked.to_owned()]),
            }),
        };
    }
    if found.is_empty() {
        // A host that says who it is wants to hear its name.
        let needed = issuer.audience_required || asked.is_some();
        return if needed {
            Err(TokenError::AudienceMissing)
        } else {
            Ok(None)
        };
    }
    let trusted = |audience: &str| issuer.audiences.iter().any(|known| known == audience);
    let fits = match asked {
        Some(asked) => {
            found.iter().any(|audience| audience == asked)
                && (issuer.audiences.is_empty() || trusted(asked))
        }
        None => found.iter().any(|audience| trusted(audience)),
    };
    if fits {
        return Ok(None);
    }
    let expected = match asked {
        Some(asked) => vec![asked.to_owned()],
        None => issuer.audiences.clone(),
    };
    Err(TokenError::AudienceMismatch { expected })
}
