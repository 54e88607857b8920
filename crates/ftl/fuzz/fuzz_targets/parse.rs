//! Compiles arbitrary bytes under settings of the syntax that the first byte picks, and draws what is wrong with them.
#![no_main]

use ftl::Engine;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, source)) = bytes.split_first() else {
        return;
    };
    let pick = |names: [&'static str; 4], shift: u8| names[usize::from((choice >> shift) & 3)];
    let settings = [
        (
            "tag_syntax",
            pick(["angle_bracket", "square_bracket", "auto_detect", "angle_bracket"], 0),
        ),
        (
            "interpolation_syntax",
            pick(["legacy", "dollar", "square_bracket", "legacy"], 2),
        ),
        ("output_format", pick(["undefined", "HTML", "XML", "JSON"], 4)),
        ("strict_syntax", pick(["true", "true", "true", "false"], 6)),
    ];
    let engine = settings.into_iter().fold(Engine::new(), |engine, (name, value)| {
        engine.setting(name, value).expect("the values are allowed")
    });
    match engine.compile("fuzzed", &String::from_utf8_lossy(source)) {
        Ok(template) => drop(template.references()),
        Err(error) => drop((error.render(), error.description())),
    }
});
