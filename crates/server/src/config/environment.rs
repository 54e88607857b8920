//! Settings from environment variables.

use figment::providers::{Env, Serialized};
use figment::value::{Dict, Map, Tag, Value};
use figment::{Metadata, Profile, Provider};

/// What the variables' names start with; levels are divided by `__`.
const PREFIX: &str = "MILLSTREAM_";

/// Variables of that prefix which are no settings: they speak to the command line, the tests and the
/// scripts.
const NOT_SETTINGS: &[&str] = &[
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD_FILE",
    "API_KEY",
    "BIN",
    "CONFIG",
    "NO_NEXTEST",
    "PROFILE",
    "TOKEN",
    "URL",
];

/// What further variables of that kind start with.
const NOT_SETTINGS_PREFIX: &str = "TEST_";

/// The variable of a setting.
pub(super) fn variable_name(setting: &str) -> String {
    let levels = setting.to_uppercase().replace('.', "__");
    format!("{PREFIX}{levels}")
}

/// One variable, as a source of its own, so that its name is known where its value is wrong.
pub(super) struct Variable {
    setting: String,
    text: String,
    /// What the setting is where nobody sets it: it says how the text is to be read.
    default: Option<Value>,
}

impl Variable {
    pub(super) fn new(setting: &str, text: &str, default: Option<Value>) -> Self {
        Self {
            setting: setting.to_owned(),
            text: text.to_owned(),
            default,
        }
    }

    fn name(&self) -> String {
        variable_name(&self.setting)
    }

    /// A text is taken as it stands, even one that looks like a number; a list is JSON
    /// (`["a", "b"]`) or plain (`a,b`).
    fn value(&self) -> Value {
        let text = self.text.trim();
        match &self.default {
            Some(Value::String(..)) | None => Value::from(self.text.clone()),
            Some(Value::Array(..)) if !text.starts_with('[') => {
                let items = text.split(',').map(str::trim);
                let items = items.filter(|item| !item.is_empty()).map(Value::from);
                Value::Array(Tag::Default, items.collect())
            }
            Some(_) => match text.parse() {
                Ok(value) => value,
                Err(never) => match never {},
            },
        }
    }
}

impl Provider for Variable {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Serialized::default(&self.setting, self.value()).data()
    }
}

/// The variables that are settings. `default` knows what each setting is where nobody sets it.
pub(super) fn variables(default: impl Fn(&str) -> Option<Value>) -> Vec<Variable> {
    let is_setting = |name: &str| !name.to_uppercase().starts_with(NOT_SETTINGS_PREFIX);
    let environment = Env::prefixed(PREFIX)
        .ignore(NOT_SETTINGS)
        .filter(move |name| is_setting(name.as_str()))
        .split("__");
    let variables = environment.iter();
    variables
        .map(|(setting, text)| Variable::new(setting.as_str(), &text, default(setting.as_str())))
        .collect()
}
