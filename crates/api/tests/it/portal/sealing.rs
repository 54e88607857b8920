//! The keys that seal secrets, as operators see and change them.

use std::time::Duration;

use serde_json::{Value, json};
use store::mail::{Bodies, Draft, Kind};

use super::World;
use super::call::Answer;

const PATH: &str = "/installation/secrets";

async fn rotate(world: &World, new_key: bool) -> Answer {
    let body = json!({"new_key": new_key});
    world.post(&format!("{PATH}/rotate"), body).await
}

/// Waits until nothing is being sealed again.
async fn ended(world: &World) -> Value {
    for _ in 0..1000 {
        let shown = world.get(PATH).await.is(200).json();
        if shown["resealing"]["running"] == json!(false) {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not end");
}

/// Letters that wait, each sealed.
async fn write_letters(world: &World, count: usize) {
    for number in 0..count {
        let words = || "a letter".to_owned();
        let letter = Draft {
            kind: Kind::Invitation,
            recipient: format!("someone-{number}@example.com"),
            subject: words(),
            bodies: Bodies {
                text: words(),
                html: words(),
                unsubscribe: None,
            },
            expires_at: None,
        };
        world.store.enqueue_mail(letter).await.unwrap();
    }
}

fn values(shown: &Value) -> Vec<u64> {
    let keys = shown["keys"].as_array().unwrap().iter();
    keys.map(|key| key["values"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_new_key_seals_everything_again_and_the_former_one_is_removed() {
    let world = World::new().await;
    write_letters(&world, 3).await;
    let before = world.get(PATH).await.is(200).json();
    assert_eq!(values(&before), [3]);
    assert_eq!(
        (&before["left"], &before["resealing"]),
        (&json!(0), &Value::Null)
    );

    let begun = rotate(&world, true).await.is(202).json();
    assert_eq!(begun["keys"].as_array().unwrap().len(), 2);
    assert_eq!(begun["keys"][1]["id"], before["keys"][0]["id"]);
    let shown = ended(&world).await;
    assert_eq!((values(&shown), &shown["left"]), (vec![3, 0], &json!(0)));
    let seals: Vec<_> = shown["keys"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&seals[0]["seals"], &seals[1]["seals"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        shown["resealing"],
        json!({"running": false, "seen": 3, "error": null})
    );

    let path = format!("{PATH}/remove-unused-keys");
    let removed = world.call("POST", &path).send().await.is(200).json();
    assert_eq!(values(&removed), [3]);
    assert_eq!(removed["keys"][0]["id"], begun["keys"][0]["id"]);
    let again = world.call("POST", &path).send().await.is(200).json();
    assert_eq!(again["keys"], removed["keys"]);
    let mails = world.store.mails(None, None, 10).await.unwrap().items;
    for mail in mails {
        assert!(world.store.mail(mail.id).await.unwrap().1.is_some());
    }
}

#[tokio::test]
async fn one_change_of_keys_at_a_time() {
    let world = World::new().await;
    write_letters(&world, 400).await;
    rotate(&world, true).await.is(202);
    for new_key in [true, false] {
        rotate(&world, new_key).await.problem(409, "conflict");
    }
    let shown = ended(&world).await;
    assert_eq!(values(&shown), [400, 0]);
    rotate(&world, false).await.is(202);
    assert_eq!(values(&ended(&world).await), [400, 0]);
}

#[tokio::test]
async fn what_is_left_is_said_without_a_change_of_keys_in_this_run() {
    let world = World::new().await;
    write_letters(&world, 2).await;
    // As a process that died after this.
    world.store.add_key(&store::Caller::system()).await.unwrap();
    let shown = world.get(PATH).await.is(200).json();
    assert_eq!(
        (&shown["left"], &shown["resealing"]),
        (&json!(2), &Value::Null)
    );
    rotate(&world, false).await.is(202);
    assert_eq!(ended(&world).await["left"], 0);
}

#[tokio::test]
async fn no_answer_holds_a_key() {
    let world = World::new().await;
    write_letters(&world, 1).await;
    let answers = [
        world.get(PATH).await.text,
        rotate(&world, true).await.text,
        world.get("/installation/audit").await.text,
    ];
    ended(&world).await;
    for line in world.key_file().lines() {
        let (id, key) = line.split_once(':').unwrap();
        assert!(answers[1].contains(id));
        for answer in &answers {
            assert!(!answer.contains(key), "{answer}");
        }
    }
}
