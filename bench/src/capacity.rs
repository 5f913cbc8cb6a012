//! What a caseload takes: cores, hours, rupees and disk, from what this machine does in this run.

use clap::Args;
use serde_json::{Value, json};

use crate::load::Load;

/// A caseload, and what computing costs.
#[derive(Args)]
pub(crate) struct Capacity {
    /// Claims per month; each value is a line of the table.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 5_000_000, 25_000_000])]
    claims: Vec<u64>,
    /// How many claims in a hundred the state's workers prove; phones prove the rest.
    #[arg(long, default_value_t = 40)]
    proved_percent: u64,
    /// In how many hours of a month all claims are submitted, proved and settled.
    #[arg(long, default_value_t = 24)]
    hours: u64,
    /// How many people in a hundred get a new credential in a month.
    #[arg(long, default_value_t = 5)]
    issued_percent: u64,
    /// The planned use of a core's time, in percent.
    #[arg(long, default_value_t = 60)]
    used_percent: u64,
    /// The price of an hour of a core, in rupees: set your own.
    #[arg(long, default_value_t = 4.0)]
    rupees: f64,
}

/// The core-seconds of one of each.
struct Cost {
    proof: f64,
    claim: f64,
    credential: f64,
    bytes: f64,
}

impl Capacity {
    pub(crate) fn run(&self) -> Value {
        let cost = measure();
        let lines: Vec<Value> =
            self.claims.iter().map(|&claims| self.line(&cost, claims)).collect();
        let row = |line: &Value| {
            format!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                line["claims"],
                line["proving_cores"],
                line["service_cores"],
                line["core_hours"],
                line["rupees"],
                line["rupees_per_thousand_claims"],
                line["store_gib"]
            )
        };
        let head = "| claims a month | cores that prove | cores of services | core-hours | rupees | rupees \
                    for 1,000 claims | GiB a month |\n|---|---|---|---|---|---|---|";
        let rows: Vec<String> = lines.iter().map(row).collect();
        json!({
            "measured": {
                "core_ms_per_proof": rounded(cost.proof * 1e3),
                "core_ms_per_claim": rounded(cost.claim * 1e3),
                "core_ms_per_credential": rounded(cost.credential * 1e3),
                "store_bytes_per_claim": cost.bytes.round(),
            },
            "assumed": {
                "proved_percent": self.proved_percent,
                "hours": self.hours,
                "issued_percent": self.issued_percent,
                "used_percent": self.used_percent,
                "rupees_per_core_hour": self.rupees,
            },
            "caseloads": lines,
            "table": format!("{head}\n{}", rows.join("\n")),
        })
    }

    fn line(&self, cost: &Cost, claims: u64) -> Value {
        let of = |percent: u64| claims as f64 * percent as f64 / 100.0;
        let proving = of(self.proved_percent) * cost.proof / 3_600.0;
        let service =
            (claims as f64 * cost.claim + of(self.issued_percent) * cost.credential) / 3_600.0;
        let cores = |core_hours: f64| {
            (core_hours / self.hours as f64 / (self.used_percent as f64 / 100.0)).ceil() as u64
        };
        let hours = proving + service;
        // Idle time is paid for, too.
        let rupees = hours / (self.used_percent as f64 / 100.0) * self.rupees;
        json!({
            "claims": claims,
            "proving_cores": cores(proving),
            "service_cores": cores(service),
            "core_hours": hours.round(),
            "rupees": rupees.round(),
            "rupees_per_thousand_claims": rounded(rupees * 1_000.0 / claims as f64),
            "store_gib": rounded(claims as f64 * cost.bytes / f64::from(1 << 30)),
        })
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name} was measured"))
}

fn measure() -> Cost {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let proofs = crate::engine::throughput_bench(250);
    let issued = crate::issue_bench(20_000);
    // Offered more than it can accept: measures one claim when everything is busy, clients included.
    let load = Load::saturating(600, 8).run();
    let rate = &load["rates"][0];
    Cost {
        proof: cores / number(&proofs, "proofs_per_second"),
        claim: number(rate, "cores_busy") / number(rate, "accepted_per_second"),
        credential: cores / number(&issued, "per_second"),
        bytes: number(&load, "store_bytes") / number(rate, "accepted"),
    }
}
