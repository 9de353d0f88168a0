//! Bodies that a mutator makes, through the server's own door: each is answered, none with an error of the server's, and
//! afterwards everything is sound.

#[path = "../../../../fuzz/src/mutate.rs"]
mod mutate;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use stempel_server::Scope;
use stempel_wire::message::EnrollRequest;

use crate::api::{COFFEE, publish};
use crate::http::Site;
use crate::world::{HOUR_MS, NOON_MS, World, card, member};

#[tokio::test]
async fn no_body_brings_the_server_down() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 50);
    world.push(&device, &device.rows[..1]).await.unwrap();
    let scopes: BTreeSet<Scope> = Scope::OF_KEYS.into();
    let key = world.server.api_key_add(world.tenant, "till", &scopes, None).await.unwrap().key;
    let bearer = format!("content-type: application/json\r\nauthorization: Bearer {key}\r\n");
    let code = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap().code;
    let enrol: EnrollRequest = crate::world::Device::new(2).ask(&code);
    let number = card(1).number().to_string();
    let routes: [(&str, bool, Vec<u8>); 6] = [
        ("/v1/push", true, device.push_from(1)),
        ("/v1/push", true, device.push_from(0)),
        ("/v1/enroll", false, serde_json::to_vec(&enrol).unwrap()),
        (
            "/api/v1/stamps",
            false,
            json!({ "code": number, "programme": "coffee", "count": 1 }).to_string().into(),
        ),
        ("/api/v1/redemptions", false, json!({ "code": number, "reward": "free-coffee" }).to_string().into()),
        ("/api/v1/members", false, json!({ "name": "Ada", "language": "de" }).to_string().into()),
    ];
    let others: Vec<Vec<u8>> = routes.iter().map(|(_, _, body)| body.clone()).collect();
    let site = Site::open(&world).await;
    let (mut draws, mut bytes) = (mutate::Draws(7), 0);
    let mut answers: BTreeMap<u16, u64> = BTreeMap::new();
    let inputs = mutate::inputs(250);
    for _ in 0..inputs {
        let (path, signed, body) = &routes[draws.below(routes.len())];
        let mut body = body.clone();
        draws.change(&mut body, &others);
        bytes += body.len();
        let answer = match signed {
            true => site.signed(&device, "POST", path, &body, NOON_MS).await,
            false => {
                let headers =
                    if path.starts_with("/api") { &bearer[..] } else { "content-type: application/json\r\n" };
                site.send("POST", path, headers, &body).await
            }
        };
        assert!((200..500).contains(&answer.status) || answer.status == 503, "{path}: {}", answer.status);
        *answers.entry(answer.status).or_default() += 1;
    }
    println!("bodies: {inputs} inputs, {bytes} bytes, answers {answers:?}");
    assert!(answers.len() > 2, "{answers:?}");
    while world.server.work().await.unwrap() > 0 {}
    world.sound().await;
    assert_eq!(site.send("GET", "/health", "", b"").await.status, 200);
}
