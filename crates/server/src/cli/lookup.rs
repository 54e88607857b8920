//! Finds things by their id or by their name.

use serde_json::Value;

use super::{Failure, output};

/// A kind of thing, as a list shows it.
pub(super) struct Kind {
    /// What people call it.
    pub(super) what: &'static str,
    /// The field that identifies it.
    pub(super) id: &'static str,
    /// The fields by which people call it.
    pub(super) names: &'static [&'static str],
}

impl Kind {
    /// The item with this id, or the only one of this name.
    pub(super) fn pick(&self, wanted: &str, mut items: Vec<Value>) -> Result<Value, Failure> {
        if let Some(found) = items.iter().position(|item| item[self.id] == wanted) {
            return Ok(items.swap_remove(found));
        }
        items.retain(|item| self.is_called(item, wanted));
        let what = self.what;
        match items.len() {
            0 => Err(anyhow::anyhow!(
                "there is no {what} {wanted}; `millstream {what} list` lists them"
            )
            .into()),
            1 => Ok(items.swap_remove(0)),
            several => {
                let ids = items.iter().map(|item| output::text(&item[self.id]));
                let ids: Vec<_> = ids.collect();
                Err(anyhow::anyhow!(
                    "{several} {what}s are called {wanted}; say which by its id: {}",
                    ids.join(", ")
                )
                .into())
            }
        }
    }

    fn is_called(&self, item: &Value, wanted: &str) -> bool {
        self.names.iter().any(|&field| {
            let name = item[field].as_str().unwrap_or_default();
            // Addresses are kept in small letters.
            name == wanted || (field == "email" && name.eq_ignore_ascii_case(wanted))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PROJECT: Kind = Kind {
        what: "project",
        id: "id",
        names: &["name"],
    };

    #[test]
    fn of_several_with_one_name_every_id_is_said() {
        let item = |id: &str| json!({"id": id, "name": "Shop"});
        let chosen = PROJECT.pick("Shop", vec![item("prj_a")]).unwrap();
        assert_eq!(chosen["id"], "prj_a");
        let items = vec![
            item("prj_a"),
            item("prj_b"),
            json!({"id": "prj_c", "name": "Else"}),
        ];
        assert_eq!(PROJECT.pick("prj_b", items.clone()).unwrap()["id"], "prj_b");
        let Err(Failure::Failed(error)) = PROJECT.pick("Shop", items) else {
            panic!("an ambiguous name was taken");
        };
        assert_eq!(
            error.to_string(),
            "2 projects are called Shop; say which by its id: prj_a, prj_b"
        );
    }

    #[test]
    fn an_address_is_found_however_it_is_written() {
        let member = Kind {
            what: "member",
            id: "person",
            names: &["email", "name"],
        };
        let ann = json!({"person": "person_1", "email": "ann@example.com", "name": "Ann"});
        for wanted in ["person_1", "Ann@Example.com", "Ann"] {
            assert!(member.pick(wanted, vec![ann.clone()]).is_ok(), "{wanted}");
        }
        assert!(member.pick("ann", vec![ann]).is_err());
    }
}
