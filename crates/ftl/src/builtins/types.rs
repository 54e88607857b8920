//! Built-ins that ask for the type of a value.

use super::{Args, Builtin, Returned, Run, define};
use crate::eval::Env;
use crate::syntax::ast::BuiltinCall;
use crate::value::{DateKind, UnreadKind, Value};

pub(super) const TABLE: &[Builtin] = &[
    define("is_string", Run::Unread(test), Args::None),
    define("is_number", Run::Unread(test), Args::None),
    define("is_boolean", Run::Unread(test), Args::None),
    define("is_date", Run::Unread(test), Args::None),
    define("is_date_like", Run::Unread(test), Args::None),
    define("is_date_only", Run::Unread(test), Args::None),
    define("is_time", Run::Unread(test), Args::None),
    define("is_datetime", Run::Unread(test), Args::None),
    define("is_unknown_date_like", Run::Unread(test), Args::None),
    define("is_sequence", Run::Unread(test), Args::None),
    define("is_collection", Run::Unread(test), Args::None),
    define("is_collection_ex", Run::Unread(test), Args::None),
    define("is_enumerable", Run::Unread(test), Args::None),
    define("is_indexable", Run::Unread(test), Args::None),
    define("is_hash", Run::Unread(test), Args::None),
    define("is_hash_ex", Run::Unread(test), Args::None),
    define("is_macro", Run::Unread(test), Args::None),
    define("is_directive", Run::Unread(test), Args::None),
    define("is_method", Run::Unread(test), Args::None),
    define("is_transform", Run::Unread(test), Args::None),
    define("is_node", Run::Unread(test), Args::None),
    define("is_markup_output", Run::Unread(test), Args::None),
];

fn test<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    let kept = env.kept_type(&value);
    let is_unread = matches!(value, Value::Unread(_));
    let answer = match call.builtin.name {
        "is_string" => {
            value.text().is_some()
                || matches!(&value, Value::Unread(unread) if unread.kind == UnreadKind::Url)
        }
        "is_number" => matches!(value, Value::Number(_)),
        "is_boolean" => matches!(value, Value::Bool(_) | Value::Match(_)),
        "is_date" | "is_date_like" => value.date_kind().is_some(),
        "is_date_only" => value.date_kind() == Some(DateKind::Date),
        "is_time" => value.date_kind() == Some(DateKind::Time),
        "is_datetime" => value.date_kind() == Some(DateKind::DateTime),
        "is_sequence" | "is_indexable" | "is_enumerable" => value.is_sequence(),
        "is_collection" => match &value {
            Value::Range(range) => range.is_listable_endless(),
            Value::List(list) => list.kind.is_collection(),
            _ => false,
        },
        "is_collection_ex" => false,
        "is_hash" => {
            value.is_hash()
                || (is_unread && value.date_kind().is_some())
                || kept.is_some_and(|kept| kept.contains("hash"))
        }
        "is_hash_ex" => value.is_hash_ex(),
        "is_macro" => {
            matches!(
                value.type_name(),
                "macro+misc_template_model" | "macro" | "function+misc_template_model"
            )
        }
        "is_directive" => match &value {
            Value::Callable(callable) => callable.is_directive(),
            value => matches!(value, Value::Macro(..) | Value::Transform(_)),
        },
        "is_markup_output" => matches!(value, Value::Markup(_)),
        "is_transform" => value.type_name() == "transform",
        "is_method" => is_unread || kept.is_some() || value.type_name() == "method",
        _ => false,
    };
    Ok(Some(Value::Bool(answer)))
}
