//! The built-ins: what they are applied to, with what, and what they give.

use std::sync::LazyLock;

use super::Ty;

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arg {
    Value(Ty),
    /// A function of one argument.
    Lambda(Ty, Ty),
}

/// One way to call a built-in.
pub(super) struct Signature {
    pub(super) target: Ty,
    pub(super) name: &'static str,
    pub(super) args: Vec<Arg>,
    pub(super) result: Ty,
}

pub(super) static SIGNATURES: LazyLock<Vec<Signature>> =
    LazyLock::new(|| TABLE.lines().filter_map(signature).collect());

/// `target?name(arguments): result`
fn signature(line: &'static str) -> Option<Signature> {
    let (target, rest) = line.split_once('?')?;
    let (call, result) = rest.rsplit_once(": ")?;
    let (name, args) = match call.split_once('(') {
        Some((name, args)) => (name, args.trim_end_matches(')')),
        None => (call, ""),
    };
    Some(Signature {
        target: Ty::named(target),
        name,
        args: args
            .split(", ")
            .filter(|arg| !arg.is_empty())
            .map(|arg| match arg.split_once("->") {
                Some((from, to)) => Arg::Lambda(Ty::named(from), Ty::named(to)),
                None => Arg::Value(Ty::named(arg)),
            })
            .collect(),
        result: Ty::named(result),
    })
}

const TABLE: &str = "\
str?upper_case: str
str?lower_case: str
str?cap_first: str
str?uncap_first: str
str?capitalize: str
str?chop_linebreak: str
str?trim: str
str?contains(short): bool
str?starts_with(short): bool
str?ends_with(short): bool
str?ensure_starts_with(short): str
str?ensure_starts_with(regex, short): str
str?ensure_starts_with(regex, short, flags): str
str?ensure_ends_with(short): str
str?index_of(short): small
str?index_of(short, small): small
str?last_index_of(short): small
str?last_index_of(short, small): small
str?keep_before(short): str
str?keep_before(regex, flags): str
str?keep_before_last(short): str
str?keep_before_last(regex, flags): str
str?keep_after(short): str
str?keep_after(regex, flags): str
str?keep_after_last(short): str
str?keep_after_last(regex, flags): str
str?remove_beginning(short): str
str?remove_ending(short): str
str?left_pad(small): str
str?left_pad(small, short): str
str?right_pad(small): str
str?right_pad(small, short): str
str?length: small
str?substring(small): str
str?substring(small, small): str
str?word_list: strs
str?truncate(small): str
str?truncate(small, short): str
str?truncate(small, short, small): str
str?truncate_w(small): str
str?truncate_w(small, short): str
str?truncate_c(small): str
str?truncate_c(small, short, small): str
str?truncate_m(small): any
str?truncate_m(small, short): any
str?truncate_w_m(small): any
str?truncate_c_m(small, short): any
str?absolute_template_name: str
str?absolute_template_name(short): str
str?length?double: num
str?is_markup_output: bool
str?html: str
str?web_safe: str
str?xhtml: str
str?xml: str
str?rtf: str
str?j_string: str
str?js_string: str
str?json_string: str
str?url: str
str?url(charset): str
str?url_path: str
str?url_path(charset): str
str?replace(short, short): str
str?replace(short, short, flags): str
str?replace(regex, replacement, regexflags): str
str?split(short): strs
str?split(short, flags): strs
str?split(regex, regexflags): strs
str?matches(regex): match
str?matches(regex, flags): match
match?groups: strs
match?size: small
str?number: num
numstr?number: num
boolstr?boolean: bool
str?boolean: bool
str?string: str
json?eval_json: any
num?string: str
num?string(numformat): str
num?string.number: str
num?string.computer: str
num?string.currency: str
num?string.percent: str
num?c: str
num?c: str
num?string(longformat): str
num?double?c: str
num?float?c: str
num?double?string(numformat): str
num?double?string(longformat): str
num?float?string(longformat): str
num?double: small
bool?c: str
bool?string: str
bool?string(short, short): str
bool?then(str, str): str
bool?then(num, num): num
bool?then(strs, strs): strs
small?switch(small, str, small, str, str): str
str?switch(str, num, str, num): num
str?switch(short, str, short, str, str): str
num?abs: num
num?round: num
num?floor: num
num?ceiling: num
num?int: num
num?long: num
num?short: num
num?byte: num
num?float: num
num?double: num
num?is_nan: bool
num?is_infinite: bool
small?lower_abc: str
small?upper_abc: str
num?lower_abc: str
num?number_to_date: date
num?number_to_time: time
num?number_to_datetime: datetime
date?long: num
time?long: num
datetime?long: num
datetime?date: date
datetime?time: time
datetime?datetime: datetime
datetime?string: str
datetime?string(dateformat): str
datetime?string.short: str
datetime?string.medium: str
datetime?string.long: str
datetime?string.full: str
datetime?string.short_medium: str
datetime?string.long_short: str
datetime?string.iso: str
datetime?string.xs: str
date?string: str
date?string(dateformat): str
date?string.short: str
date?string.medium: str
date?string.long: str
date?string.full: str
date?string.iso: str
date?string.xs: str
date?date: date
time?string: str
time?string(dateformat): str
time?string.short: str
time?string.medium: str
time?string.long: str
time?string.full: str
time?string.iso: str
time?string.xs: str
time?time: time
datetime?is_unknown_date_like: bool
datetime?date_if_unknown: datetime
datetime?time_if_unknown: datetime
datetime?datetime_if_unknown: datetime
datetime?iso_utc: str
datetime?iso_utc_fz: str
datetime?iso_utc_nz: str
datetime?iso_utc_ms: str
datetime?iso_utc_ms_nz: str
datetime?iso_utc_m: str
datetime?iso_utc_m_nz: str
datetime?iso_utc_h: str
datetime?iso_utc_h_nz: str
datetime?iso_local: str
datetime?iso_local_nz: str
datetime?iso_local_ms: str
datetime?iso_local_ms_nz: str
datetime?iso_local_m: str
datetime?iso_local_m_nz: str
datetime?iso_local_h: str
datetime?iso_local_h_nz: str
datetime?iso(zone): str
datetime?iso_nz(zone): str
datetime?iso_ms(zone): str
datetime?iso_ms_nz(zone): str
datetime?iso_m(zone): str
datetime?iso_m_nz(zone): str
datetime?iso_h(zone): str
datetime?iso_h_nz(zone): str
time?iso_utc: str
time?iso_utc_ms: str
time?iso_local_m: str
time?iso(zone): str
date?iso_utc: str
date?iso_local: str
date?iso_local_nz: str
date?iso(zone): str
strs?first: str
nums?first: num
hashes?first: hash
strs?last: str
nums?last: num
strs?reverse: strs
nums?reverse: nums
hashes?reverse: hashes
strs?size: small
nums?size: small
hashes?size: small
hash?size: small
hash?keys: strs
hash?values: any
strs?join(short): str
strs?join(short, short): str
strs?join(short, short, short): str
nums?join(short): str
strs?chunk(small): any
nums?chunk(small, small): any
strs?chunk(small, short): any
strs?seq_contains(str): bool
nums?seq_contains(num): bool
strs?seq_index_of(str): small
strs?seq_index_of(str, small): small
strs?seq_last_index_of(str): small
nums?seq_last_index_of(num, small): small
nums?min: num
nums?max: num
strs?sort: strs
nums?sort: nums
hashes?sort_by(key): hashes
hashes?sort_by(keys): hashes
hashes?seq_contains(str): bool
hashes?map(hash->hash): hashes
hashes?map(hash->any): strs
strs?map(str->strs): any
strs?max: str
any?size: small
any?keys: strs
any?values: strs
any?string: str
any?first: any
any?last: any
any?reverse: any
any?sequence: any
any?length: small
any?join(short): str
any?c: str
any?number: num
any?html: any
any?markup_string: any
any?eval_json: any
any?namespace: any
strs?map(str->str): strs
strs?map(str->num): nums
nums?map(num->num): nums
nums?map(num->str): strs
hashes?map(hash->str): strs
hashes?map(hash->num): nums
strs?filter(str->bool): strs
nums?filter(num->bool): nums
hashes?filter(hash->bool): hashes
strs?take_while(str->bool): strs
nums?take_while(num->bool): nums
strs?drop_while(str->bool): strs
nums?drop_while(num->bool): nums
hashes?drop_while(hash->bool): hashes
strs?sequence: strs
nums?sequence: nums
any?is_string: bool
any?is_number: bool
any?is_boolean: bool
any?is_date: bool
any?is_date_like: bool
any?is_date_only: bool
any?is_time: bool
any?is_datetime: bool
any?is_unknown_date_like: bool
any?is_sequence: bool
any?is_collection: bool
any?is_collection_ex: bool
any?is_enumerable: bool
any?is_indexable: bool
any?is_hash: bool
any?is_hash_ex: bool
any?is_macro: bool
any?is_directive: bool
any?is_method: bool
any?is_transform: bool
any?is_node: bool
any?is_markup_output: bool
str?default(str): str
strs?default(strs, strs): strs
num?default(num): num
hash?if_exists: hash
nums?has_content: bool
hash?exists: bool
any?default(any, any): any
any?exists: bool
str?if_exists: str
any?has_content: bool
str?has_content: bool
str?esc: markup
str?no_esc: markup
markup?markup_string: str
";
