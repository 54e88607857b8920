//! Attempts with scripted answers, on simulated time.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use millstream_delivery::config::Tries;
use millstream_delivery::egress::{Blocked, Reason};
use millstream_delivery::{
    BodyEnd, Pace, Response, Sender, Timing, Transport, TransportError, Verdict,
};
use model::definition::ResponseRule;
use model::outcome::Category;
use model::random::Seeded;
use model::time::ManualClock;
use model::{Clock, DeliveryId, OutboundRequest, Timestamp};
use serde_json::json;

const START: Timestamp = Timestamp(1_646_078_821_000_000);

/// One scripted answer: how long it takes, and what it is.
struct Answer {
    after: Duration,
    result: Result<Response, TransportError>,
}

fn status(code: u16) -> Answer {
    Answer {
        after: Duration::ZERO,
        result: Ok(Response {
            status: StatusCode::from_u16(code).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from(format!("body of {code}")),
            body_end: BodyEnd::Complete,
            timing: Timing::default(),
        }),
    }
}

fn error(error: TransportError) -> Answer {
    Answer {
        after: Duration::ZERO,
        result: Err(error),
    }
}

fn refused() -> Answer {
    error(TransportError::Connect {
        host: "api.example".into(),
        source: io::ErrorKind::ConnectionRefused.into(),
    })
}

impl Answer {
    fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    fn retry_after(mut self, text: &str) -> Self {
        if let Ok(response) = &mut self.result {
            response
                .headers
                .insert("retry-after", text.parse().unwrap());
        }
        self
    }
}

/// Plays a script and notes when it was asked for what.
struct Script {
    clock: Arc<ManualClock>,
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<(Timestamp, http::Request<Bytes>)>>,
}

impl Transport for Script {
    async fn send(&self, request: http::Request<Bytes>) -> Result<Response, TransportError> {
        self.asked.lock().unwrap().push((self.clock.now(), request));
        let answer = self.answers.lock().unwrap().pop_front();
        let answer = answer.expect("no more tries than the script has answers");
        self.clock.sleep(answer.after).await;
        answer.result
    }
}

struct Played {
    verdict: Verdict,
    /// When each try began, from the beginning of the attempt.
    tries: Vec<Duration>,
    requests: Vec<http::Request<Bytes>>,
}

fn request() -> OutboundRequest {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer s3cret".parse().unwrap());
    OutboundRequest {
        delivery: DeliveryId::from_bytes([7; 16]),
        method: Method::POST,
        uri: "https://api.example/hook?key=s3cret".parse().unwrap(),
        headers,
        body: Bytes::from_static(b"{}"),
        idempotency_key: false,
        responses: Arc::default(),
    }
}

async fn play(answers: impl IntoIterator<Item = Answer>, seed: u64, config: Tries) -> Played {
    play_request(&request(), answers, seed, config).await
}

async fn play_request(
    request: &OutboundRequest,
    answers: impl IntoIterator<Item = Answer>,
    seed: u64,
    config: Tries,
) -> Played {
    let clock = Arc::new(ManualClock::new(START));
    let script = Arc::new(Script {
        clock: Arc::clone(&clock),
        answers: Mutex::new(answers.into_iter().collect()),
        asked: Mutex::default(),
    });
    let random = Arc::new(Seeded::new(seed));
    let sender = Sender::new(script.clone(), clock.clone(), random, config);
    let pace = Pace::default();
    let attempt = sender.attempt(request, 3, &pace, &|| true);
    let time = async {
        loop {
            tokio::task::yield_now().await;
            clock.advance_to_next_sleeper();
        }
    };
    let verdict = tokio::select! {
        biased;
        verdict = attempt => verdict,
        () = time => unreachable!("time does not end"),
    };
    let asked = std::mem::take(&mut *script.asked.lock().unwrap());
    let (times, requests): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    Played {
        verdict,
        tries: times.into_iter().map(|at| at.since(START)).collect(),
        requests,
    }
}

async fn play_default(answers: impl IntoIterator<Item = Answer>) -> Played {
    play(answers, 1, Tries::default()).await
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

#[tokio::test]
async fn a_success_needs_one_try() {
    let played = play_default([status(202).after(millis(30))]).await;
    assert_eq!(
        played.verdict,
        Verdict::Delivered {
            status: StatusCode::ACCEPTED,
            tries: 1,
            elapsed: millis(30),
            timing: Timing::default(),
        }
    );
}

#[tokio::test]
async fn every_try_carries_the_delivery_and_the_attempt_and_is_otherwise_the_same() {
    let played = play_default([status(500), refused(), status(200)]).await;
    assert!(matches!(
        played.verdict,
        Verdict::Delivered { tries: 3, .. }
    ));
    assert_eq!(played.requests.len(), 3);
    for sent in &played.requests {
        let original = request();
        assert_eq!(sent.uri(), &original.uri);
        assert_eq!(sent.method(), original.method);
        assert_eq!(sent.body(), &original.body);
        assert_eq!(sent.headers()["authorization"], "Bearer s3cret");
        assert_eq!(
            sent.headers()["millstream-delivery-id"],
            original.delivery.to_string()
        );
        assert_eq!(sent.headers()["millstream-attempt"], "3");
        assert_eq!(sent.headers().len(), 3);
    }
}

#[tokio::test]
async fn the_waits_double_with_jitter_of_a_half() {
    let (mut least, mut most) = (f64::MAX, f64::MIN);
    for seed in 0..500 {
        let failures = [status(503), status(429), status(500)];
        let played = play(failures, seed, Tries::default()).await;
        assert_eq!(played.tries.len(), 3);
        assert!(matches!(played.verdict, Verdict::Failed { tries: 3, .. }));
        for (wait, nominal) in [
            (played.tries[1], 0.1),
            (played.tries[2] - played.tries[1], 0.2),
        ] {
            let ratio = wait.as_secs_f64() / nominal;
            least = least.min(ratio);
            most = most.max(ratio);
        }
    }
    assert!((0.5..0.55).contains(&least), "{least}");
    assert!((1.45..=1.5).contains(&most), "{most}");
}

#[tokio::test]
async fn what_will_not_get_better_is_tried_once() {
    for code in [301, 304, 400, 401, 403, 404, 410, 422, 101] {
        let played = play_default([status(code)]).await;
        let Verdict::Failed {
            failure,
            retry_after,
            tries,
            ..
        } = played.verdict
        else {
            panic!("{code} is no success")
        };
        assert_eq!((failure.status, tries, retry_after), (Some(code), 1, None));
    }
    let blocked = Blocked {
        host: "intranet".into(),
        reason: Reason::Private,
    };
    let played = play_default([error(blocked.into())]).await;
    let Verdict::Failed { failure, tries, .. } = played.verdict else {
        panic!("a blocked host is no success")
    };
    assert_eq!((failure.category, tries), (Category::Blocked, 1));
}

#[tokio::test]
async fn the_failure_is_that_of_the_last_try_and_tells_no_secrets() {
    let played = play_default([refused(), status(429), status(503)]).await;
    let Verdict::Failed { failure, .. } = played.verdict else {
        panic!("503 is no success")
    };
    assert_eq!(failure.category, Category::ServerError);
    assert_eq!(failure.status, Some(503));
    assert_eq!(
        failure.message,
        "api.example answered 503 Service Unavailable"
    );
    assert_eq!(failure.response, "body of 503");

    let played = play_default([status(500), status(500), refused()]).await;
    let Verdict::Failed { failure, .. } = played.verdict else {
        panic!("no connection is no success")
    };
    assert_eq!(failure.category, Category::Connect);
    assert_eq!(failure.status, None);
    assert!(!format!("{failure:?}").contains("s3cret"));
}

#[tokio::test]
async fn no_try_starts_once_four_seconds_have_passed() {
    let played = play_default([status(500).after(millis(4000))]).await;
    assert!(matches!(played.verdict, Verdict::Failed { tries: 1, .. }));
    // The wait would end after the four seconds, so it isn't begun.
    let played = play_default([status(500).after(millis(3960))]).await;
    assert!(
        matches!(played.verdict, Verdict::Failed { tries: 1, elapsed, .. } if elapsed == millis(3960))
    );
    // A try that starts in time may take as long as it likes.
    let played = play_default([
        status(500).after(millis(3500)),
        status(200).after(Duration::from_secs(20)),
    ])
    .await;
    assert!(matches!(
        played.verdict,
        Verdict::Delivered { tries: 2, .. }
    ));
    assert!(played.tries[1] < millis(4000));
    for seed in 0..200 {
        let slow = [1, 2, 3].map(|_| status(500).after(millis(1900)));
        let played = play(slow, seed, Tries::default()).await;
        assert!(played.tries.iter().all(|at| *at < millis(4000)));
    }
}

#[tokio::test]
async fn a_wish_that_fits_is_waited_for() {
    let played = play_default([status(429).retry_after("2"), status(200)]).await;
    assert!(matches!(
        played.verdict,
        Verdict::Delivered { tries: 2, .. }
    ));
    assert_eq!(played.tries[1], Duration::from_secs(2));
    // START is Mon, 28 Feb 2022 20:07:01 GMT.
    let date = status(503).retry_after("Mon, 28 Feb 2022 20:07:04 GMT");
    let played = play_default([date, status(200)]).await;
    assert_eq!(played.tries[1], Duration::from_secs(3));
}

#[tokio::test]
async fn a_wish_for_less_than_the_usual_wait_changes_nothing() {
    for wish in ["0", "Mon, 28 Feb 2022 20:00:00 GMT", "soon"] {
        let usual = play_default([status(503), status(200)]).await.tries[1];
        let played = play_default([status(503).retry_after(wish), status(200)]).await;
        assert_eq!(played.tries[1], usual, "{wish}");
    }
}

#[tokio::test]
async fn a_wish_that_does_not_fit_ends_the_attempt_and_is_passed_on() {
    for (wish, seconds) in [
        ("4", 4),
        ("3600", 3600),
        ("Mon, 28 Feb 2022 21:07:01 GMT", 3600),
    ] {
        let played = play_default([status(429).retry_after(wish)]).await;
        let Verdict::Failed {
            retry_after, tries, ..
        } = played.verdict
        else {
            panic!("429 is no success")
        };
        assert_eq!(tries, 1);
        assert_eq!(retry_after, Some(START + Duration::from_secs(seconds)));
    }
}

#[tokio::test]
async fn the_last_trys_wish_is_passed_on_even_if_it_would_have_fitted() {
    let played = play_default([status(503), status(503), status(503).retry_after("1")]).await;
    let asked = START + played.tries[2];
    let Verdict::Failed { retry_after, .. } = played.verdict else {
        panic!("503 is no success")
    };
    assert_eq!(retry_after, Some(asked + Duration::from_secs(1)));
}

#[tokio::test]
async fn an_operator_can_set_the_tries() {
    let config = Tries {
        max: 5,
        first_wait: millis(10),
        jitter: 0.0,
        within: Duration::from_secs(1),
    };
    let played = play([1, 2, 3, 4, 5].map(|_| status(500)), 1, config).await;
    assert_eq!(played.tries, [0, 10, 30, 70, 150].map(millis));
}

#[tokio::test]
async fn a_single_try_stays_one_and_tells_all_that_came_of_it() {
    for (answer, status, category) in [
        (status(204), Some(204), None),
        (status(503), Some(503), Some(Category::ServerError)),
        (refused(), None, Some(Category::Connect)),
    ] {
        let clock = Arc::new(ManualClock::new(START));
        let script = Arc::new(Script {
            clock: Arc::clone(&clock),
            answers: Mutex::new([answer].into()),
            asked: Mutex::default(),
        });
        let random = Arc::new(Seeded::new(1));
        let sender = Sender::new(Arc::clone(&script), clock, random, Tries::default());
        let trial = sender.try_once(&request()).await;
        assert_eq!(trial.response.map(|answer| answer.status.as_u16()), status);
        assert_eq!(trial.failure.map(|failure| failure.category), category);
        let asked = script.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        let headers = asked[0].1.headers();
        assert_eq!(headers["millstream-attempt"], "1");
        assert_eq!(headers["authorization"], "Bearer s3cret");
    }
}

/// A request whose rules are these.
fn ruled(rules: serde_json::Value) -> OutboundRequest {
    let rules: Vec<ResponseRule> = serde_json::from_value(rules).unwrap();
    OutboundRequest {
        idempotency_key: true,
        responses: rules.into(),
        ..request()
    }
}

async fn play_ruled(rules: serde_json::Value, answers: Vec<Answer>) -> Played {
    play_request(&ruled(rules), answers, 1, Tries::default()).await
}

#[tokio::test]
async fn rules_of_the_request_decide_before_the_status_does() {
    let rules = json!([
        {"status": [400], "means": "refused", "message": "it can't be read"},
        {"status": [404], "means": "delivered"},
        {"status": [409], "means": "follow_up"},
        {"status": [202], "means": "retry", "message": "not now"},
        {"status": [503], "means": "retry"},
    ]);
    let played = play_ruled(rules.clone(), vec![status(503), status(400)]).await;
    let Verdict::Refused { failure, tries, .. } = played.verdict else {
        panic!("{:?}", played.verdict);
    };
    assert_eq!((tries, failure.category), (2, Category::ClientError));
    let message = "api.example answered 400 Bad Request: it can't be read";
    assert_eq!(
        (&*failure.message, &*failure.response),
        (message, "body of 400")
    );
    for sent in &played.requests {
        let id = &sent.headers()["millstream-delivery-id"];
        assert_eq!(&sent.headers()["idempotency-key"], id);
    }
    let played = play_ruled(rules.clone(), vec![status(404)]).await;
    assert!(matches!(
        played.verdict,
        Verdict::Delivered { tries: 1, .. }
    ));
    let played = play_ruled(rules.clone(), vec![status(409)]).await;
    let Verdict::FollowUp {
        answer, tries: 1, ..
    } = played.verdict
    else {
        panic!("{:?}", played.verdict);
    };
    assert_eq!((answer.status, &*answer.body), (409, &b"body of 409"[..]));
    // A 2xx that is none ends the attempt, not the delivery.
    let played = play_ruled(rules, vec![status(202)]).await;
    let Verdict::Failed {
        failure, tries: 1, ..
    } = played.verdict
    else {
        panic!("{:?}", played.verdict);
    };
    assert_eq!(
        (failure.category, failure.status),
        (Category::Rejected, Some(202))
    );
}

#[tokio::test]
async fn nothing_is_read_of_an_answer_that_was_cut_off() {
    let rules = json!([{
        "status": ["2xx"], "means": "retry",
        "body": [{"pointer": "/errors", "operator": "is_not_set"}],
    }]);
    for (end, delivered) in [(BodyEnd::Complete, false), (BodyEnd::OverLimit, true)] {
        let mut answer = status(200);
        let response = answer.result.as_mut().unwrap();
        response.body = Bytes::from_static(b"{}");
        response.body_end = end;
        let played = play_ruled(rules.clone(), vec![answer]).await;
        let is_delivered = matches!(played.verdict, Verdict::Delivered { .. });
        assert_eq!(is_delivered, delivered, "{end:?}");
    }
}
