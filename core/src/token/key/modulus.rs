//! RSA moduli and exponents that no honest key has.

use super::KeyFault;
use super::{MAX_RSA_BITS, MIN_RSA_BITS};

/// The odd primes up to 167: those that the ROCA test needs, which also serve to
/// find a modulus with a small factor.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Checks a modulus and an exponent, big-endian and without leading zeros.
pub(super) fn check(n: &[u8], e: &[u8]) -> Result<(), KeyFault> {
    let bits = match n.first() {
        Some(first) => n.len() * 8 - first.leading_zeros() as usize,
        None => 0,
    };
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(KeyFault::Size { bits });
    }
    let odd = |reason| Err(KeyFault::Odd { reason });
    if n.last().is_none_or(|last| last % 2 == 0) {
        return odd("the RSA modulus is even");
    }
    if PRIMES.iter().any(|prime| remainder(n, *prime) == 0) {
        return odd("the RSA modulus has a small factor");
    }
    if is_roca(n) {
        return odd("the RSA modulus can be factored (ROCA, CVE-2017-15361)");
    }
    // AWS-LC takes exponents of up to 33 bits; four bytes hold every one in use.
    if e.len() > 4 {
        return odd("the RSA exponent has more than 32 bits");
    }
    let exponent = e
        .iter()
        .fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    if exponent < 3 || exponent % 2 == 0 {
        return odd("the RSA exponent must be odd and at least 3");
    }
    Ok(())
}

/// Whether the modulus has the mark of the flawed generator of CVE-2017-15361:
/// modulo each small prime it is a power of 65537.
fn is_roca(n: &[u8]) -> bool {
    PRIMES.iter().all(|prime| {
        let wanted = remainder(n, *prime);
        let mut power = 1;
        (0..*prime).any(|_| {
            power = power * 65_537 % prime;
            power == wanted
        })
    })
}

fn remainder(n: &[u8], divisor: u32) -> u32 {
    n.iter()
        .fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(bytes: usize, first: u8, last: u8) -> Vec<u8> {
        let mut n = vec![0xa5; bytes];
        n[0] = first;
        n[bytes - 1] = last;
        n
    }

    #[test]
    fn sizes_are_checked_on_both_sides() {
        let size = |bytes, first| match check(&number(bytes, first, 0x01), &[1, 0, 1]) {
            Err(KeyFault::Size { bits }) => Some(bits),
            _ => None,
        };
        assert_eq!(size(256, 0x7f), Some(2047));
        assert_eq!(size(256, 0x80), None);
        assert_eq!(size(1024, 0xff), None);
        assert_eq!(size(1025, 0x01), Some(8193));
        assert_eq!(check(&[], &[3]), Err(KeyFault::Size { bits: 0 }));
    }

    #[test]
    fn remainders_are_those_of_long_division() {
        assert_eq!(remainder(&[1, 0, 1], 167), 65_537 % 167);
        assert_eq!(remainder(&[0xff; 4], 97), u32::MAX % 97);
    }

    #[test]
    fn exponents_of_one_zero_and_even_ones_are_refused() {
        let mut n = number(256, 0x80, 0x01);
        while PRIMES.iter().any(|prime| remainder(&n, *prime) == 0) {
            n[255] += 2;
        }
        assert_eq!(check(&n, &[1, 0, 1]), Ok(()));
        assert_eq!(check(&n, &[3]), Ok(()));
        for e in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
            assert!(matches!(check(&n, e), Err(KeyFault::Odd { .. })), "{e:?}");
        }
        n[255] &= 0xfe;
        assert!(matches!(check(&n, &[1, 0, 1]), Err(KeyFault::Odd { .. })));
    }
}
