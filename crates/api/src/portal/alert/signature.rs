//! Signed requests, as Standard Webhooks 1.0 says: receivers know that a message is ours, is whole, and
//! is not an old one sent again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use model::Random;
use sha2::Sha256;
use store::Secret;

/// What a key's text begins with.
const PREFIX: &str = "whsec_";

/// A new key: 24 random bytes.
pub(super) fn new_key(random: &dyn Random) -> Secret {
    let mut bytes = [0; 24];
    for chunk in bytes.chunks_exact_mut(8) {
        chunk.copy_from_slice(&random.next_u64().to_le_bytes());
    }
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes)))
}

/// The value of `webhook-signature` for a message of this id that is sent at this second. `None`: the key
/// is none.
pub(super) fn sign(key: &Secret, id: &str, seconds: i64, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(key.expose().strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Some(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

#[cfg(test)]
mod tests {
    use model::random::Seeded;

    use super::*;

    /// The example of the specification's libraries.
    #[test]
    fn a_message_is_signed_as_the_libraries_of_the_specification_do() {
        let key = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let body = br#"{"test": 2432232314}"#;
        let signed = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(
            signed.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }

    #[test]
    fn keys_differ_and_sign() {
        let random = Seeded::new(1);
        let (one, other) = (new_key(&random), new_key(&random));
        let signed = |key| sign(key, "msg_1", 1, b"{}").expect("a key of ours");
        assert_ne!(signed(&one), signed(&other));
        assert_eq!(sign(&Secret::new("none".into()), "msg_1", 1, b""), None);
    }
}
