//! The second factor: codes that change every 30 seconds (RFC 6238), and recovery codes for when
//! the device that makes them is lost.

use model::{Random, Timestamp};
use store::Secret;
use totp_rs::Totp;

use crate::portal::ApiError;

/// Recovery codes that a person gets.
const RECOVERY_CODES: usize = 10;

/// What accounts are listed under in people's apps.
const ISSUER: &str = "Millstream";

/// A new secret, in base 32.
pub(crate) fn generate(random: &dyn Random) -> Secret {
    let words: [u64; 3] = std::array::from_fn(|_| random.next_u64());
    let bytes = words.map(u64::to_le_bytes).concat();
    // 160 bits, as the RFC recommends.
    Secret::new(totp_rs::Secret::from(&bytes[..20]).to_base32())
}

/// Whether a secret can be one that was [made](generate) here: as long, and with nothing of a secret that
/// somebody made up. Of twenty random bytes fewer than eight differ once in 10^15 times.
pub(crate) fn may_be_offered(secret: &Secret) -> bool {
    let Ok(bytes) = totp_rs::Secret::try_from_base32(secret.expose()) else {
        return false;
    };
    let bytes = bytes.as_ref();
    let different: std::collections::BTreeSet<u8> = bytes.iter().copied().collect();
    bytes.len() == 20 && different.len() >= 8
}

/// What to show as a picture to people's apps.
pub(crate) fn url(secret: &Secret, email: &str) -> Result<Secret, ApiError> {
    let totp = build(secret, email).map_err(unusable)?;
    totp.to_url().map(Secret::new).map_err(unusable)
}

/// The time step of the code; `None` when it is wrong. Steps beside the present one count too:
/// clocks differ.
pub(crate) fn check(secret: &Secret, code: &str, now: Timestamp) -> Option<u64> {
    let seconds = u64::try_from(now.millis() / 1000).ok()?;
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    build(secret, "-").ok()?.check(&code, seconds)
}

/// New recovery codes: 80 random bits each, in two groups for the eye.
pub(crate) fn recovery_codes(random: &dyn Random) -> Vec<Secret> {
    let code = |_| {
        let (high, low) = (random.next_u64(), random.next_u64());
        let digits = format!("{:010x}{:010x}", high >> 24, low >> 24);
        Secret::new(format!("{}-{}", &digits[..10], &digits[10..]))
    };
    (0..RECOVERY_CODES).map(code).collect()
}

/// A recovery code as it was shown, whatever people made of it when they typed it.
pub(crate) fn normal_recovery_code(code: &str) -> Option<Secret> {
    let digits = code.chars().filter(char::is_ascii_alphanumeric);
    let digits: String = digits.map(|c| c.to_ascii_lowercase()).collect();
    (digits.len() == 20).then(|| Secret::new(format!("{}-{}", &digits[..10], &digits[10..])))
}

fn build(secret: &Secret, email: &str) -> Result<Totp, totp_rs::TotpError> {
    let secret = totp_rs::Secret::try_from_base32(secret.expose());
    // One that is too short is refused below.
    let secret = secret.unwrap_or_else(|_| Vec::new().into());
    totp_rs::Builder::new()
        .with_secret(secret)
        .with_issuer(Some(ISSUER))
        // A colon separates issuer and account.
        .with_account_name(email.replace(':', "_"))
        .build()
}

fn unusable(error: totp_rs::TotpError) -> ApiError {
    ApiError::Internal {
        source: error.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use model::random::Seeded;

    use super::*;

    /// RFC 6238, appendix B, of whose eight digits the last six are the code of six.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into());
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let now = Timestamp(seconds * 1_000_000);
            assert_eq!(check(&secret, code, now), Some(seconds as u64 / 30));
            let late = Timestamp((seconds + 90) * 1_000_000);
            assert_eq!(check(&secret, code, late), None);
        }
    }

    #[test]
    fn only_secrets_that_are_random_enough_may_have_been_offered() {
        for seed in 0..1000 {
            assert!(may_be_offered(&generate(&Seeded::new(seed))), "{seed}");
        }
        for made_up in [
            "",
            "A",
            "no base 32!",
            "JBSWY3DPEHPK3PXP",
            &"A".repeat(32),
            &"AB".repeat(26),
        ] {
            assert!(!may_be_offered(&Secret::new(made_up.into())), "{made_up}");
        }
    }

    #[test]
    fn a_url_names_the_account() {
        let secret = generate(&Seeded::new(1));
        let url = url(&secret, "someone@example.com").unwrap();
        let url = url.expose();
        assert!(url.starts_with("otpauth://totp/Millstream:someone%40example.com?"));
        assert!(url.contains(secret.expose()), "{url}");
    }

    #[test]
    fn recovery_codes_are_read_as_people_type_them() {
        let codes = recovery_codes(&Seeded::new(1));
        assert_eq!(codes.len(), RECOVERY_CODES);
        let typed = codes[0].expose().to_uppercase().replace('-', " ");
        assert_eq!(normal_recovery_code(&typed).as_ref(), Some(&codes[0]));
        assert_eq!(normal_recovery_code("123456"), None);
    }
}
