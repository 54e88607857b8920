use proptest::prelude::*;

use super::*;

fn foreign(text: &str) -> Result<Value<'_>, Error> {
    parse(text.as_bytes(), &Limits::FOREIGN)
}

#[test]
fn numbers_keep_their_text() {
    for text in [
        "0",
        "-0",
        "1.10",
        "123456789012345678901234567890",
        "1e999",
        "-2.5E-7",
    ] {
        assert_eq!(foreign(text).unwrap().as_number().unwrap().text(), text);
    }
    for text in ["01", "+1", "1.", ".5", "1e", "-", "NaN", "0x10"] {
        assert!(foreign(text).is_err(), "{text}");
    }
}

#[test]
fn an_error_names_line_and_column() {
    let error = foreign("{\n  \"a\": 1,\n  \"b\" 2\n}").unwrap_err();
    assert_eq!(
        (error.line, error.column, error.problem),
        (3, 7, "expected a colon")
    );
    let error = parse(b"[\"\xff\"]", &Limits::FOREIGN).unwrap_err();
    assert_eq!(
        (error.line, error.column, error.problem),
        (1, 3, "invalid UTF-8")
    );
}

#[test]
fn depth_and_number_of_values_are_bounded() {
    let limits = Limits {
        depth: 3,
        values: 5,
        repeated_names: true,
    };
    assert!(parse(b"[[[]]]", &limits).is_ok());
    assert_eq!(
        parse(b"[[[[]]]]", &limits).unwrap_err().problem,
        "nested too deep"
    );
    assert!(parse(b"[1,2,3,4]", &limits).is_ok());
    assert_eq!(
        parse(b"[1,2,3,4,5]", &limits).unwrap_err().problem,
        "too many values"
    );
    assert!(foreign(&"[".repeat(1_000_000)).is_err());
}

#[test]
fn escapes_are_resolved_and_lone_surrogates_replaced() {
    let text = r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83dx\udc00""#;
    let expected = "a\"\\/\u{8}\u{c}\n\r\té😀\u{fffd}x\u{fffd}";
    assert_eq!(foreign(text).unwrap().as_str(), Some(expected));
    for text in [r#""\x""#, r#""\u12g4""#, "\"a\nb\"", "\"abc", r#""\u12"#] {
        assert!(foreign(text).is_err(), "{text}");
    }
}

#[test]
fn the_last_of_repeated_names_counts() {
    assert_eq!(
        foreign(r#"{"a":1,"b":2,"a":3}"#).unwrap().to_json(),
        r#"{"a":3,"b":2}"#
    );
    let many: Vec<String> = (0..100).map(|i| format!("\"k{}\":{i}", i % 60)).collect();
    let object =
        foreign(&format!("{{{}}}", many.join(","))).map(|v| v.as_object().map(Object::len));
    assert_eq!(object.unwrap(), Some(60));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(serde_json::Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_serde_json_on_valid_texts(value in any_json()) {
        let (compact, pretty) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
        prop_assert_eq!(foreign(&compact).unwrap().to_json(), compact.clone());
        prop_assert_eq!(foreign(&pretty).unwrap().to_json(), compact);
    }

    #[test]
    fn agrees_with_serde_json_on_which_texts_are_valid(text in r#"[\[\]{}",:0-9eE.+\-\\untrfalse \n]{0,24}"#) {
        let ours = foreign(&text);
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(_) => prop_assert!(ours.is_ok(), "{:?}", ours),
            // What serde_json can't hold (1e999, lone surrogates) is kept here.
            Err(e) if e.to_string().contains("out of range") || e.to_string().contains("surrogate") => {}
            Err(_) => prop_assert!(ours.is_err() || text.contains("\\u"), "{:?}", ours),
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse(&bytes, &Limits::FOREIGN);
    }

    #[test]
    fn strings_of_long_texts_end_where_they_end(
        parts in prop::collection::vec((0_usize..200, prop::sample::select(vec!["", "\\n", "\\\"", "é", "\n"])), 0..40)
    ) {
        // Plain characters up to places all over the blocks of 64 bytes, and what stands out there.
        let parts: Vec<String> = parts.iter().map(|(plain, special)| "x".repeat(*plain) + special).collect();
        let text = format!("[\"{}\"]", parts.join("\",\""));
        let ours = foreign(&text).map(|value| value.to_json());
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(value) => prop_assert_eq!(ours.unwrap(), value.to_string()),
            Err(_) => prop_assert_eq!(ours.unwrap_err().problem, "unescaped control character in a string"),
        }
    }
}
