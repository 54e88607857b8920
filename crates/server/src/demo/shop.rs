//! A small simulated shop: visitors come, look around, sign in, fill carts, and some of them buy.
//! The same seed makes the same visits.

use std::collections::VecDeque;

use model::random::Seeded;
use model::{Random, Timestamp};
use serde_json::{Value, json};

/// Visits under way at once, so that visitors' events mingle.
const CONCURRENT_VISITS: usize = 12;

/// How many people there are.
const PEOPLE: u64 = 2_000;

const FIRST_NAMES: &[&str] = &[
    "Ada", "Amir", "Chiara", "Dmitri", "Elena", "Femi", "Grace", "Hana", "Ivo", "Joana", "Kofi",
    "Lena", "Mateo", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Sven", "Tomoko",
];
const LAST_NAMES: &[&str] = &[
    "Abara",
    "Bauer",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Haddad",
    "Ito",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Novák",
    "Okafor",
    "Patel",
    "Rossi",
    "Sato",
    "Tanaka",
    "Varga",
];
const PLACES: &[(&str, &str, &str)] = &[
    ("Germany", "Berlin", "de-DE"),
    ("France", "Lyon", "fr-FR"),
    ("Spain", "Valencia", "es-ES"),
    ("United Kingdom", "Leeds", "en-GB"),
    ("United States", "Portland", "en-US"),
    ("Japan", "Osaka", "ja-JP"),
];
const DEVICES: &[(&str, &str, &str)] = &[
    ("iOS", "ios", "iPhone15,2"),
    ("Android", "android", "Pixel 8"),
    ("Web", "mac os", "Mac"),
    ("Web", "windows", "Windows"),
];
const SOURCES: &[&str] = &["search", "newsletter", "direct", "friend"];
const PLANS: &[&str] = &["free", "plus", "family"];

struct Product {
    id: &'static str,
    name: &'static str,
    category: &'static str,
    price: f64,
}

const PRODUCTS: &[Product] = &[
    Product {
        id: "tea-201",
        name: "Darjeeling first flush",
        category: "tea",
        price: 14.5,
    },
    Product {
        id: "tea-118",
        name: "Genmaicha",
        category: "tea",
        price: 9.2,
    },
    Product {
        id: "cof-033",
        name: "Yirgacheffe beans",
        category: "coffee",
        price: 16.9,
    },
    Product {
        id: "cup-007",
        name: "Stoneware cup",
        category: "tableware",
        price: 22.0,
    },
    Product {
        id: "pot-002",
        name: "Cast-iron pot",
        category: "tableware",
        price: 64.0,
    },
    Product {
        id: "mil-011",
        name: "Hand mill \"No. 3\"",
        category: "tools",
        price: 48.75,
    },
    Product {
        id: "gif-100",
        name: "Gift card",
        category: "gifts",
        price: 50.0,
    },
];

/// One thing that the shop tells the server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Message {
    /// Something that a visitor did.
    Event(Value),
    /// What became known of a visitor, as SDKs send it: an event of the type `$identify`.
    Identify(Value),
}

/// The shop. Makes messages for ever.
pub(super) struct Shop {
    random: Seeded,
    run: String,
    visits: VecDeque<Visit>,
    messages: u64,
}

/// A visit under way.
struct Visit {
    person: u64,
    device: usize,
    session: i64,
    signed_in: bool,
    cart: Vec<usize>,
    next: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Arrive,
    Search,
    Look,
    SignIn,
    Add,
    Checkout,
    Pay,
    Leave,
}

impl Shop {
    /// A shop whose visits are those of `seed`. `run` tells this run's events from others', so that
    /// they aren't taken for repetitions.
    pub(super) fn new(seed: u64, run: String) -> Self {
        Self {
            random: Seeded::new(seed),
            run,
            visits: VecDeque::new(),
            messages: 0,
        }
    }

    /// What happens next, at `now`.
    pub(super) fn next(&mut self, now: Timestamp) -> Message {
        loop {
            while self.visits.len() < CONCURRENT_VISITS {
                let visit = self.arrival(now);
                self.visits.push_back(visit);
            }
            let chosen = self.below(self.visits.len() as u64) as usize;
            let Some(mut visit) = self.visits.remove(chosen) else {
                continue;
            };
            let message = self.step(&mut visit, now);
            if !matches!(visit.next, Step::Leave) {
                self.visits.push_back(visit);
            }
            if let Some(message) = message {
                return message;
            }
        }
    }

    fn below(&self, limit: u64) -> u64 {
        self.random.next_u64() % limit
    }

    fn chance(&self, probability: f64) -> bool {
        self.random.next_f64() < probability
    }

    fn arrival(&self, now: Timestamp) -> Visit {
        let person = self.below(PEOPLE);
        Visit {
            person,
            device: self.below(2) as usize,
            session: now.millis(),
            signed_in: false,
            cart: Vec::new(),
            next: Step::Arrive,
        }
    }

    fn step(&mut self, visit: &mut Visit, now: Timestamp) -> Option<Message> {
        let product = self.below(PRODUCTS.len() as u64) as usize;
        match visit.next {
            Step::Arrive => {
                visit.next = if self.chance(0.3) {
                    Step::Search
                } else {
                    Step::Look
                };
                let source = SOURCES[self.below(SOURCES.len() as u64) as usize];
                Some(self.event(
                    visit,
                    now,
                    "Page Viewed",
                    json!({"page": "/", "source": source}),
                ))
            }
            Step::Search => {
                visit.next = Step::Look;
                let found = self.below(9);
                let query = PRODUCTS[product].category;
                Some(self.event(
                    visit,
                    now,
                    "Products Searched",
                    json!({"query": query, "results": found}),
                ))
            }
            Step::Look => {
                visit.next = match self.random.next_f64() {
                    x if x < 0.35 => Step::Look,
                    x if x < 0.50 => Step::Leave,
                    x if x < 0.65 && !visit.signed_in => Step::SignIn,
                    _ => Step::Add,
                };
                Some(self.event(visit, now, "Product Viewed", product_properties(product)))
            }
            Step::SignIn => {
                visit.next = Step::Look;
                visit.signed_in = true;
                Some(self.identification(visit, now))
            }
            Step::Add => {
                visit.cart.push(product);
                visit.next = match self.random.next_f64() {
                    x if x < 0.4 => Step::Look,
                    x if x < 0.6 => Step::Leave,
                    _ => Step::Checkout,
                };
                let mut properties = product_properties(product);
                properties["cart_size"] = visit.cart.len().into();
                Some(self.event(visit, now, "Product Added", properties))
            }
            Step::Checkout if !visit.signed_in => {
                visit.signed_in = true;
                Some(self.identification(visit, now))
            }
            Step::Checkout => {
                visit.next = if self.chance(0.75) {
                    Step::Pay
                } else {
                    Step::Leave
                };
                let products: Vec<_> = visit.cart.iter().map(|&item| PRODUCTS[item].id).collect();
                Some(self.event(
                    visit,
                    now,
                    "Checkout Started",
                    json!({"products": products, "total": total(visit)}),
                ))
            }
            Step::Pay => {
                visit.next = Step::Leave;
                Some(self.purchase(visit, now))
            }
            Step::Leave => None,
        }
    }

    /// The fields that every event of a visit has.
    fn event(
        &mut self,
        visit: &Visit,
        now: Timestamp,
        event_type: &str,
        properties: Value,
    ) -> Message {
        self.messages += 1;
        let (platform, os, model) = DEVICES[(visit.person as usize + visit.device) % DEVICES.len()];
        let (country, city, language) = PLACES[visit.person as usize % PLACES.len()];
        let mut event = json!({
            "device_id": device_id(visit),
            "event_type": event_type,
            "time": now.millis(),
            "session_id": visit.session,
            "insert_id": format!("{}-{}", self.run, self.messages),
            "platform": platform,
            "os_name": os,
            "device_model": model,
            "country": country,
            "city": city,
            "language": language,
            "app_version": "4.2.0",
            "event_properties": properties,
        });
        if visit.signed_in {
            event["user_id"] = user_id(visit.person).into();
        }
        Message::Event(event)
    }

    fn purchase(&mut self, visit: &Visit, now: Timestamp) -> Message {
        let items: Vec<_> = visit.cart.iter().map(|&item| PRODUCTS[item].name).collect();
        let order = format!("O-{:06}", self.below(1_000_000));
        let properties = json!({"order": order, "items": items, "payment": "card"});
        let message = self.event(visit, now, "Order Completed", properties);
        let Message::Event(mut event) = message else {
            return message;
        };
        event["revenue"] = total(visit).into();
        event["productId"] = visit
            .cart
            .first()
            .map_or("", |&item| PRODUCTS[item].id)
            .into();
        event["revenueType"] = "purchase".into();
        event["user_properties"] = json!({"$add": {"orders": 1, "spent": total(visit)}});
        Message::Event(event)
    }

    fn identification(&mut self, visit: &Visit, now: Timestamp) -> Message {
        self.messages += 1;
        let (first, last) = full_name(visit.person);
        let plan = PLANS[visit.person as usize % PLANS.len()];
        Message::Identify(json!({
            "user_id": user_id(visit.person),
            "device_id": device_id(visit),
            "event_type": "$identify",
            "time": now.millis(),
            "insert_id": format!("{}-{}", self.run, self.messages),
            "user_properties": {
                "$set": {"name": format!("{first} {last}"), "email": email(visit.person), "plan": plan},
                "$setOnce": {"first_sign_in": visit.session},
                "$add": {"sign_ins": 1},
            },
        }))
    }
}

fn full_name(person: u64) -> (&'static str, &'static str) {
    let (first, last) = (
        person as usize % FIRST_NAMES.len(),
        person as usize / FIRST_NAMES.len() % LAST_NAMES.len(),
    );
    (FIRST_NAMES[first], LAST_NAMES[last])
}

fn email(person: u64) -> String {
    let (first, last) = full_name(person);
    let plain = |text: &str| text.to_lowercase().replace('í', "i").replace('á', "a");
    format!("{}.{}{person}@example.com", plain(first), plain(last))
}

fn user_id(person: u64) -> String {
    format!("customer-{person:05}")
}

fn device_id(visit: &Visit) -> String {
    format!("device-{:05}-{}", visit.person, visit.device)
}

fn product_properties(product: usize) -> Value {
    let Product {
        id,
        name,
        category,
        price,
    } = &PRODUCTS[product];
    json!({"product_id": id, "product": name, "category": category, "price": price})
}

/// The cart's worth, in cents exact.
fn total(visit: &Visit) -> f64 {
    let cents: f64 = visit
        .cart
        .iter()
        .map(|&item| (PRODUCTS[item].price * 100.0).round())
        .sum();
    cents / 100.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn messages(seed: u64, count: usize) -> Vec<Message> {
        let mut shop = Shop::new(seed, "run".into());
        let now = |n: usize| Timestamp(1_700_000_000_000_000 + n as i64);
        (0..count).map(|n| shop.next(now(n))).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_visits() {
        assert_eq!(messages(7, 500), messages(7, 500));
        assert_ne!(messages(7, 500), messages(8, 500));
    }

    #[test]
    fn visitors_look_sign_in_and_buy() {
        let all = messages(1, 5_000);
        let events: Vec<_> = all
            .iter()
            .filter_map(|m| {
                if let Message::Event(e) = m {
                    Some(e)
                } else {
                    None
                }
            })
            .collect();
        let types: BTreeSet<_> = events
            .iter()
            .map(|event| event["event_type"].as_str().unwrap())
            .collect();
        assert_eq!(types.len(), 6, "{types:?}");
        let bought: Vec<_> = events
            .iter()
            .filter(|event| event["event_type"] == "Order Completed")
            .collect();
        assert!(
            bought
                .iter()
                .all(|event| event["revenue"].as_f64().unwrap() > 0.0
                    && event["user_id"].is_string())
        );
        assert!(bought.len() > 100, "{}", bought.len());
        assert!(events.iter().any(|event| event["user_id"].is_null()));
        assert!(all.len() > events.len());
    }

    #[test]
    fn no_two_events_of_a_run_share_an_insert_id() {
        let all = messages(1, 5_000);
        let ids: Vec<_> = all
            .iter()
            .filter_map(|m| {
                if let Message::Event(e) = m {
                    e["insert_id"].as_str()
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }
}
