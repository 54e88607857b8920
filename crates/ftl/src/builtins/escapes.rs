//! Built-ins that escape for other languages.

use std::fmt::Write;
use std::rc::Rc;

use super::charset::encode;
use super::{Args, Builtin, Returned, Run, define};
use crate::append::append;
use crate::error::{Error, ErrorKind};
use crate::eval::{Env, Evaluated};
use crate::syntax::ast::BuiltinCall;
use crate::value::{Str, Unread, UnreadKind, Value};

pub(super) const TABLE: &[Builtin] = &[
    define("html", Run::Text(html), Args::None),
    define("web_safe", Run::Text(html), Args::None),
    define("xhtml", Run::Text(html), Args::None),
    define("xml", Run::Text(xml), Args::None),
    define("rtf", Run::Text(rtf), Args::None),
    define("j_string", Run::Str(j_string), Args::None),
    define("js_string", Run::Str(js_string), Args::None),
    define("json_string", Run::Str(json_string), Args::None).printed_by(print_json_string),
    define("url", Run::Str(url), Args::Optional(1, 1)),
    define("url_path", Run::Str(url_path), Args::Optional(1, 1)),
];

/// Texts up to this length are escaped before what becomes of them is counted.
const SHORT: usize = 64 << 10;

/// Room for what becomes of a text of `len` bytes, `escaped` of which become up to `each`. It is looked for in the budget
/// first if that is much.
fn room_for<'a>(
    env: &Env<'a>,
    len: usize,
    escaped: impl FnOnce() -> usize,
    each: usize,
) -> Evaluated<'a, usize> {
    if len <= SHORT {
        return Ok(len + 16);
    }
    let escaped = escaped();
    let room = (len - escaped).saturating_add(escaped.saturating_mul(each));
    env.check_room(room.saturating_mul(2))?;
    Ok(room)
}

/// Replaces the characters that `escape` has something for; borrows if there are none.
fn replace_chars<'a>(
    env: &mut Env<'a>,
    text: Str<'a>,
    escape: impl Fn(char) -> Option<&'static str>,
) -> Returned<'a> {
    if !text.as_str().chars().any(|c| escape(c).is_some()) {
        return Ok(Some(Value::Str(text)));
    }
    let chars = text.as_str().chars();
    let changed = || chars.filter(|c| escape(*c).is_some()).count();
    let room = room_for(env, text.as_str().len(), changed, 6)?;
    let mut escaped = String::with_capacity(room);
    for c in text.as_str().chars() {
        match escape(c) {
            Some(replacement) => escaped.push_str(replacement),
            None => escaped.push(c),
        }
    }
    env.made(escaped).map(Some)
}

fn html<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    // `?xhtml` has always done so, `?html` and `?web_safe` since 2.3.20.
    let with_apostrophe = call.builtin.name == "xhtml" || env.engine.options.version.has(20);
    replace_chars(env, text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' if with_apostrophe => Some("&#39;"),
        _ => None,
    })
}

fn xml<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    replace_chars(env, text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&apos;"),
        _ => None,
    })
}

fn rtf<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    replace_chars(env, text, |c| match c {
        '\\' => Some("\\\\"),
        '{' => Some("\\{"),
        '}' => Some("\\}"),
        _ => None,
    })
}

fn js_string<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    script_string(env, text, false)
}

fn json_string<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    script_string(env, text, true)
}

fn script_string<'a>(env: &mut Env<'a>, text: Str<'a>, json: bool) -> Returned<'a> {
    // Most strings need nothing.
    if all_plain_in_script(text.as_str().as_bytes()) {
        return Ok(Some(Value::Str(text)));
    }
    let bytes = text.as_str().bytes();
    let changed = || bytes.filter(|byte| !is_plain_in_script(*byte)).count();
    let room = room_for(env, text.as_str().len(), changed, 6)?;
    let mut escaped = Vec::with_capacity(room);
    escape_script(text.as_str(), json, &mut escaped);
    env.captured_string(escaped).map(Some)
}

/// `${text?json_string}` without a string in between.
fn print_json_string<'a>(env: &mut Env<'a>, call: &'a BuiltinCall) -> Evaluated<'a, ()> {
    match env.plain_text(&call.target) {
        Some(text) => escape_script(text, true, &mut env.out),
        None => {
            let text = env.eval_string(&call.target)?;
            escape_script(text.as_str(), true, &mut env.out);
        }
    }
    Ok(())
}

/// Which bytes, wherever they stand, aren't the first of a character that may need an escape. Those that two of the
/// bytes begin, beyond ASCII, are the control characters and the line separators, among others.
const IS_PLAIN_IN_SCRIPT: [bool; 256] = {
    let mut is_plain = [true; 256];
    let mut byte = 0;
    while byte < is_plain.len() {
        is_plain[byte] = !matches!(
            byte as u8,
            0..b' ' | 0x7f | b'"' | b'\'' | b'\\' | b'/' | b'<' | b'>' | 0xc2 | 0xe2
        );
        byte += 1;
    }
    is_plain
};

fn is_plain_in_script(byte: u8) -> bool {
    IS_PLAIN_IN_SCRIPT[usize::from(byte)]
}

/// Whether every byte is plain, as in most texts: eight are looked at before anything is decided, the last ones once more if
/// they don't fill eight.
#[inline]
fn all_plain_in_script(bytes: &[u8]) -> bool {
    let plain = |eight: &[u8; 8]| {
        let each = eight.iter().map(|byte| is_plain_in_script(*byte));
        each.fold(true, |all, plain| all & plain)
    };
    match bytes.last_chunk::<8>() {
        Some(last) => {
            let mut eights = bytes.chunks_exact(8);
            let all = eights.all(|eight| eight.first_chunk().is_none_or(plain));
            all && (eights.remainder().is_empty() || plain(last))
        }
        None => bytes.iter().all(|byte| is_plain_in_script(*byte)),
    }
}

/// Escapes for a string literal in JavaScript or JSON, and against `</script>`, `<!--`, `]]>` in a page around it.
fn escape_script(text: &str, json: bool, out: &mut Vec<u8>) {
    if all_plain_in_script(text.as_bytes()) {
        return append(out, text.as_bytes());
    }
    let mut written = 0;
    while let Some(plain) = text.as_bytes()[written..]
        .iter()
        .position(|byte| !is_plain_in_script(*byte))
    {
        let at = written + plain;
        append(out, &text.as_bytes()[written..at]);
        let (before, rest) = text.split_at(at);
        let Some(c) = rest.chars().next() else { break };
        escape_script_char(before, c, rest, json, out);
        written = at + c.len_utf8();
    }
    append(out, &text.as_bytes()[written..]);
}

/// Escapes `c`, which stands at the start of `rest`, if what is around it asks for that.
fn escape_script_char(before: &str, c: char, rest: &str, json: bool, out: &mut Vec<u8>) {
    let last_two = || {
        let mut backwards = before.chars().rev();
        let last = backwards.next();
        [backwards.next(), last]
    };
    let escape: &str = match c {
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{c}' => "\\f",
        '\u{8}' => "\\b",
        '"' => "\\\"",
        '\\' => "\\\\",
        '\'' if !json => "\\'",
        '/' if matches!(last_two()[1], None | Some('<')) => "\\/",
        '>' if closes(last_two()) && json => "\\u003E",
        '>' if closes(last_two()) => "\\>",
        '<' if matches!(rest.as_bytes().get(1), None | Some(b'!' | b'?')) && json => "\\u003C",
        '<' if matches!(rest.as_bytes().get(1), None | Some(b'!' | b'?')) => "\\x3C",
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
            let code = c as u32;
            let escape = if json || code > 0xff {
                format!("\\u{code:04X}")
            } else {
                format!("\\x{code:02X}")
            };
            return out.extend_from_slice(escape.as_bytes());
        }
        _ => return out.extend_from_slice(&rest.as_bytes()[..c.len_utf8()]),
    };
    out.extend_from_slice(escape.as_bytes());
}

/// Whether a `>` could end `-->` or `]]>`, of which some may stand before the string.
fn closes(before: [Option<char>; 2]) -> bool {
    match before {
        [_, None] => true,
        [None, Some(']' | '-')] => true,
        [Some(first), Some(second)] => first == second && matches!(first, ']' | '-'),
        _ => false,
    }
}

fn j_string<'a>(env: &mut Env<'a>, _: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    let mut escaped = String::with_capacity(text.as_str().len());
    for c in text.as_str().chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{c}' => escaped.push_str("\\f"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{0}'..='\u{1f}' => escaped.push_str(&format!("\\u{:04x}", c as u32)),
            _ => escaped.push(c),
        }
    }
    env.made(escaped).map(Some)
}

fn url<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    percent_encode(env, call, text, false)
}

fn url_path<'a>(env: &mut Env<'a>, call: &'a BuiltinCall, text: Str<'a>) -> Returned<'a> {
    percent_encode(env, call, text, true)
}

const NO_CHARSET: &str = "To do URL encoding, the framework that encloses FreeMarker must specify the \"output_encoding\" setting or the \"url_escaping_charset\" setting, so ask the programmers to set them. Or, as a last chance, you can set the url_encoding_charset setting in the template, e.g. <#setting url_escaping_charset='ISO-8859-1'>, or give the charset explicitly to the built-in, e.g. foo?url('ISO-8859-1').";

fn percent_encode<'a>(
    env: &mut Env<'a>,
    call: &'a BuiltinCall,
    text: Str<'a>,
    keep_slashes: bool,
) -> Returned<'a> {
    let charset = if call.arg_count() > 0 {
        env.arg_text(call, 0)?.as_str().into()
    } else {
        let settings = &env.settings;
        let charset = settings.url_escaping_charset.as_ref();
        let Some(charset) = charset.or(settings.output_encoding.as_ref()).cloned() else {
            // That is told once it is printed.
            let unread = Unread {
                kind: UnreadKind::Url,
                error: Error::new(ErrorKind::Value, NO_CHARSET),
            };
            return Ok(Some(Value::Unread(Rc::new(unread))));
        };
        charset
    };
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'_' | b'-' | b'.' | b'!' | b'~' | b'\'' | b'(' | b')' | b'*'
            )
            || (keep_slashes && byte == b'/')
    };
    let changed = || text.as_str().bytes().filter(|byte| !plain(*byte)).count();
    // In two bytes, each of them written with three.
    let room = room_for(env, text.as_str().len(), changed, 6)?;
    let mut encoded = String::with_capacity(room);
    let mut rest = text.as_str();
    while let Some(first) = rest.bytes().next() {
        // Runs of what needs no escape stay as they are, the others are encoded each as a whole.
        let is_plain = plain(first);
        let end = rest.bytes().position(|byte| plain(byte) != is_plain);
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        if is_plain {
            encoded.push_str(run);
            continue;
        }
        let bytes = encode(run, &charset)
            .ok_or_else(|| env.failure(ErrorKind::Value, "Failed to execute URL encoding."))?;
        for byte in bytes {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    env.made(encoded).map(Some)
}
