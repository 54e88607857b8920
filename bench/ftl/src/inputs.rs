//! The data of all templates: an event of 1.6 KB, a sync's mappings, and a catalogue.

use std::path::Path;

use serde_json::{Value, json};

/// The event's bytes.
pub(crate) const EVENT: &str = include_str!("../data/event.json");

/// `mappedProperties`: names, and the event's fields behind them.
pub(crate) const PROPERTIES: [(&str, &str); 5] = [
    ("town", "city"),
    ("country", "country"),
    ("browser", "os_name"),
    ("browser_version", "os_version"),
    ("language", "language"),
];

/// `mappedFields`.
pub(crate) const FIELDS: [(&str, &str); 2] = [("external_id", "user_id"), ("email", "user_id")];

const SECTIONS: [&str; 5] = [
    "road bikes",
    "city bikes",
    "helmets",
    "lights",
    "spare parts",
];
const ITEMS: u64 = 100;

/// `parameters` as JSON: sections of a hundred items each, in no order of their prices.
pub(crate) fn parameters() -> String {
    let sections: Vec<Value> = SECTIONS
        .iter()
        .zip(1..)
        .map(|(title, section)| {
            let items: Vec<Value> = (0..ITEMS).map(|nth| item(section, nth)).collect();
            json!({"title": title, "items": items})
        })
        .collect();
    json!({ "sections": sections }).to_string()
}

fn item(section: u64, nth: u64) -> Value {
    // A step that shares no factor with the number of items reaches each of them once.
    let rank = nth * 37 % ITEMS;
    json!({
        "sku": format!("sku-{section}-{nth:04}"),
        "name": format!("trail item no. {nth}"),
        // With one decimal, reduced prices have two at most: nothing depends on how halves are rounded.
        "price": (section * 10 + rank * 25) as f64 + 0.5,
        "discount": nth % 4 * 10,
        "stock": nth % 7,
    })
}

/// Writes the inputs to `folder`, for Java.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::write(folder.join("event.json"), EVENT)?;
    std::fs::write(folder.join("parameters.json"), parameters())?;
    let mapping = |names: &[(&str, &str)]| -> String {
        let lines = names
            .iter()
            .map(|(name, field)| format!("{name} {field}\n"));
        lines.collect()
    };
    std::fs::write(folder.join("properties.txt"), mapping(&PROPERTIES))?;
    std::fs::write(folder.join("fields.txt"), mapping(&FIELDS))?;
    for case in &crate::case::CASES {
        std::fs::write(folder.join(case.name).with_extension("ftl"), case.ftl)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_as_large_as_the_table_says() {
        assert!((1_550..1_650).contains(&EVENT.len()), "{}", EVENT.len());
    }

    #[test]
    fn every_price_of_a_section_is_another() {
        let parameters: Value = serde_json::from_str(&parameters()).unwrap();
        let items = parameters["sections"][0]["items"].as_array().unwrap();
        let prices: std::collections::BTreeSet<String> =
            items.iter().map(|item| item["price"].to_string()).collect();
        assert_eq!(prices.len(), 100);
    }
}
