//! Prints the time of one render of each of a few templates: `cargo run -p ftl --release --example speed`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ftl::{Data, Engine, Template, View};
use serde_json::{Value, json};

const WEBHOOK: &str = include_str!("../tests/guides/webhook-event.ftl");

const MEDIUM: &str = r#"<#setting datetime_format="yyyy-MM-dd HH:mm:ss.S">{
  "user": "${(input.user_id!input.device_id)?json_string}",
  "time": ${input.event_time?datetime?long?c},
  "day": "${input.event_time?datetime?string["dd.MM.yyyy, HH:mm"]}",
  "properties": {
  <#list input.user_properties as key, value>
    "${key?json_string}": "${value?json_string}"<#sep>,</#sep>
  </#list>
  },
  "mapped": "${mappedFields.external_id!}",
  <#if input.event_properties.price?? && input.event_properties.price gt 100>"big": true,</#if>
  "total": ${(input.event_properties.price * 1.2)?string("0.00")}
}
"#;

const LARGE: &str = r#"<#macro row item>  <li>${item.name?cap_first} (${item.price?string(",##0.00")})</li>
</#macro><#function twice x><#return x * 2></#function>
<#list 1..10 as page>
<h2>${page}</h2>
<#list items?sort_by("name") as item><@row item/></#list>
${items?map(i -> i.name)?join(", ")} ${twice(page)}
</#list>
"#;

fn data() -> Value {
    let items: Vec<_> = (0..100)
        .map(|i| json!({"name": format!("item {}", (i * 37) % 100), "price": f64::from(i) * 12.5}))
        .collect();
    json!({
        "input": {
            "user_id": "some user id", "device_id": "C8F9E604", "event_type": "click event", "event_time": "2022-02-28 20:07:01.795",
            "user_properties": {"email": "some@email.com", "name": "Ann \"A\" Example", "city": "Zürich", "plan": "pro"},
            "event_properties": {"price": 129.5}
        },
        "mappedFields": {"external_id": "ext-1"},
        "items": items
    })
}

/// The webhook's fields without a hash function: what a host's own tree of a few fields costs.
fn flat_webhook() -> impl Data {
    let user = [("email", View::Str("some@email.com"))];
    let fields = [
        ("user_id", Field::Text("some user id")),
        ("event_type", Field::Text("click event")),
        ("event_time", Field::Text("2022-02-28 20:07:01.795")),
        ("user_properties", Field::User(user)),
    ];
    [("input", fields)]
}

enum Field {
    Text(&'static str),
    User([(&'static str, View<'static>); 1]),
}

impl Data for Field {
    fn view(&self) -> View<'_> {
        match self {
            Self::Text(text) => View::Str(text),
            Self::User(user) => View::Hash(user),
        }
    }
}

fn nanoseconds_per_render(template: &Template, data: &impl Data) -> f64 {
    let mut out = Vec::new();
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        let mut renders = 0u32;
        while start.elapsed() < Duration::from_millis(200) {
            for _ in 0..16 {
                out.clear();
                template
                    .render_into(black_box(data), &mut out)
                    .expect("the templates here render");
                black_box(&out);
            }
            renders += 16;
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(renders));
    }
    best
}

fn main() {
    let engine = Engine::new();
    let data = data();
    for (name, source) in [("webhook", WEBHOOK), ("medium", MEDIUM), ("large", LARGE)] {
        let start = Instant::now();
        let template = engine
            .compile(name, source)
            .expect("the templates here are well-formed");
        let compile = start.elapsed();
        let render = nanoseconds_per_render(&template, &data);
        if name == "webhook" {
            let flat = nanoseconds_per_render(&template, &flat_webhook());
            println!("{name:8} from a flat tree    render {flat:>10.0} ns");
        }
        println!(
            "{name:8} compile {:>8} ns   render {render:>10.0} ns",
            compile.as_nanos()
        );
    }
}
