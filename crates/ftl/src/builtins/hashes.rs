//! Built-ins on hashes.

use super::{Args, Builtin, Returned, Run, define};
use crate::eval::Env;
use crate::syntax::ast::BuiltinCall;
use crate::value::{ListKind, Value};

pub(super) const TABLE: &[Builtin] = &[
    define("keys", Run::Any(keys), Args::None),
    define("values", Run::Any(values), Args::None),
];

fn keys<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    if !value.is_hash_ex() {
        return Err(env.type_fault(&call.target, "extended hash", &value));
    }
    let entries = env.entries(&value)?;
    let keys = entries.into_iter().map(|(key, _)| Some(Value::Str(key)));
    Ok(Some(Value::special_list(keys.collect(), kind_of(&value))))
}

fn values<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, value: Value<'a>) -> Returned<'a> {
    if !value.is_hash_ex() {
        return Err(env.type_fault(&call.target, "extended hash", &value));
    }
    let entries = env.entries(&value)?;
    let values = entries.into_iter().map(|(_, value)| value);
    Ok(Some(Value::special_list(values.collect(), kind_of(&value))))
}

fn kind_of(hash: &Value<'_>) -> ListKind {
    match hash {
        Value::HashView(_) => ListKind::DataCollection,
        _ => ListKind::Collection,
    }
}
