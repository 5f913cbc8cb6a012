//! Clients that submit claims at a steady rate.

use std::time::{Duration, Instant};

use praman::claim::SubmittedClaim;
use praman::claims::StageTimes;
use praman::grpc::{claim_message, v1};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::transport::Channel;
use v1::claims_client::ClaimsClient;

use super::scene::{Replica, Treasury};

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

    /// Submits claims at a rate; returns how long each took until it was accepted.
    pub(super) async fn offer(
        &self,
        replicas: &[Replica],
        claims: Vec<SubmittedClaim>,
        rate: u32,
        treasury: Option<&Treasury>,
    ) -> Value {
        let count = claims.len();
        let before: Vec<StageTimes> = replicas.iter().map(Replica::stage_times).collect();
        let (started, cpu) = (Instant::now(), cpu_seconds());
        let offered = self.hand_in(claims, rate, started);
        let paying = async {
            match treasury {
                Some(treasury) => treasury.pay_along(count).await,
                None => Vec::new(),
            }
        };
        let ((times, seconds), runs) = tokio::join!(offered, paying);
        let cores = (cpu_seconds() - cpu) / started.elapsed().as_secs_f64();
        let accepted = times.iter().map(|(due, accepted)| *accepted - *due);
        let [p50, p95, p99] = quantiles(accepted);
        let mut result = json!({
            "offered_per_second": rate,
            "accepted": count,
            "accepted_per_second": (count as f64 / seconds).round(),
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "cores_busy": (cores * 100.0).round() / 100.0,
            "stage_ms_per_claim": stages(&before, replicas, count),
        });
        if treasury.is_some() {
            let [p50, p95, p99] = quantiles(ordered(times, &runs));
            result["ordered"] = json!({ "p50_ms": p50, "p95_ms": p95, "p99_ms": p99 });
        }
        result
    }

    /// Submits claims when they are due; returns when each was due and when accepted, and how long all took.
    async fn hand_in(
        &self,
        claims: Vec<SubmittedClaim>,
        rate: u32,
        started: Instant,
    ) -> (Vec<(Instant, Instant)>, f64) {
        let mut handed_in = JoinSet::new();
        for (number, claim) in (0u32..).zip(claims) {
            let due = started + Duration::from_secs(1) * number / rate;
            tokio::time::sleep_until(due.into()).await;
            let client = self.0[number as usize % self.0.len()].clone();
            handed_in.spawn(async move {
                accepted(client, claim_message(&claim)).await;
                (due, Instant::now())
            });
        }
        let times = handed_in.join_all().await;
        (times, started.elapsed().as_secs_f64())
    }
}

/// Returns the 50th, 95th and 99th percentile in milliseconds.
fn quantiles(times: impl Iterator<Item = Duration>) -> [f64; 3] {
    let mut milliseconds: Vec<f64> = times.map(|time| time.as_secs_f64() * 1e3).collect();
    milliseconds.sort_by(f64::total_cmp);
    let last = milliseconds.len() - 1;
    [0.50, 0.95, 0.99].map(|share| milliseconds[(last as f64 * share) as usize].round())
}

/// Returns how long each claim took until the run that ordered it was done: claims are ordered as they are
/// accepted.
fn ordered(
    mut times: Vec<(Instant, Instant)>,
    runs: &[(Instant, usize)],
) -> impl Iterator<Item = Duration> {
    times.sort_by_key(|(_, accepted)| *accepted);
    times.into_iter().enumerate().map(|(place, (due, _))| {
        let run = runs.iter().find(|(_, ordered)| place < *ordered);
        run.expect("all were ordered").0 - due
    })
}

/// Submits a claim and waits until it is accepted; retries when asked to.
async fn accepted(mut client: ClaimsClient<Channel>, claim: v1::Claim) {
    loop {
        let request = v1::SubmitRequest {
            claim: Some(claim.clone()),
            idempotency_key: String::new(),
            wait_seconds: 30,
            district: String::new(),
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

/// Returns the time of each step of a claim: several at once, so that they may sum up to more than a claim's
/// time.
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

/// Returns the processor time that this process has used.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> =
        behind_name.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // The first field is a letter; the 11th and 12th numbers after it are ticks of a hundredth.
    ticks.get(10).zip(ticks.get(11)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}
