//! [`Data`] for `serde_json`.

use serde_json::{Map, Value};

use super::{Data, Entries, Hash, View};

impl Data for Value {
    fn view(&self) -> View<'_> {
        match self {
            Self::Null => View::Null,
            Self::Bool(value) => View::Bool(*value),
            Self::Number(number) => number_view(number),
            Self::String(text) => View::Str(text),
            Self::Array(items) => View::Seq(items),
            Self::Object(map) => View::Hash(map),
        }
    }
}

fn number_view(number: &serde_json::Number) -> View<'_> {
    if let Some(int) = number.as_i64() {
        return View::Int(int);
    }
    match number.as_f64() {
        Some(float) => View::Float(float),
        None => View::Null,
    }
}

impl Hash for Map<String, Value> {
    fn get(&self, key: &str) -> Option<View<'_>> {
        Map::get(self, key).map(Data::view)
    }

    fn len(&self) -> usize {
        Map::len(self)
    }

    fn entries(&self) -> Entries<'_> {
        Box::new(self.iter().map(|(key, value)| (key.as_str(), value.view())))
    }
}

impl Data for Map<String, Value> {
    fn view(&self) -> View<'_> {
        View::Hash(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_keep_their_order() {
        let value = serde_json::json!({"b": 1, "a": [true]});
        let View::Hash(hash) = value.view() else {
            panic!("a hash")
        };
        let keys: Vec<_> = hash.entries().map(|(key, _)| key).collect();
        assert_eq!(keys, ["b", "a"]);
        assert!(matches!(hash.get("a"), Some(View::Seq(items)) if crate::Seq::len(items) == 1));
    }
}
