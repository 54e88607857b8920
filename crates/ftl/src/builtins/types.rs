//! Built-ins that ask for the type of a value.

use super::{Args, Builtin, Returned, Run, define};
use crate::eval::Env;
use crate::syntax::ast::BuiltinCall;
use crate::value::{DateKind, Value};

pub(super) const TABLE: &[Builtin] = &[
    define("is_string", Run::Any(test), Args::None),
    define("is_number", Run::Any(test), Args::None),
    define("is_boolean", Run::Any(test), Args::None),
    define("is_date", Run::Any(test), Args::None),
    define("is_date_like", Run::Any(test), Args::None),
    define("is_date_only", Run::Any(test), Args::None),
    define("is_time", Run::Any(test), Args::None),
    define("is_datetime", Run::Any(test), Args::None),
    define("is_unknown_date_like", Run::Any(test), Args::None),
    define("is_sequence", Run::Any(test), Args::None),
    define("is_collection", Run::Any(test), Args::None),
    define("is_collection_ex", Run::Any(test), Args::None),
    define("is_enumerable", Run::Any(test), Args::None),
    define("is_indexable", Run::Any(test), Args::None),
    define("is_hash", Run::Any(test), Args::None),
    define("is_hash_ex", Run::Any(test), Args::None),
    define("is_macro", Run::Any(test), Args::None),
    define("is_directive", Run::Any(test), Args::None),
    define("is_method", Run::Any(test), Args::None),
    define("is_transform", Run::Any(test), Args::None),
    define("is_node", Run::Any(test), Args::None),
    define("is_markup_output", Run::Any(test), Args::None),
];

fn test<'a>(_: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    let answer = match call.builtin.name {
        "is_string" => value.text().is_some(),
        "is_number" => matches!(value, Value::Number(_)),
        "is_boolean" => matches!(value, Value::Bool(_) | Value::Match(_)),
        "is_date" | "is_date_like" => matches!(value, Value::Date(_)),
        "is_date_only" => matches!(&value, Value::Date(date) if date.kind == DateKind::Date),
        "is_time" => matches!(&value, Value::Date(date) if date.kind == DateKind::Time),
        "is_datetime" => matches!(&value, Value::Date(date) if date.kind == DateKind::DateTime),
        "is_sequence" | "is_indexable" | "is_enumerable" => value.is_sequence(),
        "is_collection" => match &value {
            Value::Range(range) => range.is_listable_endless(),
            Value::List(list) => list.kind.is_collection(),
            _ => false,
        },
        "is_collection_ex" => false,
        "is_hash" => value.is_hash(),
        "is_hash_ex" => value.is_hash_ex(),
        "is_macro" => {
            matches!(
                value.type_name(),
                "macro+misc_template_model" | "macro" | "function"
            )
        }
        "is_directive" => match &value {
            Value::Callable(callable) => callable.is_directive(),
            value => matches!(value, Value::Macro(..) | Value::Transform(_)),
        },
        "is_markup_output" => matches!(value, Value::Markup(_)),
        "is_transform" => value.type_name() == "transform",
        "is_method" => value.type_name() == "method",
        _ => false,
    };
    Ok(Some(Value::Bool(answer)))
}
