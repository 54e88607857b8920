//! The event of a preview for which no event is given.

use std::sync::LazyLock;

use serde_json::Value;

static EVENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("sample.json")).expect("the sample is JSON, as a test shows")
});

/// An event with all common fields, as it is streamed.
pub(super) fn event() -> Value {
    EVENT.clone()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sample_can_be_rendered() {
        let event = super::super::subject::event_of(&super::event()).unwrap();
        assert!(event.root().is_ok());
    }
}
