//! A request as a command of `curl`.

use super::shell::{fits_an_argument, print, word};
use super::trace::Text;
use super::{Request, Variable};

/// Headers that curl adds of its own where a request has none of them.
const OF_CURL: [&str; 2] = ["accept", "expect"];

impl Request {
    /// The command that sends this request, for a POSIX shell. Its variables have to be set in the
    /// shell or its environment.
    ///
    /// It reads no configuration of curl's, takes the URL as it stands, and never takes content for
    /// the name of a file.
    pub fn curl(&self) -> String {
        let names: Vec<&str> = self.variables.iter().map(Variable::name).collect();
        let mut options = vec![
            "curl -q --include --globoff --path-as-is".to_owned(),
            format!("--request {}", self.method),
            format!("--url {}", word(&self.url, &names)),
        ];
        let headers = self.headers.iter();
        options.extend(
            headers.map(|(name, value)| format!("--header {}", word(&line(name, value), &names))),
        );
        let has = |wanted: &str| self.headers.iter().any(|(name, _)| name.plain() == wanted);
        let unwanted = OF_CURL.into_iter().filter(|name| !has(name));
        options.extend(unwanted.map(|name| format!("--header '{name}:'")));
        let printed = match fits_an_argument(&self.body) {
            true => {
                options.push(format!("--data-raw {}", word(&self.body, &names)));
                String::new()
            }
            false => {
                options.push("--data-binary @-".to_owned());
                format!("{} |\n", print(&self.body, &names))
            }
        };
        printed + &options.join(" \\\n  ")
    }
}

impl Variable {
    fn name(&self) -> &str {
        &self.name
    }
}

/// A header as curl takes it: one without a value ends with a semicolon.
fn line(name: &Text, value: &Text) -> Text {
    let has_value = !value.pieces().is_empty();
    let separator = match has_value {
        true => ": ",
        false if name.pieces().iter().any(|piece| piece.is_secret()) => "",
        false => ";",
    };
    let separator = Text::of(separator);
    let pieces = [name, &separator, value];
    let pieces = pieces.into_iter().flat_map(Text::pieces);
    pieces.cloned().collect()
}
