//! A courier that keeps what it is given, and answers as it is told.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use millstream_api::portal::{Courier, Reply, Timing, Trial};
use model::OutboundRequest;
use model::definition::{Meaning, deciding};
use model::outcome::{Category, Failure};

/// A host that never answers.
pub(crate) const HANGS: &str = "hangs.example.com";

#[derive(Default)]
pub(crate) struct NotingCourier(Mutex<Noted>);

/// What was sent, and what is answered.
#[derive(Default)]
pub(crate) struct Noted {
    pub(crate) sent: Vec<OutboundRequest>,
    /// Status and body; `None`: no answer.
    pub(crate) answer: Option<(u16, Vec<u8>)>,
}

impl NotingCourier {
    pub(crate) fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap()
    }
}

#[async_trait]
impl Courier for NotingCourier {
    async fn send_once(&self, request: &OutboundRequest) -> Trial {
        if request.uri.host() == Some(HANGS) {
            std::future::pending::<()>().await;
        }
        let mut noted = self.noted();
        noted.sent.push(request.clone());
        let Some((status, body)) = noted.answer.clone() else {
            return Trial {
                reply: None,
                means: Meaning::Retry,
                failure: Some(failure(Category::Timeout)),
                elapsed: Duration::from_millis(1500),
            };
        };
        let status = StatusCode::from_u16(status).unwrap();
        let mut headers = HeaderMap::new();
        if let Some(sent) = request.headers.get("authorization") {
            headers.insert("x-echo", sent.clone());
        }
        let answer = model::Answer {
            status: status.as_u16(),
            body: Bytes::from(body.clone()),
            complete: true,
        };
        let rule = deciding(&request.responses, &answer);
        let means = rule.map_or(Meaning::of_status(answer.status), |rule| rule.means);
        let failed = matches!(means, Meaning::Retry | Meaning::Refused);
        Trial {
            means,
            failure: failed.then(|| failure(Category::Unauthorized)),
            reply: Some(Reply {
                status,
                headers,
                body: Bytes::from(body),
                complete: true,
                timing: Timing {
                    lookup: Some(Duration::from_millis(1)),
                    connect: Some(Duration::from_millis(2)),
                    tls: None,
                    wait: Duration::from_millis(15),
                },
            }),
            elapsed: Duration::from_millis(20),
        }
    }
}

fn failure(category: Category) -> Failure {
    Failure {
        category,
        status: None,
        message: "example.com did otherwise".into(),
        response: String::new(),
    }
}
