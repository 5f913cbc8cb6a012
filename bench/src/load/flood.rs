//! Claims that do not hold, from another address than the honest ones, at a steady rate.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use praman::claim::SubmittedClaim;
use praman::grpc::{claim_message, v1};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::transport::Endpoint;
use v1::claims_client::ClaimsClient;

use super::scene::{Replica, Scene};

/// The flood's address.
const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

const CONNECTIONS: usize = 16;

/// Whose claims they pretend to be: none of the honest ones'.
const FIRST_PERSON: u64 = 1 << 40;

/// Returns claims with proofs of something else.
pub(super) fn claims(scene: &Scene, count: u64) -> Vec<SubmittedClaim> {
    let mut claims = scene.claims(FIRST_PERSON..FIRST_PERSON + count);
    let proof = claims[0].claim().ledger.proof.clone();
    for claim in &mut claims[1..] {
        let mut forged = claim.claim().clone();
        forged.ledger.proof = proof.clone();
        *claim = SubmittedClaim::new(forged, claim.checkpoint());
    }
    // The first one would hold.
    claims.remove(0);
    claims
}

/// Submits them at a rate; returns the outcomes.
pub(super) async fn run(claims: Vec<SubmittedClaim>, replicas: &[Replica], rate: u32) -> Value {
    let mut clients = Vec::new();
    for number in 0..CONNECTIONS {
        let address = replicas[number % replicas.len()].address.clone();
        let endpoint = Endpoint::from_shared(address).expect("an address");
        let channel = endpoint.local_address(Some(FROM)).connect().await.expect("connected");
        clients.push(ClaimsClient::new(channel));
    }
    let clients = Arc::new(clients);
    let started = Instant::now();
    let count = claims.len();
    let mut handed_in = JoinSet::new();
    for (number, claim) in (0u32..).zip(claims) {
        tokio::time::sleep_until((started + Duration::from_secs(1) * number / rate).into()).await;
        let mut client = clients[number as usize % clients.len()].clone();
        handed_in.spawn(async move {
            let claim = Some(claim_message(&claim));
            let request = v1::SubmitRequest { claim, ..v1::SubmitRequest::default() };
            match client.submit(request).await {
                Ok(receipt) => {
                    assert_eq!(receipt.get_ref().state(), v1::ClaimState::Refused);
                    true
                }
                Err(status) => {
                    assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status}");
                    false
                }
            }
        });
    }
    let refused = handed_in.join_all().await.into_iter().filter(|refused| *refused).count();
    let seconds = started.elapsed().as_secs_f64();
    json!({
        "offered_per_second": (count as f64 / seconds).round(),
        "refused": refused,
        "told_to_come_again": count - refused,
    })
}
