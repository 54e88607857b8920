//! How much processor time an event costs from a request's text to what the journal takes:
//! parse, validate, normalise.
//!
//! `cargo run --release -p millstream-api --example normalise_speed`

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use millstream_api::ingest::{Known, ProjectIngest, Projects, ReadError, Reception};
use model::random::Seeded;
use model::{ApiKey, ProjectId, Timestamp};

const EVENTS: usize = 100;
const ROUNDS: usize = 5_000;

struct OneProject(ApiKey, Arc<ProjectIngest>);

impl OneProject {
    fn of(&self, key: ApiKey) -> Option<Arc<ProjectIngest>> {
        (key == self.0).then(|| Arc::clone(&self.1))
    }
}

#[async_trait]
impl Projects for OneProject {
    fn known(&self, key: ApiKey) -> Known {
        Known::Is(self.of(key))
    }

    async fn read(&self, key: ApiKey) -> Result<Option<Arc<ProjectIngest>>, ReadError> {
        Ok(self.of(key))
    }
}

/// An event of about 1 KB, as an SDK in a web shop sends it.
fn event(number: usize) -> String {
    format!(
        r#"{{"event_type":"Product Added","user_id":"user-{number}","device_id":"3f1c7c1e-52d5-4a3b-9d7a-{number:012}","time":{time},"insert_id":"9a2f0c7e-1111-2222-3333-{number:012}","session_id":1646078800000,"platform":"Web","os_name":"Chrome","os_version":"120.0","device_model":"Windows","language":"en-US","ip":"$remote","country":"Sweden","city":"Stockholm","library":"amplitude-ts/2.3.1","event_properties":{{"product":"Espresso machine","sku":"ES-{number}","price":249.90,"currency":"EUR","quantity":1,"category":["Kitchen","Coffee"],"in_stock":true,"page":"https://shop.example/kitchen/coffee/espresso-machine?ref=campaign","referrer":"https://search.example/","position":4,"list":{{"id":"summer-sale","name":"Summer sale"}}}},"user_properties":{{"$set":{{"plan":"gold","email":"someone.{number}@mail.example","newsletter":true,"last_category":"Coffee"}},"$setOnce":{{"first_seen":"2022-01-04","initial_referrer":"https://search.example/"}},"$add":{{"items":1}}}},"groups":{{"org":"acme"}}}}"#,
        time = 1_646_078_800_000_i64 + number as i64,
    )
}

fn main() {
    let random = Seeded::new(1);
    let key = ApiKey::generate(&random);
    let project = ProjectIngest::new(ProjectId::generate(&random));
    let projects = OneProject(key, Arc::new(project));
    let events: Vec<String> = (0..EVENTS).map(event).collect();
    let body = format!(r#"{{"api_key":"{key}","events":[{}]}}"#, events.join(","));
    let reception = Reception {
        projects: &projects,
        read: None,
        random: &random,
        received_at: Timestamp(1_646_078_821_795_000),
        uploader: Some(std::net::Ipv4Addr::LOCALHOST.into()),
    };
    let mut streamed_bytes = 0;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let upload = match reception.events(body.as_bytes()) {
            Ok(upload) => upload,
            Err(refusal) => panic!("the events are valid, but: {refusal:?}"),
        };
        streamed_bytes += upload.events.iter().map(|e| e.fields.len()).sum::<usize>();
    }
    let elapsed = start.elapsed();
    let count = EVENTS * ROUNDS;
    println!(
        "{:.2} µs an event of {} bytes ({} bytes streamed)",
        elapsed.as_secs_f64() * 1e6 / count as f64,
        body.len() / EVENTS,
        streamed_bytes / count,
    );
}
