//! Clients that hand in claims at a steady rate.

use std::time::{Duration, Instant};

use praman::claim::SubmittedClaim;
use praman::claims::StageTimes;
use praman::grpc::{claim_message, v1};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::transport::Channel;
use v1::claims_client::ClaimsClient;

use super::scene::Replica;

/// Connections to each service: a connection has 256 requests at a time.
const CONNECTIONS: usize = 16;

/// Connections to all services in turn.
pub(super) struct Clients(Vec<ClaimsClient<Channel>>);

impl Clients {
    pub(super) async fn of(replicas: &[Replica]) -> Self {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            for replica in replicas {
                let address = replica.address.clone();
                connections.push(ClaimsClient::connect(address).await.expect("connected"));
            }
        }
        Self(connections)
    }

    /// Hands in claims at a rate; how long each took until it was accepted.
    pub(super) async fn offer(
        &self,
        replicas: &[Replica],
        claims: Vec<SubmittedClaim>,
        rate: u32,
    ) -> Value {
        let count = claims.len();
        let before: Vec<StageTimes> = replicas.iter().map(Replica::stage_times).collect();
        let (started, cpu) = (Instant::now(), cpu_seconds());
        let mut handed_in = JoinSet::new();
        for (number, claim) in (0u32..).zip(claims) {
            let due = started + Duration::from_secs(1) * number / rate;
            tokio::time::sleep_until(due.into()).await;
            let client = self.0[number as usize % self.0.len()].clone();
            handed_in.spawn(async move {
                accepted(client, claim_message(&claim)).await;
                due.elapsed().as_secs_f64() * 1e3
            });
        }
        let mut milliseconds = handed_in.join_all().await;
        let seconds = started.elapsed().as_secs_f64();
        milliseconds.sort_by(f64::total_cmp);
        let quantile = |share: f64| milliseconds[((count - 1) as f64 * share) as usize].round();
        let cores = (cpu_seconds() - cpu) / seconds;
        json!({
            "offered_per_second": rate,
            "accepted": count,
            "accepted_per_second": (count as f64 / seconds).round(),
            "p50_ms": quantile(0.50),
            "p95_ms": quantile(0.95),
            "p99_ms": quantile(0.99),
            "cores_busy": (cores * 100.0).round() / 100.0,
            "stage_ms_per_claim": stages(&before, replicas, count),
        })
    }
}

/// Hands in a claim and waits until it is accepted; comes again when it is told to.
async fn accepted(mut client: ClaimsClient<Channel>, claim: v1::Claim) {
    loop {
        let request = v1::SubmitRequest {
            claim: Some(claim.clone()),
            idempotency_key: String::new(),
            wait_seconds: 30,
        };
        match client.submit(request).await {
            Ok(receipt) => match receipt.get_ref().state() {
                v1::ClaimState::Accepted => return,
                v1::ClaimState::Refused => panic!("refused: {}", receipt.get_ref().message),
                _ => {}
            },
            Err(status) if status.code() == tonic::Code::ResourceExhausted => {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(status) => panic!("{status}"),
        }
    }
}

/// What each step took of a claim: several at once, so that they may sum up to more than a claim's time.
fn stages(before: &[StageTimes], replicas: &[Replica], claims: usize) -> Value {
    let after: Vec<StageTimes> = replicas.iter().map(Replica::stage_times).collect();
    let spent = |time: fn(&StageTimes) -> Duration| {
        let sum = |times: &[StageTimes]| times.iter().map(time).sum::<Duration>();
        let milliseconds = (sum(&after) - sum(before)).as_secs_f64() * 1e3 / claims as f64;
        (milliseconds * 1_000.0).round() / 1_000.0
    };
    json!({
        "store": spent(|times| times.keeping + times.recording),
        "verify": spent(|times| times.verifying),
        "chain": spent(|times| times.settling),
    })
}

/// What this process has taken of the processors' time.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> =
        behind_name.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // The first field is a letter; the 11th and 12th numbers behind it are ticks of a hundredth.
    ticks.get(10).zip(ticks.get(11)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}
